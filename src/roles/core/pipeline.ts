import {
  eventTime,
  type Envelope,
  type EventLog,
  type EventMaker,
  type MemberFacts,
} from "../../event/index.ts";
import type { Evidence, Windows } from "../../evidence/index.ts";
import { DAY_MS } from "../../lib/clock.ts";
import type { Members } from "../../member/index.ts";
import type { Database } from "../../platform/database.ts";
import type { Logger } from "../../platform/log.ts";
import type { Metrics } from "../../platform/metrics.ts";
import type { OspreyDesk } from "./osprey-desk.ts";
import type { RulesEngine, RuleVerdict, VerdictLog } from "../../rules/index.ts";
import type { StandingChange, Standings } from "../../standing/index.ts";

export type PipelineParts = {
  db: Database;
  log: Logger;
  metrics: Metrics;
  events: EventLog;
  evidence: Evidence;
  members: Members;
  rules: RulesEngine;
  verdicts: VerdictLog;
  standings: Pick<Standings, "state" | "review" | "withWayBack">;
  newEvent: EventMaker;
  /** Osprey's workers; undefined: they are not asked. */
  osprey?: () => Pick<OspreyDesk, "leads" | "ask"> | undefined;
  now: () => number;
  /** What follows from verdicts, in the same transaction. */
  follow: (judged: Judged) => void;
  /** A standing has changed, and is written down. */
  changed: (change: StandingChange) => void;
  /** Relay nodes and labeler are told of these members soon. */
  tell: (dids: readonly string[]) => void;
};

/** One event that rules looked at, and what they said. */
export type Judged = { envelope: Envelope; window: Windows; verdicts: readonly RuleVerdict[] };

export type Pipeline = ReturnType<typeof createPipeline>;

/**
 * Takes events into the books of core: log -> evidence -> rules -> verdicts -> what follows, each event once, a batch in one
 * transaction. Windows are counted for events that a rule can hold for, which few are: the others end with the evidence.
 */
export function createPipeline(parts: PipelineParts) {
  const { db, events, evidence, members, rules, verdicts, standings, metrics, log } = parts;

  /** The reporter knows who and where; core adds what it knows of the member. */
  function memberFacts(envelope: Envelope): MemberFacts {
    const { did, domain } = envelope.data.data.member;
    const member = members.get(did);
    return {
      did,
      domain,
      age_days: member ? Math.max(0, Math.floor((eventTime(envelope) - member.joined_at) / DAY_MS)) : 0,
      tier: member?.tier ?? "new",
      standing: standings.state(did).standing,
      labels: [],
    };
  }

  function take(envelope: Envelope, before?: (event: Envelope) => void): void {
    const { action_name } = envelope.data;
    if (!events.append(envelope)) return;
    before?.(envelope);
    metrics.events.inc({ action: action_name });
    evidence.apply(envelope);
    if (rules.judges(action_name)) judge(envelope);
    metrics.verdictSeconds.observe(Math.max(0, parts.now() - eventTime(envelope)) / 1000);
  }

  function judge(envelope: Envelope): void {
    const { data } = envelope.data;
    if (!members.get(data.member.did)) return;
    const window = evidence.windows(envelope);
    const complete: Envelope = {
      ...envelope,
      data: { ...envelope.data, data: { ...data, member: memberFacts(envelope), window } },
    };
    const result = rules.evaluate(complete);
    const osprey = parts.osprey?.();
    osprey?.ask(complete, result.verdicts);
    if (!osprey?.leads) follow(complete, result.verdicts, rules.hash);
  }

  /** Writes down what rules said of an event, and does what follows. */
  function follow(complete: Envelope, said: readonly RuleVerdict[], rulesHash: string): void {
    const { action_id, data } = complete.data;
    const { did } = data.member;
    for (const { rule, description, values, effects, shadow, wouldEffects } of said) {
      verdicts.append({
        actionId: action_id,
        did,
        rule,
        description,
        seen: values,
        labels: effects.filter(isAdded).map(({ label }) => label),
        shadow,
        wouldLabels: wouldEffects.filter(isAdded).map(({ label }) => label),
        rulesHash,
        at: eventTime(complete),
      });
    }
    if (said.length > 0) parts.follow({ envelope: complete, window: data.window as Windows, verdicts: said });
  }

  /** After a change only new evidence counts, and the change is itself a fact. */
  function conclude(change: StandingChange): void {
    const { did, from, to, at, cause, rule, by, description: why, evidence: seen } = change;
    const { undone } = seen;
    metrics.standingChanges.inc({ to });
    const fact = parts.newEvent("standing_changed", {
      dedupe_key: `standing_changed:${change.id}`,
      member: { did, domain: members.domainsOf(did)[0]?.name ?? "" },
      detail: {
        at,
        from,
        to,
        cause,
        rule,
        ...(by !== null && { by, why }),
        ...(undone !== undefined && { undone }),
      },
    });
    if (events.append(fact)) evidence.apply(fact);
    parts.changed(change);
    parts.tell([did]);
    log.info({ did, from, to, rule }, "standing changed");
  }

  return {
    /** What follows from every change, also from one that people decided. */
    conclude,

    /** Of an event that Osprey's workers have judged. Who has left meanwhile is left alone. */
    judged(complete: Envelope, said: readonly RuleVerdict[], rulesHash: string): void {
      if (members.get(complete.data.data.member.did)) follow(complete, said, rulesHash);
    },

    /**
     * The batch, what `before` writes of each event that is new before rules look at it, and `alongside`, are on disk
     * together, or not at all.
     */
    takeAll(batch: readonly Envelope[], before: (event: Envelope) => void, alongside: () => void): void {
      db.transaction(() => {
        for (const event of batch) take(event, before);
        alongside();
      });
    },

    /** A fact of core's own. */
    record: (envelope: Envelope): void => db.transaction(() => take(envelope)),

    /** Eases standings whose way back has been gone: of all members, or of one. */
    review(of?: string): void {
      const now = parts.now();
      db.transaction(() => {
        for (const did of of === undefined ? standings.withWayBack() : [of]) {
          const change = standings.review(did, evidence.bounces(did, now));
          if (change) conclude(change);
        }
      });
    },
  };
}

const isAdded = ({ status }: RuleVerdict["effects"][number]): boolean => status === "added";
