import type { Database, Migration } from "../platform/database.ts";
import type { Mailed } from "./allowance.ts";

export const noticeMigration: Migration = {
  module: "notice",
  steps: [
    `CREATE TABLE member_mail (
       id TEXT PRIMARY KEY, about TEXT NOT NULL UNIQUE, did TEXT NOT NULL, at INTEGER NOT NULL, address TEXT,
       state TEXT NOT NULL, state_at INTEGER NOT NULL, reply TEXT NOT NULL, wish TEXT
     ) STRICT;
     CREATE INDEX member_mail_did ON member_mail (did, at);
     CREATE INDEX member_mail_wish ON member_mail (at) WHERE wish IS NOT NULL;`,
    "ALTER TABLE member_mail ADD COLUMN by_strangers INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE member_mail ADD COLUMN is_better INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX member_mail_at ON member_mail (at)",
  ],
};

/**
 * `waiting`: on its way. `delivered`, `failed`: what the other side said. `no-contact`: the member gave no mail address.
 * `too-many`: it got its share of mails of late.
 */
export type MailState = "waiting" | "delivered" | "failed" | "no-contact" | "too-many";

export type MailRow = {
  id: string;
  /** What it is about, such as `pause:7:paused`: once for each. */
  about: string;
  did: string;
  at: number;
  address: string | null;
  state: MailState;
  state_at: number;
  /** What the other side said of a mail that failed; empty otherwise. */
  reply: string;
  /** JSON, until relay nodes were told of it. */
  wish: string | null;
  /** 1: strangers brought it about. */
  by_strangers: number;
  /** 1: something became better. */
  is_better: number;
};

const UNTOLD_AT_ONCE = 100;

export function createMailStore(db: Database) {
  return {
    /** False: there is one about this already. */
    insert(row: MailRow): boolean {
      const { id, about, did, at, address, state, state_at, reply, wish, by_strangers, is_better } = row;
      return (
        db.run(
          `INSERT INTO member_mail (id, about, did, at, address, state, state_at, reply, wish, by_strangers, is_better)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (about) DO NOTHING`,
          id,
          about,
          did,
          at,
          address,
          state,
          state_at,
          reply,
          wish,
          by_strangers,
          is_better,
        ).changes > 0
      );
    },
    has: (about: string): boolean => db.get("SELECT 1 FROM member_mail WHERE about = ?", about) !== undefined,
    /** Mails to the member since a time. */
    mailsOf: (did: string, since: number): Mailed[] =>
      db
        .all<{ at: number; by_strangers: number; is_better: number }>(
          "SELECT at, by_strangers, is_better FROM member_mail WHERE did = ? AND at > ? AND state IN ('waiting', 'delivered', 'failed')",
          did,
          since,
        )
        .map(({ at, by_strangers, is_better }) => ({
          at,
          byStrangers: by_strangers === 1,
          isBetter: is_better === 1,
        })),
    /** To a member, the newest first. */
    of: (did: string, limit: number) =>
      db.all<MailRow>("SELECT * FROM member_mail WHERE did = ? ORDER BY at DESC, id LIMIT ?", did, limit),
    about: (about: string) => db.get<MailRow>("SELECT * FROM member_mail WHERE about = ?", about),
    untold: () =>
      db.all<MailRow & { wish: string }>(
        "SELECT * FROM member_mail WHERE wish IS NOT NULL ORDER BY at, id LIMIT ?",
        UNTOLD_AT_ONCE,
      ),
    told: (id: string): void => void db.run("UPDATE member_mail SET wish = NULL WHERE id = ?", id),
    prune: (before: number, limit: number): number =>
      db.run(
        `DELETE FROM member_mail WHERE id IN
           (SELECT id FROM member_mail WHERE at < ? AND wish IS NULL ORDER BY at LIMIT ?)`,
        before,
        limit,
      ).changes,
    forget: (did: string): void => void db.run("DELETE FROM member_mail WHERE did = ?", did),
    conclude(id: string, state: "delivered" | "failed", at: number, reply: string): void {
      db.run(
        "UPDATE member_mail SET state = ?, state_at = ?, reply = ? WHERE id = ? AND state = 'waiting'",
        state,
        at,
        reply,
        id,
      );
    },
  };
}
