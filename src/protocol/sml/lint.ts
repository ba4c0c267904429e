import { callsOf, keyOf, walk, type Assign, type Call, type Expr, type Name } from "./ast.ts";
import { diagnosticAt, type Diagnostic, type Span } from "./diagnostics.ts";
import { argumentOf } from "./functions/definition.ts";
import { failOpen } from "./lint-fail-open.ts";
import { lintPattern } from "./lint-patterns.ts";
import type { Program } from "./program.ts";
import { subjectsOfRule } from "./subjects.ts";

/** What may be meant, but surprises: between engines, when data is missing, or because nothing comes of it. */
export type WarningKind =
  | "large-integer"
  | "unshared-pattern"
  | "slow-pattern"
  | "order-of-keys"
  | "signed-name"
  | "fail-open"
  | "negated-label"
  | "unguarded-ratio"
  | "any-action"
  | "unused-rule"
  | "unused-label";
export type Warning = Diagnostic<WarningKind>;
export type Warn = (span: Span, kind: WarningKind, message: string, hint: string) => void;

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Warnings about rules that may run. Functions whose results differ between hosts (random numbers, look-ups,
 * experiments, public suffixes, extraction) are refused by `compile` and need no warning.
 */
export function lint(program: Program): Warning[] {
  const warnings: Warning[] = [];
  const warn: Warn = (span, kind, message, hint) => warnings.push(diagnosticAt(span, kind, message, hint));
  for (const file of program.files.values()) {
    for (const statement of file.statements) {
      for (const expr of walk(statement.kind === "assign" ? statement.value : statement))
        lintExpr(expr, program, warn);
    }
    for (const { call, parent } of callsOf(file)) {
      if (call.function === "Rule" && parent?.kind === "assign") lintRule(call, parent, program, warn);
      if (call.function === "JsonData" || call.function === "EntityJson") lintPath(call, program, warn);
      lintSigns(call, program, warn);
      lintPattern(call, program, warn);
    }
  }
  unusedLabels(program, warnings);
  const order = [...program.files.keys()];
  return warnings.sort(
    (a, b) => order.indexOf(a.file) - order.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
}

function lintExpr(expr: Expr, { definitions }: Program, warn: Warn): void {
  if (
    expr.kind === "number" &&
    typeof expr.value === "bigint" &&
    (expr.value > MAX_SAFE || expr.value < -MAX_SAFE)
  ) {
    const hint = "compare such numbers as text";
    warn(expr.span, "large-integer", "an integer beyond 2^53 is not the same in every JSON reader", hint);
  }
  if (expr.kind === "unary" && expr.op === "not" && isHasLabel(expr.operand, definitions))
    negatedLabel(expr.span, warn);
  if (expr.kind === "compare" && (expr.op === "==" || expr.op === "!=")) {
    const [label, other] = isHasLabel(expr.left, definitions)
      ? [expr.left, expr.right]
      : [expr.right, expr.left];
    const isNegation = other.kind === "bool" && other.value === (expr.op === "!=");
    if (isNegation && isHasLabel(label, definitions)) negatedLabel(expr.span, warn);
  }
  if (expr.kind === "call" && expr.function === "HasLabel") {
    const status = argumentOf(expr, "status");
    const value = status?.kind === "name" ? definitions.get(keyOf(status))?.value : status;
    if (value?.kind === "text" && value.value === "removed" && !asksForLabels(expr))
      negatedLabel(expr.span, warn);
  }
}

function negatedLabel(span: Span, warn: Warn): void {
  const message = "a label that could not be read counts as absent, and this then holds";
  warn(
    span,
    "negated-label",
    message,
    "add `error_on_empty=True`, or ask for a label that stands for the contrary",
  );
}

function isHasLabel(expr: Expr, definitions: ReadonlyMap<string, Assign>): boolean {
  const value = expr.kind === "name" ? definitions.get(keyOf(expr))?.value : expr;
  return value?.kind === "call" && value.function === "HasLabel" && !asksForLabels(value);
}

function asksForLabels(call: Call): boolean {
  const asked = argumentOf(call, "error_on_empty");
  return asked?.kind === "bool" && asked.value;
}

function lintPath(call: Call, { calls }: Program, warn: Warn): void {
  const checked = calls.get(call)!;
  const path = String(checked.constants.get("path"));
  const bare = path.replaceAll(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\[\s*\*\s*\]/g, "");
  if (!bare.includes("*") && !bare.includes("..")) return;
  const message = "the first of several keys is read, and their order is not part of JSON";
  warn(checked.constantSpans.get("path") ?? call.span, "order-of-keys", message, "write the whole path");
}

/** Osprey turns the sign of a name's number where it stands, each time a literal argument reads it. */
function lintSigns(call: Call, { calls, definitions }: Program, warn: Warn): void {
  for (const name of calls.get(call)?.constants.keys() ?? []) {
    const given = argumentOf(call, name);
    if (given?.kind !== "name" || definitions.get(keyOf(given))?.value.kind !== "unary") continue;
    const message = `\`${given.id}\` changes its sign for all its readers because it is used here`;
    warn(given.span, "signed-name", message, "write the number here");
  }
}

function lintRule(call: Call, assign: Assign, program: Program, warn: Warn): void {
  const { span, id } = assign.target;
  if (subjectsOfRule(program, call) === undefined) {
    const hint = 'begin `when_all` with `ActionName == "..."`';
    warn(span, "any-action", `\`${id}\` is judged for every action`, hint);
  }
  if (!isUsed(assign.target, program)) {
    const hint = `write \`WhenRules(rules_any=[${id}], then=[...])\``;
    warn(span, "unused-rule", `nothing comes of \`${id}\``, hint);
  }
  failOpen(call, program, warn);
}

/** Whether an effect or another rule depends on it. */
function isUsed(target: Name, { files }: Program): boolean {
  for (const file of files.values()) {
    for (const statement of file.statements) {
      if (statement.kind === "assign" && statement.target === target) continue;
      for (const expr of walk(statement.kind === "assign" ? statement.value : statement)) {
        if (expr.kind === "name" && expr.id === target.id) return true;
      }
    }
  }
  return false;
}

function unusedLabels({ calls, labels }: Program, warnings: Warning[]): void {
  const given = new Set(
    [...calls].flatMap(([call, { constants }]) =>
      call.function === "LabelAdd" ? [constants.get("label")] : [],
    ),
  );
  for (const label of Object.keys(labels)) {
    if (given.has(label)) continue;
    warnings.push({
      file: "labels.json",
      line: 1,
      column: 1,
      length: 0,
      kind: "unused-label",
      message: `no rule gives the label "${label}"`,
      hint: `write \`LabelAdd(entity=..., label="${label}")\`, or remove it`,
    });
  }
}
