import type { Call, SourceFile } from "./ast.ts";
import { compareText } from "./operators.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { link } from "./link.ts";
import { parseFile } from "./parse.ts";
import { ENTRY, type CheckedCall, type LabelsConfig, type Program } from "./program.ts";
import { bindAnnotations, checkCalls, checkResults } from "./validate-calls.ts";
import { checkLabels } from "./validate-labels.ts";
import { importCycle, indexNames, undefinedNames, unusedLocals } from "./validate-names.ts";
import { checkTypes } from "./validate-types.ts";

export type Compilation = { ok: true; program: Program } | { ok: false; diagnostics: Diagnostic[] };

const MAX_FILES = 500;

/**
 * Reads and checks a set of rule files in the stages of Osprey 1.1: what does not parse hides the rest, then names
 * that stand twice, then calls, then imports and names, then types. `files` maps paths to text; `main.sml` is where
 * rules begin. Without `labels` no label is known.
 */
export function compile(files: Readonly<Record<string, string>>, labels: LabelsConfig | null): Compilation {
  const parsed = new Map<string, SourceFile>();
  const diagnostics: Diagnostic[] = [];
  const entries = Object.entries(files);
  if (entries.length > MAX_FILES)
    return refused([at(ENTRY, "too-large", `more than ${MAX_FILES} rule files`)]);
  for (const [path, text] of entries) {
    const file = parseFile(path, text);
    if ("message" in file) diagnostics.push(file);
    else parsed.set(path, file);
  }
  if (diagnostics.length > 0) return refused(diagnostics);
  if (!parsed.has(ENTRY))
    return refused([at(ENTRY, "entry-missing", `there is no \`${ENTRY}\`, where rules begin`)]);
  return check(parsed, labels ?? {});
}

function check(files: Map<string, SourceFile>, labels: LabelsConfig): Compilation {
  const all = [...files.values()];
  const beside = all.flatMap((file) => [...unusedLocals(file), ...checkResults(file)]);
  const { definitions, problems } = indexNames(all);
  if (problems.length > 0) return refused([...problems, ...beside]);

  const scope = { files, definitions, labels: new Set(Object.keys(labels)) };
  const checked = all.map((file) => checkCalls(file, scope));
  const inCalls = checked.flatMap((one) => one.problems);
  if (inCalls.length > 0) return refused([...inCalls, ...beside]);
  const calls = new Map<Call, CheckedCall>(checked.flatMap((one) => [...one.calls]));

  const inLabels = all.flatMap((file) => checkLabels(file, calls, definitions, labels));
  const inAnnotations = all.flatMap((file) => bindAnnotations(file, calls));
  const cycle = importCycle(all, calls);
  const inNames =
    cycle === undefined ? all.flatMap((file) => undefinedNames(file, definitions, calls)) : [cycle];
  if (inAnnotations.length + inNames.length > 0) {
    return refused([...inNames, ...inAnnotations, ...inLabels, ...beside]);
  }
  const types = checkTypes(files, calls);
  const found = [...types.problems, ...inLabels, ...beside];
  if (found.length > 0) return refused(found);
  const program = { files, definitions, calls, labels, unwraps: types.unwraps };
  return { ok: true, program: { ...program, plan: link(program) } };
}

function refused(diagnostics: Diagnostic[]): Compilation {
  const sorted = diagnostics.toSorted(
    (a, b) =>
      compareText(a.file, b.file) || a.line - b.line || a.column - b.column || compareText(a.kind, b.kind),
  );
  return { ok: false, diagnostics: sorted };
}

const at = (file: string, kind: "too-large" | "entry-missing", message: string): Diagnostic => ({
  file,
  line: 1,
  column: 1,
  length: 0,
  kind,
  message,
  hint:
    kind === "too-large"
      ? "split the rules over several sets"
      : `write \`${ENTRY}\`; it names the other files`,
});
