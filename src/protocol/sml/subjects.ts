import { keyOf, type Call, type Expr } from "./ast.ts";
import { argumentOf } from "./functions/definition.ts";
import type { Program } from "./program.ts";

const MAX_DEPTH = 100;

/**
 * The names of the actions that a rule of the program can hold for; undefined when some rule is not bound to names.
 * For every other action an evaluation ends without a rule that holds, and so without an effect. A rule is bound by a
 * condition that must hold and compares `GetActionName()`, with `==` to a text or with `in` to a list of texts.
 */
export function subjectsOf(program: Program): ReadonlySet<string> | undefined {
  const rules = [...program.calls.keys()].filter((call) => call.function === "Rule");
  return union(rules.map((rule) => subjectsOfRule(program, rule)));
}

/** The same for one rule. */
export function subjectsOfRule({ definitions }: Program, rule: Call): Set<string> | undefined {
  function resolve(expr: Expr, depth = 0): Expr {
    if (expr.kind !== "name" || depth > MAX_DEPTH) return expr;
    const definition = definitions.get(keyOf(expr));
    return definition ? resolve(definition.value, depth + 1) : expr;
  }

  function boundOf(condition: Expr, depth = 0): Set<string> | undefined {
    if (depth > MAX_DEPTH) return undefined;
    const expr = resolve(condition);
    if (expr.kind === "compare") {
      const [left, right] = [resolve(expr.left), resolve(expr.right)];
      if (expr.op === "==" && isActionName(left)) return textsOf([right]);
      if (expr.op === "==" && isActionName(right)) return textsOf([left]);
      if (expr.op !== "in" || !isActionName(left) || right.kind !== "list") return undefined;
      return textsOf(right.items.map((item) => resolve(item)));
    }
    if (expr.kind !== "bool-op") return undefined;
    const bounds = expr.values.map((value) => boundOf(value, depth + 1));
    return expr.op === "and" ? bounds.find((bound) => bound !== undefined) : union(bounds);
  }

  const conditions = resolve(argumentOf(rule, "when_all")!);
  if (conditions.kind !== "list") return undefined;
  return conditions.items.map((one) => boundOf(one)).find((bound) => bound !== undefined);
}

/** Undefined when one of them has no bound. */
function union(bounds: readonly (Set<string> | undefined)[]): Set<string> | undefined {
  const all = new Set<string>();
  for (const bound of bounds) {
    if (!bound) return undefined;
    for (const text of bound) all.add(text);
  }
  return all;
}

const isActionName = (expr: Expr) => expr.kind === "call" && expr.function === "GetActionName";

/** Undefined when one of them is no text. */
function textsOf(exprs: readonly Expr[]): Set<string> | undefined {
  const texts = exprs.flatMap((expr) => (expr.kind === "text" ? [expr.value] : []));
  return texts.length === exprs.length ? new Set(texts) : undefined;
}
