import { checkerOf, typeOf } from "./annotation.ts";
import { callsOf, isLocal, keyOf, type Assign, type Call, type Expr, type SourceFile } from "./ast.ts";
import { diagnosticAt, type Diagnostic, type DiagnosticKind, type Span } from "./diagnostics.ts";
import {
  argumentOf,
  type Constant,
  type ConstantKind,
  type FunctionDefinition,
} from "./functions/definition.ts";
import { findFunction, functionNames, isKnownElsewhere } from "./functions/index.ts";
import { globMatches } from "./glob.ts";
import type { CheckedCall } from "./program.ts";
import { compareText } from "./operators.ts";

type Parent = Assign | Expr | null;
type Report = (span: Span, kind: DiagnosticKind, message: string, hint?: string) => void;

/** What calls are checked against. */
export type CallScope = {
  files: ReadonlyMap<string, SourceFile>;
  definitions: ReadonlyMap<string, Assign>;
  labels: ReadonlySet<string>;
};

/** Checks functions, arguments and literals of one file, and what each function asks of its own arguments. */
export function checkCalls(
  file: SourceFile,
  scope: CallScope,
): { calls: Map<Call, CheckedCall>; problems: Diagnostic[] } {
  const calls = new Map<Call, CheckedCall>();
  const problems: Diagnostic[] = [];
  const report: Report = (span, kind, message, hint) =>
    problems.push(diagnosticAt(span, kind, message, hint));
  for (const { call, parent } of callsOf(file)) {
    const checked = checkCall(call, parent, scope, report);
    if (checked !== undefined) calls.set(call, checked);
  }
  return { calls, problems };
}

function checkCall(call: Call, parent: Parent, scope: CallScope, report: Report): CheckedCall | undefined {
  const definition = findFunction(call.function);
  if (definition === undefined) {
    if (isKnownElsewhere(call.function)) {
      const message = `\`${call.function}\` is not evaluated here`;
      report(
        call.span,
        "unsupported-function",
        message,
        "its result is not the same on every host: compute it before",
      );
    } else if (call.function.includes(".")) {
      report(call.span, "engine-crash", "functions have plain names", "write `Name(...)` without a dot");
    } else {
      report(
        call.span,
        "unknown-udf",
        `there is no function \`${call.function}\``,
        suggestion(call.function),
      );
    }
    return undefined;
  }
  const given = new Map(call.args.map((argument) => [argument.name, argument.value]));
  const constants = new Map<string, Constant>();
  const constantSpans = new Map<string, Span>();
  const absent: string[] = [];
  let literalsHold = true;
  for (const name of [...new Set([...Object.keys(definition.parameters), ...given.keys()])].sort()) {
    const value = given.get(name);
    const parameter = Object.hasOwn(definition.parameters, name) ? definition.parameters[name] : undefined;
    if (parameter === undefined) {
      // Osprey overlooks an empty list here and stops at it later.
      if (value!.kind === "list" && value!.items.length === 0) continue;
      const hint = `it has: ${Object.keys(definition.parameters).join(", ") || "none"}`;
      report(value!.span, "unknown-kwarg", `\`${call.function}\` has no argument \`${name}\``, hint);
    } else if (value === undefined) {
      if (parameter.optional !== true) absent.push(name);
    } else if (parameter.constant !== undefined) {
      const constant = readConstant(value, parameter.constant, scope.definitions, report);
      if (constant === undefined) literalsHold = false;
      else {
        constants.set(name, constant.value);
        constantSpans.set(name, constant.span);
      }
    }
  }
  if (absent.length > 0) {
    const message = `\`${call.function}\` needs ${absent.map((name) => `\`${name}\``).join(", ")}`;
    report(
      call.span,
      "missing-kwarg",
      message,
      `write \`${call.function}(${absent.map((name) => `${name}=...`).join(", ")})\``,
    );
  }
  if (absent.length > 0 || !literalsHold) return undefined;
  const spanOf = (name: string) => constantSpans.get(name) ?? call.span;
  const compiled = definition.check?.({ call, constants, spanOf, labels: scope.labels, report });
  const imports = call.function === "Import" ? checkImport(call, constants, scope, report) : [];
  if (call.function === "Require") checkRequire(call, scope, report);
  if (call.function === "Rule") checkRule(call, parent, report);
  return { definition, constants, constantSpans, compiled, imports };
}

