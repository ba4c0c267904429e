import type { Database, Migration } from "../platform/database.ts";
import { eventTime, type ActionName, type Envelope } from "./envelope.ts";

/** The log of core: every fact once, in the order in which core learned it. Append-only. */
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

  return {
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
    lastAt: (did: string) =>
      db.get<{ at: number }>("SELECT at FROM event WHERE did = ? ORDER BY seq DESC LIMIT 1", did)?.at,
  };
}
