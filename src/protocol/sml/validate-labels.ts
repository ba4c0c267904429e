import { callsOf, isLocal, type Assign, type Call, type SourceFile } from "./ast.ts";
import { diagnosticAt, type Diagnostic } from "./diagnostics.ts";
import { argumentOf } from "./functions/definition.ts";
import type { CheckedCall, LabelsConfig } from "./program.ts";

/** Labels that are not configured, or not for that type of entity. */
export function checkLabels(
  file: SourceFile,
  calls: ReadonlyMap<Call, CheckedCall>,
  definitions: ReadonlyMap<string, Assign>,
  labels: LabelsConfig,
): Diagnostic[] {
  const problems: Diagnostic[] = [];
  for (const { call } of callsOf(file)) {
    if (call.function !== "LabelAdd" && call.function !== "LabelRemove") continue;
    const entity = argumentOf(call, "entity");
    const checked = calls.get(call);
    // Osprey does not look at an entity that is built inside the call.
    if (entity?.kind !== "name" || checked === undefined) continue;
    const type = isLocal(entity.id) ? undefined : entityType(definitions.get(entity.id), calls);
    if (type === undefined) {
      const message = `\`${entity.id}\` is not itself an \`Entity\` or \`EntityJson\` with a public name`;
      problems.push(
        diagnosticAt(entity.span, "engine-crash", message, "give the entity a name without underscore"),
      );
      continue;
    }
    const name = checked.constants.get("label") as string;
    const config = Object.hasOwn(labels, name) ? labels[name] : undefined;
    if (config === undefined) {
      const span = checked.constantSpans.get("label") ?? call.span;
      const known = Object.keys(labels).join(", ") || "none";
      problems.push(
        diagnosticAt(span, "unknown-label", `the label "${name}" is not configured`, `configured: ${known}`),
      );
    } else if (!config.valid_for.includes(type)) {
      const message = `the label "${name}" is not for a ${type}`;
      problems.push(
        diagnosticAt(
          entity.span,
          "label-not-valid-for-entity",
          message,
          `it is for: ${config.valid_for.join(", ")}`,
        ),
      );
    }
  }
  return problems;
}

function entityType(assign: Assign | undefined, calls: ReadonlyMap<Call, CheckedCall>): string | undefined {
  if (assign?.value.kind !== "call") return undefined;
  if (assign.value.function !== "Entity" && assign.value.function !== "EntityJson") return undefined;
  return calls.get(assign.value)?.constants.get("type") as string | undefined;
}
