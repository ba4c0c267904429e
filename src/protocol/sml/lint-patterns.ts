import { argumentOf } from "./functions/definition.ts";
import { keyOf, type Call, type Expr } from "./ast.ts";
import type { Warn } from "./lint.ts";
import type { Program } from "./program.ts";
import { readPattern } from "./python-regex.ts";
import { growthOf } from "./regex-tree.ts";

/** What Python reads in another way than JavaScript, or JavaScript does not read at all. */
const UNSHARED: readonly [pattern: RegExp, what: string][] = [
  [/\(\?P[<=]/, "a group that is named as in Python"],
  [/\(\?[aiLmsux]+[):-]/, "a flag within the pattern"],
  [/\(\?#/, "a comment"],
  [/\\[AZ]/, "`\\A` or `\\Z`"],
  [/\\[1-9]/, "a reference to a group"],
  [/\{,\d/, "a repeat without a lower bound"],
];

/** Warnings about the literal patterns of a call. */
export function lintPattern(call: Call, { calls, definitions }: Program, warn: Warn): void {
  for (const name of ["pattern", "patterns"]) {
    const given = argumentOf(call, name);
    const value = given?.kind === "name" ? definitions.get(keyOf(given))?.value : given;
    if (value === undefined || calls.get(call)?.constants.has(name) !== true) continue;
    for (const item of value.kind === "list" ? value.items : [value]) lintText(item, warn);
  }
}

function lintText(expr: Expr, warn: Warn): void {
  if (expr.kind !== "text") return;
  const found = UNSHARED.find(([pattern]) => pattern.test(expr.value));
  if (found !== undefined) {
    const hint = "write it with what both languages read alike";
    warn(expr.span, "unshared-pattern", `${found[1]} is not read alike by Python and JavaScript`, hint);
  }
  const tree = readPattern(expr.value);
  if (typeof tree === "string" || !growthOf(tree).nested) return;
  const hint = "repeat one set of characters, as in `[a-z0-9]+`, not a group that repeats itself";
  warn(expr.span, "slow-pattern", "a repeat within a repeat takes Osprey very long on some texts", hint);
}
