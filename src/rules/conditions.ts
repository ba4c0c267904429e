import type { Assign, Expr, SourceFile } from "../protocol/sml/index.ts";
import type { Program } from "./program.ts";

/** A value that a condition compares with, and why it is this one, as the comment above it says. */
export type Operand = { value: string | number | boolean | string[]; name: string | null; why: string };

/**
 * One comparison of a rule. `operand` is null where the other side is no constant: `source` says it as it is written.
 */
export type Condition = { feature: string; op: string; operand: Operand | null; source: string };

/** What a rule asks for, and the labels that it gives and takes. All conditions must hold. */
export type RuleReading = { name: string; actions: string[]; conditions: Condition[]; labels: string[] };

/** Every rule of a program, taken apart for people to read. */
export function readRules({ files }: Program): RuleReading[] {
  const all = [...files.values()];
  const constants = constantsOf(all);
  const given = labelsOf(all);
  return all.flatMap((file) =>
    file.statements.flatMap((statement) => {
      if (statement.kind !== "assign" || statement.value.kind !== "call") return [];
      if (statement.value.function !== "Rule") return [];
      const asked = statement.value.args.find((argument) => argument.name === "when_all")?.value;
      const conditions = (asked?.kind === "list" ? asked.items : []).map((one) =>
        conditionOf(one, file, constants),
      );
      const name = statement.target.id;
      return {
        name,
        actions: conditions.filter(isAction).flatMap(({ operand }) => stringsOf(operand)),
        conditions: conditions.filter((one) => !isAction(one)),
        labels: given.get(name) ?? [],
      };
    }),
  );
}

const isAction = (one: Condition) => one.feature === "ActionName";

function stringsOf(operand: Operand | null): string[] {
  if (Array.isArray(operand?.value)) return operand.value;
  return typeof operand?.value === "string" ? [operand.value] : [];
}

function conditionOf(expr: Expr, { text }: SourceFile, constants: Map<string, Operand>): Condition {
  const source = text.slice(expr.span.start, expr.span.end);
  if (expr.kind !== "compare" || expr.left.kind !== "name")
    return { feature: "", op: "", operand: null, source };
  const { left, op, right } = expr;
  const value = literalOf(right);
  const operand =
    value !== null
      ? { value, name: null, why: "" }
      : right.kind === "name"
        ? (constants.get(right.id) ?? null)
        : null;
  return { feature: left.id, op, operand, source };
}

function literalOf(expr: Expr): Operand["value"] | null {
  if (expr.kind === "text" || expr.kind === "bool") return expr.value;
  if (expr.kind === "number") return Number(expr.value);
  if (expr.kind !== "list") return null;
  const items = expr.items.map((item) => (item.kind === "text" ? item.value : null));
  return items.every((item) => item !== null) ? items : null;
}

function constantsOf(files: readonly SourceFile[]): Map<string, Operand> {
  const found = new Map<string, Operand>();
  for (const { text, statements } of files) {
    for (const statement of statements) {
      if (statement.kind !== "assign") continue;
      const value = literalOf(statement.value);
      const name = statement.target.id;
      if (value !== null && !name.startsWith("_"))
        found.set(name, { value, name, why: commentAbove(text, statement) });
    }
  }
  return found;
}

/** The lines of comment that stand right above. */
function commentAbove(text: string, { span }: Assign): string {
  const lines = text.slice(0, span.start).split("\n").slice(0, -1);
  const first = lines.findLastIndex((line) => !line.startsWith("#")) + 1;
  return lines
    .slice(first)
    .map((line) => line.replace(/^#\s*/, ""))
    .join(" ");
}

function labelsOf(files: readonly SourceFile[]): Map<string, string[]> {
  const given = new Map<string, string[]>();
  for (const statement of files.flatMap((file) => file.statements)) {
    if (statement.kind !== "call" || statement.function !== "WhenRules") continue;
    const listOf = (name: string) => {
      const value = statement.args.find((argument) => argument.name === name)?.value;
      return value?.kind === "list" ? value.items : [];
    };
    const labels = listOf("then").flatMap((effect) => {
      if (effect.kind !== "call" || effect.function !== "LabelAdd") return [];
      const label = effect.args.find((argument) => argument.name === "label")?.value;
      return label?.kind === "text" ? [label.value] : [];
    });
    for (const rule of listOf("rules_any"))
      if (rule.kind === "name") given.set(rule.id, [...(given.get(rule.id) ?? []), ...labels]);
  }
  return given;
}
