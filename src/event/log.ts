import { DAY_MS } from "../lib/clock.ts";
import type { Database, Migration } from "../platform/database.ts";
import { eventTime, type ActionName, type Envelope } from "./envelope.ts";

/** Events come late by so much at most: mail waits for five days, and a report about it comes within seven more. */
const LATEST_MS = 14 * DAY_MS;
const PAGE = 500;

/** The log of core: every fact once, in the order in which core learned it. What is old goes; nothing is changed. */
export const eventLogMigration: Migration = {
  module: "event",
  steps: [
    `CREATE TABLE event (
       seq INTEGER PRIMARY KEY AUTOINCREMENT, action_id TEXT NOT NULL, dedupe_key TEXT NOT NULL UNIQUE,
       did TEXT NOT NULL, action TEXT NOT NULL, at INTEGER NOT NULL, envelope TEXT NOT NULL
     ) STRICT;
     CREATE INDEX event_did ON event (did, seq);
     CREATE INDEX event_at ON event (at);`,
    "DROP INDEX event_at",
  ],
};

export type LoggedEvent = { seq: number; at: number; did: string; action: ActionName; envelope: Envelope };

type EventRow = { seq: number; at: number; did: string; action: string; envelope: string };

const read = (rows: EventRow[]): LoggedEvent[] =>
  rows.map((row) => ({
    ...row,
    action: row.action as ActionName,
    envelope: JSON.parse(row.envelope) as Envelope,
  }));

export type EventLog = ReturnType<typeof createEventLog>;

export function createEventLog(db: Database) {
  const columns = "SELECT seq, at, did, action, envelope FROM event";

  const after = (seq: number, limit: number): LoggedEvent[] =>
    read(db.all(`${columns} WHERE seq > ? ORDER BY seq LIMIT ?`, seq, limit));

  /** The last number before which nothing has a time of `at` or later: times rise with numbers, but for what came late. */
  function before(at: number): number {
    let [low, high] = [0, db.get<{ n: number }>("SELECT coalesce(max(seq), 0) AS n FROM event")!.n];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const next = db.get<{ at: number }>("SELECT at FROM event WHERE seq > ? ORDER BY seq LIMIT 1", middle);
      if (next && next.at < at - LATEST_MS) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    /**
     * Drops what is older than `at`, but for changes of standings: they say where windows begin. At most `limit`; returns how
     * many.
     */
    prune: (at: number, limit: number): number =>
      db.run(
        `DELETE FROM event WHERE seq IN (
           SELECT seq FROM event WHERE seq <= ? AND at < ? AND action <> 'standing_changed' ORDER BY seq LIMIT ?)`,
        before(at),
        at,
        limit,
      ).changes,

    /** A page, in the order in which core learned them. */
    after,

    /** All with an event time of `at` or later, in the order in which core learned them, those too that come meanwhile. */
    *since(at: number): Generator<LoggedEvent> {
      let seq = at === -Infinity ? 0 : before(at);
      for (;;) {
        const page = after(seq, PAGE);
        for (const event of page) if (event.at >= at) yield event;
        const last = page.at(-1);
        if (!last) return;
        seq = last.seq;
      }
    },

    /** False when this fact was told before: then nothing is to be done again. */
    append(envelope: Envelope): boolean {
      const { action_id, action_name, data } = envelope.data;
      const result = db.run(
        `INSERT INTO event (action_id, dedupe_key, did, action, at, envelope) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (dedupe_key) DO NOTHING`,
        action_id,
        data.dedupe_key,
        data.member.did,
        action_name,
        eventTime(envelope),
        JSON.stringify(envelope),
      );
      return result.changes > 0;
    },
    recent: (limit: number) => read(db.all(`${columns} ORDER BY seq DESC LIMIT ?`, limit)),
    recentOf: (did: string, limit: number) =>
      read(db.all(`${columns} WHERE did = ? ORDER BY seq DESC LIMIT ?`, did, limit)),
    /** A page of one member's, the oldest first. */
    ofAfter: (did: string, seq: number, limit: number): LoggedEvent[] =>
      read(db.all(`${columns} WHERE did = ? AND seq > ? ORDER BY seq LIMIT ?`, did, seq, limit)),
    lastAt: (did: string) =>
      db.get<{ at: number }>("SELECT at FROM event WHERE did = ? ORDER BY seq DESC LIMIT 1", did)?.at,
  };
}
