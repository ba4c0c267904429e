import { createEventLog, type Envelope } from "../event/index.ts";
import { systemClock } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import { createJudgements, createVerdictLog, explain, type Verdict } from "../rules/index.ts";
import { createStandings } from "../standing/index.ts";

export type RulesDesk = ReturnType<typeof createRulesDesk>;

/** An event of the log, and the member's facts as rules saw them, where they are kept. */
export type StoredEvent = { envelope: Envelope; member?: Envelope["data"]["data"]["member"] };

const MOST_CHANGES = 1_000;

/** What the books of core say of rules and events. Reads alone: also over a file that is opened for reading. */
export function createRulesDesk(db: Database) {
  const events = createEventLog(db);
  const verdicts = createVerdictLog(db);
  const judgements = createJudgements(db);
  const standings = createStandings({ db, clock: systemClock, authority: "" });

  return {
    /** Every rule at an event, fired or not, and what was done; undefined when the event is not kept. */
    explain(actionId: string) {
      const found = explain(db, actionId);
      if (!found) return undefined;
      const { envelope, rulesHash, result, notRun } = found;
      const { action_name: action, data } = envelope.data;
      const { did } = data.member;
      const said = new Map(result.verdicts.map((verdict) => [verdict.rule, verdict]));
      return {
        actionId,
        action,
        sendTime: envelope.send_time,
        did,
        rulesHash,
        rules: result.trace.map((rule) => {
          const verdict = said.get(rule.name);
          return {
            ...rule,
            ...(verdict && {
              description: verdict.description,
              shadow: verdict.shadow,
              effects: verdict.effects,
              wouldEffects: verdict.wouldEffects,
            }),
          };
        }),
        notRun,
        errors: result.errors,
        done: {
          verdicts: verdicts.ofAction(actionId),
          standing: standings.changesOf(did, MOST_CHANGES).filter((one) => one.actionId === actionId),
        },
        event: data,
      };
    },

    /** A page of the log, in the order in which core learned it. */
    history(after: number, limit: number): { events: StoredEvent[]; next: number | null } {
      const page = events.after(after, limit);
      const stored = page.map(({ envelope }) => {
        const judged = judgements.get(envelope.data.action_id);
        return { envelope, ...(judged && { member: judged.envelope.data.data.member }) };
      });
      return { events: stored, next: page.at(-1)?.seq ?? null };
    },

    /** A page of what rules concluded, for events since then. */
    verdicts(after: number, since: number, limit: number): { verdicts: Verdict[]; next: number | null } {
      const page = verdicts.after(after, since, limit);
      return { verdicts: page, next: page.at(-1)?.id ?? null };
    },

    /** How often each rule has fired since then. */
    counts: (since: number) => verdicts.countsSince(since),
  };
}
