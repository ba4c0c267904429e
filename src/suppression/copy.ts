import { DAY_MS } from "../lib/clock.ts";
import type { Database, Migration } from "../platform/database.ts";
import type { SuppressionRecall, ToldSuppression } from "./types.ts";
import { verdictOf } from "./verdict.ts";

/** Of a relay node, in a file of its own: what is lost of it, core tells again. */
export const suppressionCopyMigration: Migration = {
  module: "suppression-copy",
  steps: [
    `CREATE TABLE suppressed (
       key TEXT NOT NULL, did TEXT NOT NULL, streams TEXT NOT NULL, exempt INTEGER NOT NULL, version INTEGER NOT NULL,
       open INTEGER NOT NULL, expires_at INTEGER, entry TEXT NOT NULL, PRIMARY KEY (key, did, streams, exempt)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX suppressed_did ON suppressed (did, version) WHERE open = 1;
     CREATE TABLE suppressed_known (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL) STRICT;
     INSERT INTO suppressed_known (one, version) VALUES (1, 0);`,
  ],
};

type Row = { entry: string };
const read = ({ entry }: Row) => JSON.parse(entry) as ToldSuppression;
const POOL = "";
const KEPT_MS = 2 * DAY_MS;

export type SuppressionCopy = ReturnType<typeof createSuppressionCopy>;

/** What a relay node asks at RCPT, without core: one look into an index, however many entries there are. */
export function createSuppressionCopy(db: Database) {
  return {
    /** Takes in what core tells, in any order, any number of times; all of it or nothing. Returns what is new and binds. */
    apply(batch: readonly ToldSuppression[]): ToldSuppression[] {
      return db.transaction(() => {
        const fresh: ToldSuppression[] = [];
        for (const entry of batch) {
          const { key, did, streams, exempt, version, open, expiresAt } = entry;
          const { changes } = db.run(
            `INSERT INTO suppressed (key, did, streams, exempt, version, open, expires_at, entry)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (key, did, streams, exempt) DO UPDATE SET version = excluded.version, open = excluded.open,
               expires_at = excluded.expires_at, entry = excluded.entry
             WHERE excluded.version > version`,
            key,
            did ?? POOL,
            streams,
            exempt ? 1 : 0,
            version,
            open ? 1 : 0,
            expiresAt,
            JSON.stringify(entry),
          );
          if (changes > 0 && open && !exempt) fresh.push(entry);
        }
        const last = batch.reduce((most, { version }) => Math.max(most, version), 0);
        db.run("UPDATE suppressed_known SET version = max(version, ?)", last);
        return fresh;
      });
    },
    /** Core has lost what it told after `after`, up to `upTo`, and tells all of its list again. */
    recall({ after, upTo }: SuppressionRecall["recall"]): void {
      db.transaction(() => {
        db.run("DELETE FROM suppressed WHERE version > ? AND version <= ?", after, upTo);
        db.run("UPDATE suppressed_known SET version = 0");
      });
    },
    /** The highest version that was taken in. */
    known: () => db.get<{ version: number }>("SELECT version FROM suppressed_known")?.version ?? 0,
    /** Why this member's mail of this stream does not go to the recipient; `undefined` as stream: not known yet. */
    check(did: string, key: string, stream: string | undefined, now: number): ToldSuppression | undefined {
      const rows = db.all<Row>(
        `SELECT entry FROM suppressed WHERE key = ? AND did IN (?, '') AND open = 1
           AND (expires_at IS NULL OR expires_at > ?)`,
        key,
        did,
        now,
      );
      return rows.length === 0 ? undefined : verdictOf(rows.map(read), stream);
    },
    /** A member's own, the newest first; `before`: the version of the last one of the page before. */
    of(did: string, now: number, { before, limit }: { before?: number; limit: number }): ToldSuppression[] {
      return db
        .all<Row>(
          `SELECT entry FROM suppressed WHERE did = ? AND open = 1 AND exempt = 0 AND version < ?
             AND (expires_at IS NULL OR expires_at > ?) ORDER BY version DESC LIMIT ?`,
          did,
          before ?? Number.MAX_SAFE_INTEGER,
          now,
          limit,
        )
        .map(read);
    },
    /** What binds a member about one recipient, the pool's too. */
    about(did: string, key: string, now: number): ToldSuppression[] {
      return db
        .all<Row>(
          `SELECT entry FROM suppressed WHERE key = ? AND did IN (?, '') AND open = 1
             AND (expires_at IS NULL OR expires_at > ?)`,
          key,
          did,
          now,
        )
        .map(read);
    },
    /** Forgets what has ended. */
    prune(now: number): number {
      const before = now - KEPT_MS;
      return db.run("DELETE FROM suppressed WHERE expires_at < ?1 OR (open = 0 AND version < ?1)", before)
        .changes;
    },
  };
}
