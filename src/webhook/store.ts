import type { Database, Migration } from "../platform/database.ts";

export const webhookMigration: Migration = {
  module: "webhook",
  steps: [
    `CREATE TABLE webhook (
       did TEXT PRIMARY KEY, url TEXT NOT NULL, turn INTEGER NOT NULL, set_at INTEGER NOT NULL, set_by TEXT NOT NULL,
       failing_since INTEGER, stopped_at INTEGER, stopped_why TEXT
     ) STRICT;
     CREATE TABLE webhook_message (
       id TEXT PRIMARY KEY, did TEXT NOT NULL, about TEXT NOT NULL UNIQUE, type TEXT NOT NULL, body TEXT NOT NULL,
       at INTEGER NOT NULL, tries INTEGER NOT NULL, next_at INTEGER, state TEXT NOT NULL, status INTEGER,
       why TEXT NOT NULL, state_at INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX webhook_message_due ON webhook_message (next_at) WHERE next_at IS NOT NULL;
     CREATE INDEX webhook_message_did ON webhook_message (did, at);`,
    "CREATE INDEX webhook_message_next ON webhook_message (did, at, id) WHERE next_at IS NOT NULL",
    "CREATE INDEX webhook_message_at ON webhook_message (at)",
  ],
};

export type WebhookRow = {
  did: string;
  url: string;
  /** How often its secret was changed. */
  turn: number;
  set_at: number;
  set_by: string;
  /** Since when every try has failed. */
  failing_since: number | null;
  /** It is asked no more. */
  stopped_at: number | null;
  stopped_why: string | null;
};

/** `waiting`, also between tries; `delivered`; `failed`: given up. */
export type MessageState = "waiting" | "delivered" | "failed";

export type MessageRow = {
  id: string;
  did: string;
  /** What it is about, such as `standing:7`: once for each. */
  about: string;
  type: string;
  body: string;
  at: number;
  tries: number;
  next_at: number | null;
  state: MessageState;
  /** Of HTTP; null: there was no answer. */
  status: number | null;
  why: string;
  state_at: number;
};

/** Of one member, kept at most. */
const KEPT = 200;

export function createWebhookStore(db: Database) {
  return {
    of: (did: string) => db.get<WebhookRow>("SELECT * FROM webhook WHERE did = ?", did),
    /** A new address, or the same one anew: another secret, and what went wrong is forgotten. */
    set(did: string, url: string, at: number, by: string): void {
      db.run(
        `INSERT INTO webhook (did, url, turn, set_at, set_by) VALUES (?, ?, 1, ?, ?)
         ON CONFLICT (did) DO UPDATE SET url = excluded.url, turn = turn + 1, set_at = excluded.set_at,
           set_by = excluded.set_by, failing_since = NULL, stopped_at = NULL, stopped_why = NULL`,
        did,
        url,
        at,
        by,
      );
    },
    /** With everything that waits for it. The row stays, without an address, so that no secret comes twice. */
    remove(did: string, at: number, by: string): void {
      db.run("UPDATE webhook SET url = '', set_at = ?, set_by = ? WHERE did = ?", at, by, did);
      db.run("DELETE FROM webhook_message WHERE did = ?", did);
    },
    forget(did: string): void {
      db.run("UPDATE webhook SET url = '', set_by = '' WHERE did = ?", did);
      db.run("DELETE FROM webhook_message WHERE did = ?", did);
    },
    receiver(did: string, failingSince: number | null, stopped: { at: number; why: string } | null): void {
      db.run(
        "UPDATE webhook SET failing_since = ?, stopped_at = ?, stopped_why = ? WHERE did = ?",
        failingSince,
        stopped?.at ?? null,
        stopped?.why ?? null,
        did,
      );
    },
    /** False: there is one about this already. */
    insert(row: Pick<MessageRow, "id" | "did" | "about" | "type" | "body" | "at">): boolean {
      const { id, did, about, type, body, at } = row;
      const inserted = db.run(
        `INSERT INTO webhook_message (id, did, about, type, body, at, tries, next_at, state, status, why, state_at)
         VALUES (?, ?, ?, ?, ?, ?, 0, ?, 'waiting', NULL, '', ?) ON CONFLICT (about) DO NOTHING`,
        id,
        did,
        about,
        type,
        body,
        at,
        at,
        at,
      );
      if (inserted.changes === 0) return false;
      db.run(
        `DELETE FROM webhook_message WHERE did = ? AND id IN
           (SELECT id FROM webhook_message WHERE did = ? ORDER BY at DESC, rowid DESC LIMIT -1 OFFSET ?)`,
        did,
        did,
        KEPT,
      );
      return true;
    },
    /** The oldest that is due of each member, so that one slow receiver keeps nobody else waiting. */
    due: (now: number, limit: number) =>
      db.all<MessageRow>(
        `SELECT m.* FROM webhook_message m JOIN webhook w ON w.did = m.did AND w.stopped_at IS NULL AND w.url <> ''
         WHERE m.next_at <= ? AND m.id = (SELECT id FROM webhook_message
           WHERE did = m.did AND next_at <= ? ORDER BY at, rowid LIMIT 1)
         ORDER BY m.next_at LIMIT ?`,
        now,
        now,
        limit,
      ),
    conclude(
      id: string,
      to: Pick<MessageRow, "tries" | "next_at" | "state" | "status" | "why" | "state_at">,
    ) {
      db.run(
        `UPDATE webhook_message SET tries = ?, next_at = ?, state = ?, status = ?, why = ?, state_at = ? WHERE id = ?`,
        to.tries,
        to.next_at,
        to.state,
        to.status,
        to.why,
        to.state_at,
        id,
      );
    },
    /** What waits goes nowhere any more. */
    giveUp(did: string, why: string, at: number): void {
      db.run(
        `UPDATE webhook_message SET state = 'failed', next_at = NULL, why = ?, state_at = ?
         WHERE did = ? AND state = 'waiting'`,
        why,
        at,
        did,
      );
    },
    prune: (before: number, limit: number): number =>
      db.run(
        `DELETE FROM webhook_message WHERE id IN
           (SELECT id FROM webhook_message WHERE at < ? AND next_at IS NULL ORDER BY at LIMIT ?)`,
        before,
        limit,
      ).changes,
    messagesOf: (did: string, limit: number) =>
      db.all<MessageRow>(
        "SELECT * FROM webhook_message WHERE did = ? ORDER BY at DESC, rowid DESC LIMIT ?",
        did,
        limit,
      ),
    about: (about: string) => db.get<MessageRow>("SELECT * FROM webhook_message WHERE about = ?", about),
  };
}
