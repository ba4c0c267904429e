import {
  eventTime,
  type BounceWindow,
  type ComplaintWindow,
  type Envelope,
  type EventLog,
  type EventWindows,
} from "../event/index.ts";
import { DAY_MS } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import { createBreakerWindow } from "./breaker.ts";
import { createComplaintWindows } from "./complaints.ts";
import { COUNTERS, createFacts, subjectOf, type Counter } from "./facts.ts";
import { createIncidents } from "./incidents.ts";
import { createPruning } from "./prune.ts";
import { createRecords } from "./records.ts";
import { createTrials, type CountedFact } from "./trials.ts";
import { createVelocity } from "./velocity.ts";

export type { Incident } from "./incidents.ts";
export type { CountedFact } from "./trials.ts";
export { evidenceMigration } from "./schema.ts";
export type { Counter } from "./facts.ts";

export type Volume = { day: number } & Record<Counter, number>;

/** Those that every event of a member has. */
export type Windows = EventWindows & Required<Pick<EventWindows, "bounce" | "complaint">>;

export type Evidence = ReturnType<typeof createEvidence>;

/**
 * So old is what no window needs: they reach back 90 days, that of a pause 91 days before it began, the habit before an
 * incident 31, and mail waits up to 7 before its outcome. So each window of an event of the last 30 days is what it would be
 * if nothing were ever dropped, and that of a pause too as long as it is not open for longer than four weeks.
 */
export const WINDOWS_REACH_MS = 150 * DAY_MS;

const COMPLAINT_DAYS = 30;
const LONG_COMPLAINT_DAYS = 90;
const REBUILT_AT_ONCE = 2_000;
const TOLD_EVERY = 100_000;

const TABLES = [
  "volume",
  "evidence_member",
  "outcome",
  "handed_in",
  "handed_in_day",
  "complaint",
  "standing_fact",
  "standing_undone",
  "pause_fact",
  "domain_check",
  "provider_figure",
  "incident_instant",
];

/**
 * Windows over events, in event time. What a window says at T follows from the facts of events with a time up to T, and
 * from nothing else: neither from the order in which they came nor from how often, so late ones mend it, and the log counted
 * anew gives the same. `apply` runs once per event, in the transaction that logs it.
 */
