import type { Call, Expr } from "./ast.ts";
import { argumentOf } from "./functions/definition.ts";
import { asEffect, asRule, type Result, type Run } from "./run-state.ts";
import { fail, type RuleValue } from "./values.ts";

/** Rules and effects that failed are left out one by one; all rules that hold are put on each effect. */
export function linkWhenRules(call: Call, link: (expr: Expr) => Run): Run {
  const [rulesAny, then] = [argumentOf(call, "rules_any")!, argumentOf(call, "then")!];
  if (rulesAny.kind !== "list" || then.kind !== "list") {
    const reads = [link(rulesAny), link(then)];
    return (state) => {
      for (const read of reads) read(state);
      return state.located(fail("`rules_any` and `then` work only as lists written in the call"), call);
    };
  }
  const rules = rulesAny.items.map((item) => link(item));
  const effects = then.items.map((item) => link(item));
  return (state) => {
    const found: Result[] = [];
    for (const effect of effects) found.push(effect(state));
    const passing: RuleValue[] = [];
    for (const read of rules) {
      const rule = asRule(read(state));
      if (rule?.fired === true) passing.push(rule);
    }
    if (passing.length === 0) return null;
    for (const one of found) {
      const effect = asEffect(one);
      if (effect === undefined) continue;
      effect.rules.push(...passing);
      state.effects.push(effect);
    }
    return null;
  };
}
