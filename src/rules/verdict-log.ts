import type { Database, Migration } from "../platform/database.ts";

/** What rules concluded, with the values that they saw. Append-only. */
export const verdictMigration: Migration = {
  module: "verdict",
  steps: [
    `CREATE TABLE verdict (
       id INTEGER PRIMARY KEY AUTOINCREMENT, action_id TEXT NOT NULL, did TEXT NOT NULL, rule TEXT NOT NULL,
       description TEXT NOT NULL, seen TEXT NOT NULL, labels TEXT NOT NULL, rules_hash TEXT NOT NULL, at INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX verdict_did ON verdict (did, id);`,
  ],
};

export type Verdict = {
  actionId: string;
  did: string;
  rule: string;
  /** The rule's sentence with its values filled in. */
  description: string;
  /** Features that the rule read, by name. */
  seen: Record<string, unknown>;
  /** Labels that it put on the member. */
  labels: string[];
  rulesHash: string;
  at: number;
};

export type VerdictLog = ReturnType<typeof createVerdictLog>;

export function createVerdictLog(db: Database) {
  return {
    append(verdict: Verdict): void {
      db.run(
        `INSERT INTO verdict (action_id, did, rule, description, seen, labels, rules_hash, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        verdict.actionId,
        verdict.did,
        verdict.rule,
        verdict.description,
        JSON.stringify(verdict.seen),
        JSON.stringify(verdict.labels),
        verdict.rulesHash,
        verdict.at,
      );
    },
    of(did: string, limit = 50): Verdict[] {
      return db
        .all<{
          action_id: string;
          did: string;
          rule: string;
          description: string;
          seen: string;
          labels: string;
          rules_hash: string;
          at: number;
        }>("SELECT * FROM verdict WHERE did = ? ORDER BY id DESC LIMIT ?", did, limit)
        .map((row) => ({
          actionId: row.action_id,
          did: row.did,
          rule: row.rule,
          description: row.description,
          seen: JSON.parse(row.seen) as Record<string, unknown>,
          labels: JSON.parse(row.labels) as string[],
          rulesHash: row.rules_hash,
          at: row.at,
        }));
    },
  };
}