export function createEvidence(db: Database) {
  const incidents = createIncidents(db);
  const facts = createFacts(db, incidents);
  const trials = createTrials(db, incidents);
  const complaintWindows = createComplaintWindows(db);
  const velocity = createVelocity(db, trials);
  const breaker = createBreakerWindow(db, trials);
  const records = createRecords(db);

  const idOf = (did: string) =>
    db.get<{ id: number }>("SELECT id FROM evidence_member WHERE did = ?", did)?.id ?? -1;

  function bounces(did: string, at: number): BounceWindow {
    const member = idOf(did);
    return trials.bounces(member, at, records.windowStart(member, at));
  }

  function complaints(did: string, at: number, days = COMPLAINT_DAYS): ComplaintWindow {
    const member = idOf(did);
    return complaintWindows.ofDays({ member, did }, at, days, records.windowStart(member, at));
  }

  function windows(envelope: Envelope): Windows {
    const { action_name: action, data } = envelope.data;
    const { credential, smtp } = data;
    const { did, domain } = data.member;
    const at = eventTime(envelope);
    const member = idOf(did);
    const start = records.windowStart(member, at);
    const bounce = trials.bounces(member, at, start);
    const held = credential === undefined ? undefined : breaker(member, credential, at);
    const figures = action === "provider_reported" ? subjectOf(data) : undefined;
    return {
      bounce,
      complaint: complaintWindows.ofDays({ member, did }, at, COMPLAINT_DAYS, start),
      complaint_90: complaintWindows.ofDays({ member, did }, at, LONG_COMPLAINT_DAYS, start),
      velocity: velocity({ member }, at),
      ...(credential !== undefined && {
        credential_velocity: velocity({ member, credential }, at),
        complaint_burst: complaintWindows.burst({ member, did }, credential, at, start),
      }),
      ...(held && { breaker: held }),
      ...(smtp && { incident: incidents.window(smtp.provider, at) }),
      ...(action === "domain_checked" && {
        authentication: records.authentication(member, domain, at),
        standing: records.standing(member, at, bounce.eligible),
      }),
      ...(figures && { provider: records.provider(figures, at) }),
    };
  }

  const sums = COUNTERS.map((counter) => `sum(${counter}) AS ${counter}`).join(", ");

  return {
    /** Takes the event into account. */
    apply: facts.apply,
    /** What a rule should see with this event, once it was taken into account. */
    windows,
    bounces,
    complaints,
    /**
     * The very facts that counted at `at`, the newest first, in windows that had begun before then: bounces, and complaints of the
     * 30 days before, or (`long`) of 90.
     */
    counted(
      did: string,
      at: number,
      { long = false } = {},
    ): { bounces: CountedFact[]; complaints: CountedFact[] } {
      const member = idOf(did);
      const start = records.windowStart(member, at - 1);
      return {
        bounces: trials.hard(member, at, start),
        complaints: complaintWindows.facts(member, at, long ? LONG_COMPLAINT_DAYS : COMPLAINT_DAYS, start),
      };
    },

    /** What would have been seen of bounces at `at`, of mail after `sentAfter`, had every incident been known that is at `known`. */
    bouncesWithoutIncidents: (did: string, scope: { at: number; sentAfter: number; known: number }) =>
      trials.bounces(idOf(did), scope.at, scope.sentAfter, Math.max(scope.at, scope.known)),

    /** After a change of standing only mail that was handed in later is evidence. */
    restartWindow: (did: string, at: number): void => facts.standing(facts.memberOf(did, at), at, ""),

    /** Incidents of providers that were not over at `since`, the oldest first: what is to be undone together. */
    incidents: (since: number) => incidents.list(since),

    /** Are these books of another make than this program's, and to be counted anew from the log? */
    isOutdated: (): boolean => db.get("SELECT 1 FROM evidence_built") === undefined,

    /**
     * Forgets everything and counts the whole log, some 10,000 events a second. What a crash cuts short goes on where it
     * was (`isOutdated`). `told`: up to which number of the log, now and then.
     */
    rebuild(log: Pick<EventLog, "after">, told: (seq: number) => void = () => {}): void {
      const begun = () => db.get<{ seq: number }>("SELECT seq FROM evidence_rebuild")?.seq;
      if (begun() === undefined)
        db.transaction(() => {
          db.run("DELETE FROM evidence_built");
          for (const table of TABLES) db.run(`DELETE FROM ${table}`);
          db.run("INSERT INTO evidence_rebuild (seq) VALUES (0)");
        });
      for (;;) {
        const page = log.after(begun()!, REBUILT_AT_ONCE);
        const last = page.at(-1);
        if (!last) break;
        db.transaction(() => {
          for (const { envelope } of page) facts.apply(envelope);
          db.run("UPDATE evidence_rebuild SET seq = ?", last.seq);
        });
        if (Math.floor(last.seq / TOLD_EVERY) > Math.floor((page[0]!.seq - 1) / TOLD_EVERY)) told(last.seq);
      }
      db.transaction(() => {
        db.run("DELETE FROM evidence_rebuild");
        db.run("INSERT INTO evidence_built (one) VALUES (1)");
      });
    },

    /**
     * Drops a slice of what is older: facts, which no window can see after `WINDOWS_REACH_MS`, and sums of days. False: there
     * is no more. What has gone on begins anew in another process.
     */
    prune: createPruning(db),

    /** Daily sums over all providers, oldest first; `did` undefined means the whole pool. `day` counts from 1970-01-01. */
    volumes: (fromDay: number, did?: string): Volume[] =>
      did === undefined
        ? db.all<Volume>(`SELECT day, ${sums} FROM volume WHERE day >= ? GROUP BY day ORDER BY day`, fromDay)
        : db.all<Volume>(
            `SELECT day, ${sums} FROM volume WHERE day >= ? AND did = ? GROUP BY day ORDER BY day`,
            fromDay,
            did,
          ),

    /** Daily sums of one member by provider, oldest first. */
    providersOf: (did: string, fromDay: number) =>
      db.all<{ provider: string; day: number; delivered: number; deferred: number; bounced: number }>(
        `SELECT provider, day, delivered, deferred, bounced FROM volume
         WHERE did = ? AND day >= ? AND provider <> '' ORDER BY day, provider`,
        did,
        fromDay,
      ),

    /** Daily sums of one provider and member, oldest first. */
    ofProvider: (provider: string, fromDay: number) =>
      db.all<{ did: string; day: number; delivered: number; complaints: number }>(
        `SELECT did, day, delivered, complaints FROM volume WHERE provider = ? AND day >= ? ORDER BY did, day`,
        provider,
        fromDay,
      ),

    /** Messages accepted per member since `fromDay`. */
    acceptedByMember: (fromDay: number) =>
      db.all<{ did: string; accepted: number }>(
        "SELECT did, sum(accepted) AS accepted FROM volume WHERE day >= ? GROUP BY did",
        fromDay,
      ),
  };
}
