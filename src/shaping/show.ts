import type { Provider } from "./build.ts";
import type { EnhancedCodes, Rule } from "./rule.ts";
import type { Measure } from "./types.ts";

const MINUTE = 60_000;

/** `90s`, `30m`, `2h`, `1d`: the largest unit that is whole. */
function spanOf(ms: number): string {
  for (const [unit, size] of [
    ["d", 1_440 * MINUTE],
    ["h", 60 * MINUTE],
    ["m", MINUTE],
  ] as const) {
    if (ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${Math.round(ms / 1_000)}s`;
}

/** A measure in words, for the operator. */
export function measureOf(measure: Measure): string {
  const span = spanOf(measure.ms);
  switch (measure.do) {
    case "slow-down":
      return `half the rate and half the connections to this provider from this address for ${span}, longer when it comes again`;
    case "pause-provider":
      return `nothing more to this provider from this address for ${span}`;
    case "suspend-member":
      return `nothing more of this member to this provider for ${span}`;
  }
}

/** The conditions of a rule in words. */
export function conditionsOf({ codes, enhanced, phases, phrases }: Rule): string {
  return [
    codes.length > 0 && `code ${codes.map((code) => (code < 10 ? `${code}xx` : code)).join(", ")}`,
    enhanced.length > 0 && `enhanced code ${enhanced.map(enhancedOf).join(", ")}`,
    phases.length > 0 && `in ${phases.join(", ")}`,
    phrases.length > 0 && `text ${phrases.map((phrase) => `"${phrase.join("*")}"`).join(" or ")}`,
  ]
    .filter((part) => part !== false)
    .join("; ");
}

function enhancedOf({ series, subject, from, to }: EnhancedCodes): string {
  return `${series ?? "x"}.${subject}.${from}${to === from ? "" : `-${to}`}`;
}

/** A provider for one JSON document. */
export function providerView({ id, name, mx, mailboxes, limits, rules }: Provider) {
  return {
    provider: id,
    name,
    mx,
    mailboxes,
    limits: { ...limits, perMinute: limits.perMinute ?? null },
    rules: rules.map((rule) => ({
      rule: rule.name,
      when: conditionsOf(rule),
      class: rule.class ?? null,
      outcome: rule.outcome ?? null,
      measure: rule.measure ?? null,
      advice: rule.advice ?? null,
      source: rule.source ?? null,
    })),
  };
}