function suggestion(name: string): string {
  const near = functionNames().find((known) => known.toLowerCase() === name.toLowerCase());
  return near === undefined ? "check the spelling" : `write \`${near}\``;
}

/** The literal that an argument is, or that the name it is stands for; one name deep. */
function readConstant(
  expr: Expr,
  kind: ConstantKind,
  definitions: ReadonlyMap<string, Assign>,
  report: Report,
): { value: Constant; span: Span } | undefined {
  let node = expr;
  if (expr.kind === "name") {
    const value = definitions.get(keyOf(expr))?.value;
    if (value !== undefined && (!isLocal(expr.id) || isPlainLiteral(value))) node = value;
    else
      report(
        expr.span,
        "literal-required",
        `\`${expr.id}\` is bound to no literal`,
        "write the literal here",
      );
  }
  if (node.kind === "unary") {
    if (node.op === "-" && node.operand.kind === "number") {
      // Osprey changes the sign of the number where it stands, for all who read it.
      node = node.operand;
      node.value = -node.value;
    } else
      report(node.span, "literal-required", "only a minus before a number is read here", "write the number");
  }
  const value = literalOf(node, kind);
  if (value !== undefined) return { value, span: node.span };
  const wrong =
    kind === "str-list" && node.kind === "list" ? node.items.find((item) => item.kind !== "text") : node;
  report((wrong ?? node).span, "literal-required", `a literal ${NAMES[kind]} is needed here`, EXAMPLES[kind]);
  return undefined;
}

const EXAMPLES: Record<ConstantKind, string> = {
  str: 'write it out, such as "text"',
  int: "write it out, such as 5",
  bool: "write `True` or `False`",
  "str-list": 'write it out, such as ["a", "b"]',
};

const NAMES: Record<ConstantKind, string> = {
  str: "text",
  int: "number",
  bool: "`True` or `False`",
  "str-list": "list of texts",
};

const isPlainLiteral = (expr: Expr) => ["text", "number", "bool", "none", "list"].includes(expr.kind);

function literalOf(node: Expr, kind: ConstantKind): Constant | undefined {
  if (kind === "str" && node.kind === "text") return node.value;
  if (kind === "int" && node.kind === "number") return node.value;
  if (kind === "bool" && node.kind === "bool") return node.value;
  if (kind !== "str-list" || node.kind !== "list") return undefined;
  const items = node.items.map((item) => (item.kind === "text" ? item.value : undefined));
  return items.every((item) => item !== undefined) ? items : undefined;
}

function checkImport(
  call: Call,
  constants: ReadonlyMap<string, Constant>,
  scope: CallScope,
  report: Report,
): CheckedCall["imports"] {
  const given = argumentOf(call, "rules")!;
  const list = given.kind === "name" ? scope.definitions.get(given.id)?.value : given;
  const paths = constants.get("rules") as string[];
  const spans = list?.kind === "list" ? list.items.map((item) => item.span) : [];
  const spanAt = (at: number) => spans[at] ?? given.span;
  const imports = paths.map((path, at) => ({ path, span: spanAt(at) }));
  for (const { path, span } of imports) {
    if (!scope.files.has(path))
      report(span, "import-missing", `there is no file \`${path}\``, "paths begin at the rules directory");
  }
  for (const [at, path] of paths.entries()) {
    if (paths.indexOf(path) === at && paths.lastIndexOf(path) > at) {
      report(spanAt(at), "import-duplicate", `\`${path}\` is imported more than once`, "name it once");
    }
  }
  const inOrder = [...paths].sort(compareText);
  if (paths.some((path, at) => path !== inOrder[at])) {
    const hint = `write [${inOrder.map((path) => JSON.stringify(path)).join(", ")}]`;
    report(list?.span ?? given.span, "import-unsorted", "imports are not in order", hint);
  }
  return imports.filter(({ path }) => scope.files.has(path));
}

