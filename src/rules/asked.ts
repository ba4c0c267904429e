import type { Envelope } from "../event/index.ts";
import type { Database, Migration } from "../platform/database.ts";
import type { RuleVerdict } from "./engine.ts";

/** What Osprey was asked and has not answered, and where it said something else. */
export const askedMigration: Migration = {
  module: "osprey",
  steps: [
    `CREATE TABLE osprey_asked (
       action_id TEXT PRIMARY KEY, envelope TEXT NOT NULL, own TEXT NOT NULL, rules_hash TEXT NOT NULL, at INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX osprey_asked_at ON osprey_asked (at);
     CREATE TABLE osprey_difference (
       action_id TEXT PRIMARY KEY, did TEXT NOT NULL, at INTEGER NOT NULL, lines TEXT NOT NULL
     ) STRICT;
     CREATE INDEX osprey_difference_at ON osprey_difference (at);`,
  ],
};

export type Asked = { envelope: Envelope; own: RuleVerdict[]; rulesHash: string; at: number };
export type Difference = { actionId: string; did: string; at: number; lines: string[] };

const MOST_DIFFERENCES = 1_000;

export type AskedStore = ReturnType<typeof createAskedStore>;

export function createAskedStore(db: Database) {
  return {
    put({ envelope, own, rulesHash, at }: Asked): void {
      db.run(
        "INSERT OR IGNORE INTO osprey_asked (action_id, envelope, own, rules_hash, at) VALUES (?, ?, ?, ?, ?)",
        envelope.data.action_id,
        JSON.stringify(envelope),
        JSON.stringify(own),
        rulesHash,
        at,
      );
    },
    /** Once: an answer that comes again finds nothing. */
    take(actionId: string): Asked | undefined {
      const row = db.get<{ envelope: string; own: string; rules_hash: string; at: number }>(
        "DELETE FROM osprey_asked WHERE action_id = ? RETURNING envelope, own, rules_hash, at",
        actionId,
      );
      if (!row) return undefined;
      const own = JSON.parse(row.own) as RuleVerdict[];
      return { envelope: JSON.parse(row.envelope) as Envelope, own, rulesHash: row.rules_hash, at: row.at };
    },
    /** How many wait, and since when the first. */
    waiting(): { count: number; since: number | null } {
      return db.get<{ count: number; since: number | null }>(
        "SELECT count(*) AS count, min(at) AS since FROM osprey_asked",
      )!;
    },
    differ({ actionId, did, at, lines }: Difference): void {
      db.run(
        "INSERT OR IGNORE INTO osprey_difference (action_id, did, at, lines) VALUES (?, ?, ?, ?)",
        actionId,
        did,
        at,
        JSON.stringify(lines),
      );
      db.run(
        `DELETE FROM osprey_difference WHERE action_id IN
           (SELECT action_id FROM osprey_difference ORDER BY at DESC LIMIT -1 OFFSET ?)`,
        MOST_DIFFERENCES,
      );
    },
    /** The newest first. */
    differences: (limit: number): Difference[] =>
      db
        .all<{ action_id: string; did: string; at: number; lines: string }>(
          "SELECT action_id, did, at, lines FROM osprey_difference ORDER BY at DESC LIMIT ?",
          limit,
        )
        .map((row) => ({
          actionId: row.action_id,
          did: row.did,
          at: row.at,
          lines: JSON.parse(row.lines) as string[],
        })),
    countOfDifferences: (): number => db.get<{ n: number }>("SELECT count(*) AS n FROM osprey_difference")!.n,
    prune(before: number): void {
      db.run("DELETE FROM osprey_asked WHERE at < ?", before);
      db.run("DELETE FROM osprey_difference WHERE at < ?", before);
    },
  };
}
