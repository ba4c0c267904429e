import { keyOf, walk, type Assign, type Call, type Expr, type Name } from "./ast.ts";
import { argumentOf } from "./functions/definition.ts";
import type { Warn } from "./lint.ts";
import type { Program } from "./program.ts";

type Definitions = ReadonlyMap<string, Assign>;

const MAX_DEPTH = 50;

/** Conditions of a rule that hold because something is missing or zero. */
export function failOpen(rule: Call, { definitions }: Program, warn: Warn): void {
  const whenAll = argumentOf(rule, "when_all")!;
  const list = whenAll.kind === "name" ? definitions.get(keyOf(whenAll))?.value : whenAll;
  if (list?.kind !== "list") return;
  const guarded = new Set(list.items.flatMap((item) => presentIn(item)));
  const bounded = new Set(list.items.flatMap((item) => boundedIn(item, definitions)));
  for (const item of list.items) {
    checkMissing(item, guarded, definitions, warn);
    for (const ratio of ratiosIn(item, definitions, 0)) {
      const volume = namesOf(ratio.right).filter((name) => resolve(name, definitions).kind !== "number");
      if (volume.length === 0 || volume.some((name) => bounded.has(keyOf(name)))) continue;
      const [first] = volume;
      const message = `the ratio to \`${first!.id}\` says little when \`${first!.id}\` is small, and is 0 when it is 0`;
      const hint = `add a least volume to the conditions of this rule: \`${first!.id} >= 50\``;
      warn(item.span, "unguarded-ratio", message, hint);
      break;
    }
  }
}

/** Names that a condition which holds proves to be present. */
function presentIn(expr: Expr): string[] {
  if (expr.kind === "bool-op" && expr.op === "and") return expr.values.flatMap(presentIn);
  if (expr.kind !== "compare") return [];
  const { op, left, right } = expr;
  if (op === "!=" && right.kind === "none" && left.kind === "name") return [keyOf(left)];
  if (op === "!=" && left.kind === "none" && right.kind === "name") return [keyOf(right)];
  // What equals a value, is in a list or is above a bound is there.
  if (op === "!=" || op === "not in" || right.kind === "none" || left.kind === "none") return [];
  const sides = op === "in" ? [left] : [left, right];
  return sides.flatMap((side) => (side.kind === "name" ? [keyOf(side)] : []));
}

/** Names that a condition which holds proves to be at least some number. */
function boundedIn(expr: Expr, definitions: Definitions): string[] {
  if (expr.kind === "bool-op" && expr.op === "and")
    return expr.values.flatMap((one) => boundedIn(one, definitions));
  if (expr.kind !== "compare") return [];
  const { op, left, right } = expr;
  const isNumber = (side: Expr) => resolve(side, definitions).kind === "number";
  if ((op === ">" || op === ">=") && left.kind === "name" && isNumber(right)) return [keyOf(left)];
  if ((op === "<" || op === "<=") && right.kind === "name" && isNumber(left)) return [keyOf(right)];
  return [];
}

function checkMissing(expr: Expr, guarded: ReadonlySet<string>, definitions: Definitions, warn: Warn): void {
  const holdsBlindly = (name: Name) => !guarded.has(keyOf(name)) && mayBeMissing(name, definitions);
  switch (expr.kind) {
    case "bool-op": {
      const here = expr.op === "and" ? new Set([...guarded, ...expr.values.flatMap(presentIn)]) : guarded;
      const orNone = expr.op === "or" ? new Set([...here, ...expr.values.flatMap(absentIn)]) : here;
      for (const value of expr.values) checkMissing(value, orNone, definitions, warn);
      return;
    }
    case "compare": {
      if (
        (expr.op !== "!=" && expr.op !== "not in") ||
        expr.left.kind === "none" ||
        expr.right.kind === "none"
      )
        return;
      const names = [expr.left, ...(expr.op === "!=" ? [expr.right] : [])].filter(
        (side) => side.kind === "name",
      );
      const name = names.find(holdsBlindly);
      if (name !== undefined) warnMissing(name, expr, `\`${expr.op}\``, warn);
      return;
    }
    case "unary": {
      if (expr.op !== "not") return;
      const name = [...walk(expr.operand)].filter((one) => one.kind === "name").find(holdsBlindly);
      const isTest =
        expr.operand.kind === "compare" &&
        [expr.operand.left, expr.operand.right].some((side) => side.kind === "none");
      if (name !== undefined && !isTest) warnMissing(name, expr, "`not`", warn);
    }
  }
}

/** Names whose absence alone makes the chain hold: what follows is judged with them present. */
function absentIn(expr: Expr): string[] {
  if (expr.kind !== "compare" || expr.op !== "==") return [];
  if (expr.right.kind === "none" && expr.left.kind === "name") return [keyOf(expr.left)];
  return expr.left.kind === "none" && expr.right.kind === "name" ? [keyOf(expr.right)] : [];
}

function warnMissing(name: Name, expr: Expr, what: string, warn: Warn): void {
  const hint = `add the condition \`${name.id} != None\`, or give a default with \`ResolveOptional\``;
  warn(expr.span, "fail-open", `${what} holds when \`${name.id}\` is missing`, hint);
}

/** Whether a name is read as optional from the event. */
function mayBeMissing(name: Name, definitions: Definitions): boolean {
  const assign = definitions.get(keyOf(name));
  if (assign === undefined) return false;
  const { annotation, value } = assign;
  const isOptional =
    annotation?.name === "Optional" || annotation?.of?.some((one) => one.name === "None") === true;
  if (value.kind === "name") return isOptional || mayBeMissing(value, definitions);
  if (value.kind !== "call" || (value.function !== "JsonData" && value.function !== "EntityJson"))
    return isOptional;
  const required = argumentOf(value, "required");
  return isOptional || (required?.kind === "bool" && !required.value);
}

/** Divisions by what is no number of its own, in a condition and in what it names. */
function ratiosIn(expr: Expr, definitions: Definitions, depth: number): Extract<Expr, { kind: "binary" }>[] {
  if (depth > MAX_DEPTH) return [];
  return [...walk(expr)].flatMap((one) => {
    if (one.kind === "binary" && one.op === "/") return [one];
    const value = one.kind === "name" ? definitions.get(keyOf(one))?.value : undefined;
    return value === undefined ? [] : ratiosIn(value, definitions, depth + 1);
  });
}

const namesOf = (expr: Expr): Name[] => [...walk(expr)].filter((one) => one.kind === "name");

function resolve(expr: Expr, definitions: Definitions): Expr {
  return expr.kind === "name" ? (definitions.get(keyOf(expr))?.value ?? expr) : expr;
}
