import { DAY_MS, type Clock } from "../../lib/clock.ts";
import type { ActionName } from "../../event/index.ts";
import type { RuleStore, VerdictLog } from "../../rules/index.ts";
import { CAUSES, type Consequence } from "../../standing/index.ts";
import { asksOf, type RulesView } from "../../web/index.ts";

const COUNTED_DAYS = 90;
const MINUTE_MS = 60_000;

type Follows = { consequence: string; wayBack: string };

const GRADES: Record<Extract<Consequence, { kind: "grade" }>["grade"], Follows> = {
  warned: {
    consequence: "The member is warned: the same limits, and a notice with the cause and what helps.",
    wayBack:
      "By itself after 14 days without a new cause, or sooner with 50 newer recipients that look clean.",
  },
  probation: {
    consequence: "Probation: a quarter of the limits, and only mail that somebody asked for.",
    wayBack: "Say what was changed; after 14 clean days it is a warning, and 14 more days later nothing.",
  },
  suspended: {
    consequence: "Suspended: new mail is refused with the reason, and what waits is held.",
    wayBack:
      "A person of the committee decides within 48 hours; where nobody has after 14 days, it becomes probation.",
  },
};

const KINDS: Record<Exclude<Consequence["kind"], "grade">, Follows> = {
  note: { consequence: "A note to the member, and nothing else.", wayBack: "None is needed." },
  pause: {
    consequence: "The credential stops, and its mail waits.",
    wayBack: "The member or the committee says that it was no thief, and what waits leaves.",
  },
  "end-pause": {
    consequence: "The credential goes on, and what waited leaves.",
    wayBack: "None is needed: this is one.",
  },
  hold: {
    consequence: "Mail of this domain waits; other domains go on.",
    wayBack: "Publish the record that the check names. What waits leaves by itself when it passes.",
  },
  release: { consequence: "What waited leaves.", wayBack: "None is needed: this is one." },
  public: {
    consequence: "A label that everybody can see and verify.",
    wayBack: "It lapses unless it is found true again, and is never taken away for a cause.",
  },
};

type RulesParts = {
  store: Pick<RuleStore, "status" | "readings" | "isInShadow">;
  verdicts: Pick<VerdictLog, "countsSince">;
  clock: Clock;
};

/** The rules in force, for anybody, as they were within the last minute: who asks often costs no more. */
export function rulesQuery(parts: RulesParts): () => RulesView {
  let last: RulesView | undefined;
  return () => {
    const now = parts.clock.now();
    const isFresh = last !== undefined && now - last.asOf < MINUTE_MS && now >= last.asOf;
    if (last === undefined || !isFresh || last.hash !== parts.store.status().hash) last = publicRules(parts);
    return last;
  };
}

/** It names no member: how often a rule spoke is told of the whole pool alone. */
function publicRules({ store, verdicts, clock }: RulesParts): RulesView {
  const now = clock.now();
  const counts = new Map(verdicts.countsSince(now - COUNTED_DAYS * DAY_MS).map((one) => [one.rule, one]));
  const { hash, since } = store.status();
  return {
    asOf: now,
    hash,
    since,
    days: COUNTED_DAYS,
    rules: store.readings().map(({ name, actions, conditions, labels }) => {
      const shadow = store.isInShadow(name);
      const cause = labels.map((label) => CAUSES[label]).find((one) => one !== undefined);
      const follows = cause && followsOf(cause.consequence);
      return {
        name,
        title: cause?.title ?? name,
        shadow,
        looksAt: actions as ActionName[],
        asks: conditions.map(asksOf),
        consequence: shadow
          ? "Nothing follows: it is recorded, to see what it would do."
          : (follows?.consequence ?? "It is recorded."),
        wayBack: shadow ? "None is needed." : (follows?.wayBack ?? "None is needed."),
        fired: counts.get(name)?.fired ?? 0,
        lastAt: counts.get(name)?.lastAt ?? null,
      };
    }),
  };
}

const followsOf = (consequence: Consequence): Follows =>
  consequence.kind === "grade" ? GRADES[consequence.grade] : KINDS[consequence.kind];
