import type { EventLog } from "../../event/index.ts";
import { WINDOWS_REACH_MS, type Evidence } from "../../evidence/index.ts";
import { DAY_MS, type Clock } from "../../lib/clock.ts";
import type { Notices } from "../../notice/index.ts";
import type { Database, Migration } from "../../platform/database.ts";
import type { VerdictLog } from "../../rules/index.ts";
import type { Cases, Standings } from "../../standing/index.ts";
import type { TestMail } from "../../test-mail/index.ts";
import type { Timing } from "../../timing/index.ts";
import type { Webhooks } from "../../webhook/index.ts";

/** Up to when time has gone for what is kept. */
export const retentionMigration: Migration = {
  module: "retention",
  steps: ["CREATE TABLE retention (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL) STRICT"],
};

/** How long what is kept, and why: docs/evidence-and-standing.md. Changes of standing and pauses are kept for good. */
export const KEPT_MS = {
  /** What windows reach. */
  evidence: WINDOWS_REACH_MS,
  /** Longer than evidence, so that this can be counted anew. */
  events: 180 * DAY_MS,
  /** Whoever appeals after a year can still be told why. */
  verdicts: 400 * DAY_MS,
  /** Events at which no rule fired: why not can be asked for a month. */
  silent: 30 * DAY_MS,
  /** They name mail addresses of people. */
  mails: 180 * DAY_MS,
  webhookMessages: 90 * DAY_MS,
  /** What was written to members about their standing, and what people decided. */
  notes: 5 * 366 * DAY_MS,
  cases: 5 * 366 * DAY_MS,
  /** Test mails, and what was seen of them. */
  tests: DAY_MS,
  /** How long mail took, by day. */
  times: 400 * DAY_MS,
  /** Which login code took how long. */
  codes: DAY_MS,
  /** Longer than mail waits. */
  codesUnderWay: 8 * DAY_MS,
};

const ROWS_AT_ONCE = 200;
export const RETENTION_EVERY_MS = 3_600_000;
/** A clock that is ahead for some hours makes nothing old; after a standstill, time catches up at this rate. */
const MOST_AT_ONCE_MS = 2 * RETENTION_EVERY_MS;

export type RetentionParts = {
  db: Database;
  clock: Clock;
  evidence: Pick<Evidence, "prune">;
  events: Pick<EventLog, "prune">;
  verdicts: Pick<VerdictLog, "prune" | "pruneSilent">;
  notices: Pick<Notices, "prune">;
  webhooks: Pick<Webhooks, "prune">;
  standings: { notes: Pick<Standings["notes"], "prune"> };
  cases: Pick<Cases, "prune">;
  timing: Pick<Timing, "prune" | "pruneCodes">;
  tests: Pick<TestMail, "prune">;
};

/** What core forgets, and when: all of it is listed here. */
export function createRetention(parts: RetentionParts) {
  const { db, clock, evidence, events, verdicts, notices, webhooks, standings, cases, timing, tests } = parts;

  /** Each drops a slice; true: there may be more. */
  const slices: ((now: number) => boolean)[] = [
    (now) => evidence.prune(now - KEPT_MS.evidence, now - KEPT_MS.events, ROWS_AT_ONCE),
    (now) => events.prune(now - KEPT_MS.events, ROWS_AT_ONCE) > 0,
    (now) => verdicts.prune(now - KEPT_MS.verdicts, ROWS_AT_ONCE) > 0,
    (now) => verdicts.pruneSilent(now - KEPT_MS.silent, ROWS_AT_ONCE) > 0,
    (now) => notices.prune(now - KEPT_MS.mails, ROWS_AT_ONCE) > 0,
    (now) => webhooks.prune(now - KEPT_MS.webhookMessages, ROWS_AT_ONCE) > 0,
    (now) => standings.notes.prune(now - KEPT_MS.notes, ROWS_AT_ONCE) > 0,
    (now) => cases.prune(now - KEPT_MS.cases, ROWS_AT_ONCE) > 0,
    (now) => tests.prune(now - KEPT_MS.tests, ROWS_AT_ONCE) > 0,
    (now) => timing.prune(now - KEPT_MS.times, ROWS_AT_ONCE) > 0,
    (now) => timing.pruneCodes(now - KEPT_MS.codes, now - KEPT_MS.codesUnderWay, ROWS_AT_ONCE) > 0,
  ];

  /** The time by which is measured what is old. */
  function time(): number {
    const before = db.get<{ at: number }>("SELECT at FROM retention")?.at ?? clock.now();
    const at = Math.min(clock.now(), before + MOST_AT_ONCE_MS);
    db.run(
      "INSERT INTO retention (one, at) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET at = excluded.at",
      at,
    );
    return at;
  }

  return {
    /** Slice by slice, some milliseconds each; core goes on between any two. */
    async run(signal: AbortSignal): Promise<void> {
      const now = time();
      for (const slice of slices) {
        while (!signal.aborted && slice(now)) await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}
