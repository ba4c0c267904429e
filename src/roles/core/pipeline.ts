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
import type { RulesEngine, VerdictLog } from "../../rules/index.ts";
import {
  CAUSES,
  gravestOf,
  type Finding,
  type StandingChange,
  type Standings,
} from "../../standing/index.ts";
import type { MemberNews } from "./member-news.ts";

export type PipelineParts = {
  db: Database;
  log: Logger;
  metrics: Metrics;
  events: EventLog;
  evidence: Evidence;
  members: Members;
  rules: RulesEngine;
  verdicts: VerdictLog;
  standings: Standings;
  newEvent: EventMaker;
  news: Pick<MemberNews, "standingChanged">;
  now: () => number;
};

/**
 * Takes events into the books of core: log -> evidence -> rules -> verdicts -> standing, each event once, a batch in one
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

  function take(envelope: Envelope): StandingChange[] {
    const { action_name } = envelope.data;
    if (!events.append(envelope)) return [];
    metrics.events.inc({ action: action_name });
    evidence.apply(envelope);
    const change = rules.judges(action_name) ? judge(envelope) : undefined;
    metrics.verdictSeconds.observe(Math.max(0, parts.now() - eventTime(envelope)) / 1000);
    return change ? [change] : [];
  }

  function judge(envelope: Envelope): StandingChange | undefined {
    const { action_id, action_name, data } = envelope.data;
    const { did } = data.member;
    if (!members.get(did)) return undefined;
    const at = eventTime(envelope);
    const window = evidence.windows(envelope);
    const complete: Envelope = {
      ...envelope,
      data: { ...envelope.data, data: { ...data, member: memberFacts(envelope), window } },
    };
    const result = rules.evaluate(complete);
    if (result.errorCount > 0)
      log.warn({ action_id, action_name, errors: result.errorCount }, "rules met errors");
    const findings: Finding[] = [];
    for (const verdict of result.verdicts) {
      const labels = verdict.effects
        .filter((e) => e.entityType === "Member" && e.entityId === did && e.status === "added")
        .map((effect) => effect.label);
      verdicts.append({
        actionId: action_id,
        did,
        rule: verdict.rule,
        description: verdict.description,
        seen: verdict.values,
        labels,
        rulesHash: rules.hash,
        at,
      });
      for (const cause of labels) {
        findings.push({
          cause,
          rule: verdict.rule,
          description: verdict.description,
          evidence: evidenceOf(cause, window, verdict.values),
          actionId: action_id,
          at,
          sentAt: data.message?.received_at ?? at,
        });
      }
    }
    const gravest = gravestOf(findings);
    const change = gravest && standings.consider(did, gravest);
    if (change) conclude(change);
    return change;
  }

  /** After a change only new evidence counts, and the change is itself a fact. */
  function conclude(change: StandingChange): void {
    const { from, to, cause, rule, by, description: why } = change;
    metrics.standingChanges.inc({ to: change.to });
    const fact = parts.newEvent("standing_changed", {
      dedupe_key: `standing_changed:${change.id}`,
      member: { did: change.did, domain: members.domainsOf(change.did)[0]?.name ?? "" },
      detail: { at: change.at, from, to, cause, rule, ...(by !== null && { by, why }) },
    });
    if (events.append(fact)) evidence.apply(fact);
    parts.news.standingChanged(change);
    log.info({ did: change.did, from: change.from, to: change.to, rule: change.rule }, "standing changed");
  }

  return {
    /** What follows from every change, also from one that people decided. */
    conclude,

    /** The batch and what `alongside` writes are on disk together, or not at all. */
    takeAll(batch: readonly Envelope[], alongside: () => void): StandingChange[] {
      return db.transaction(() => {
        const changes = batch.flatMap(take);
        alongside();
        return changes;
      });
    },

    /** A fact of core's own. */
    record: (envelope: Envelope): StandingChange[] => db.transaction(() => take(envelope)),

    /** Eases standings whose way back has been gone. */
    review(): StandingChange[] {
      const now = parts.now();
      return db.transaction(() =>
        members.list().flatMap(({ did }) => {
          const change = standings.review(did, evidence.bounces(did, now));
          if (!change) return [];
          conclude(change);
          return [change];
        }),
      );
    },
  };
}

/** What decided, kept with the change: the window, the thresholds that the rule used, and all that it read. */
function evidenceOf(cause: string, window: Windows, read: Record<string, unknown>): Record<string, unknown> {
  const known = CAUSES[cause];
  if (!known) return { read };
  const thresholds = Object.entries(known.thresholds).map(([field, feature]) => [field, read[feature]]);
  return { window: window[known.window], thresholds: Object.fromEntries(thresholds), read };
}