function checkRequire(call: Call, { files }: CallScope, report: Report): void {
  const rule = argumentOf(call, "rule")!;
  if (rule.kind === "text") {
    if (!files.has(rule.value))
      report(
        rule.span,
        "require-missing",
        `there is no file \`${rule.value}\``,
        "paths begin at the rules directory",
      );
  } else if (rule.kind === "format") {
    const glob = rule.parts.map((part) => (typeof part === "string" ? part : "*")).join("");
    if ([...files.keys()].some((path) => globMatches(glob, path))) return;
    report(
      rule.span,
      "require-missing",
      `no file can ever match \`${rule.template}\``,
      "paths begin at the rules directory",
    );
  } else {
    const hint = "write the path here, as text or as a format string";
    report(rule.span, "require-not-literal", "the path of a required file must be readable", hint);
  }
}

function checkRule(call: Call, parent: Parent, report: Report): void {
  if (parent?.kind !== "assign") {
    report(
      call.span,
      "rule-unassigned",
      "a rule needs a name",
      "write `SomeRule = Rule(...)` and use the name",
    );
  } else if (isLocal(parent.target.id)) {
    report(
      parent.span,
      "rule-local",
      "a rule needs a name without a leading underscore",
      `write \`${parent.target.id.replace(/^_+/, "") || "SomeRule"} = Rule(...)\``,
    );
  }
  const description = argumentOf(call, "description")!;
  if (description.kind !== "text" && description.kind !== "format") {
    report(
      description.span,
      "description-not-literal",
      "a description is text or a format string, written here",
      'write `description="..."` or `description=f"..."`',
    );
  } else if (description.kind === "text" && /\{(?!\p{Nd})[\p{L}\p{N}_]+\}/u.test(description.value)) {
    const message = "the description has a name in braces but is no format string";
    report(description.span, "description-not-fstring", message, 'put an "f" before the text');
  }
}

/** Results that are thrown away, and statements that are used as values. */
export function checkResults(file: SourceFile): Diagnostic[] {
  const problems: Diagnostic[] = [];
  for (const { call, parent } of callsOf(file)) {
    const returns = findFunction(call.function)?.returns;
    if (returns === undefined) continue;
    if (returns !== "nothing" && parent === null) {
      const message = `the result of \`${call.function}\` goes nowhere`;
      problems.push(
        diagnosticAt(call.span, "result-unused", message, `write \`Name = ${call.function}(...)\``),
      );
    }
    if (returns === "nothing" && parent !== null) {
      problems.push(
        diagnosticAt(call.span, "no-result", `\`${call.function}\` has no result`, "let it stand alone"),
      );
    }
  }
  return problems;
}

/** Gives reads from outside the type that their annotation names. */
export function bindAnnotations(file: SourceFile, calls: ReadonlyMap<Call, CheckedCall>): Diagnostic[] {
  const problems: Diagnostic[] = [];
  for (const { call, parent } of callsOf(file)) {
    const checked = calls.get(call);
    const problem = checked === undefined ? undefined : bindAnnotation(call, parent, checked);
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
}

function bindAnnotation(call: Call, parent: Parent, checked: CheckedCall): Diagnostic | undefined {
  const { returns }: FunctionDefinition = checked.definition;
  if (returns !== "annotated" && returns !== "annotated-entity") return undefined;
  const hint = `write \`Name: type = ${call.function}(...)\``;
  if (parent?.kind !== "assign") {
    return diagnosticAt(
      call.span,
      "dynamic-unassigned",
      `\`${call.function}\` needs a name with a type`,
      hint,
    );
  }
  if (parent.annotation === null) {
    return diagnosticAt(parent.span, "dynamic-unannotated", `\`${call.function}\` needs a type`, hint);
  }
  const checker = checkerOf(parent.annotation);
  if ("message" in checker) return checker;
  if (returns === "annotated-entity" && typeOf(checker).t !== "entity") {
    const message = `\`${call.function}\` gives an entity`;
    return diagnosticAt(
      parent.annotation.span,
      "generic-type",
      message,
      "write `Entity[str]` or `Entity[int]`",
    );
  }
  checked.checker = checker;
  return undefined;
}
