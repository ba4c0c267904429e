import type { Logger } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { RuleResult } from "./engine.ts";

const SAID_AGAIN_MS = 3_600_000;

/** A rule that gave no answer, since this process began. */
type RuleFailures = { rule: string; count: number; overBudget: number; lastAt: number; reason: string };

/** Counts rules that fail, and says so once for each rule and hour. */
export function createRuleHealth(log: Logger, metrics: Pick<Metrics, "ruleErrors">, now: () => number) {
  const known = new Map<string, RuleFailures & { saidAt: number }>();
  return {
    note({ failed }: RuleResult, actionId: string): void {
      for (const { rule, why, reason } of failed) {
        metrics.ruleErrors.inc({ rule, why });
        const before = known.get(rule);
        const one = before ?? { rule, count: 0, overBudget: 0, lastAt: 0, reason: "", saidAt: -Infinity };
        Object.assign(one, { count: one.count + 1, lastAt: now(), reason });
        if (why === "budget") one.overBudget += 1;
        known.set(rule, one);
        if (one.lastAt - one.saidAt < SAID_AGAIN_MS) continue;
        one.saidAt = one.lastAt;
        log.warn(
          { rule, why, reason, action_id: actionId, times: one.count },
          "a rule failed; others are unaffected",
        );
      }
    },
    failures: (): RuleFailures[] => [...known.values()].map(({ saidAt: _saidAt, ...one }) => one),
    /** Other rules: what failed before says nothing of them. */
    forget: () => known.clear(),
  };
}
