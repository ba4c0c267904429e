import type { Database, Migration } from "../platform/database.ts";

/** What rules concluded, with the values that they saw, the events as they saw them, and the rules themselves. */
export const verdictMigration: Migration = {
  module: "verdict",
  steps: [
    `CREATE TABLE verdict (
       id INTEGER PRIMARY KEY AUTOINCREMENT, action_id TEXT NOT NULL, did TEXT NOT NULL, rule TEXT NOT NULL,
       description TEXT NOT NULL, seen TEXT NOT NULL, labels TEXT NOT NULL, rules_hash TEXT NOT NULL, at INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX verdict_did ON verdict (did, id);`,
    `ALTER TABLE verdict ADD COLUMN shadow INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE verdict ADD COLUMN would TEXT NOT NULL DEFAULT '[]';
     CREATE INDEX verdict_action ON verdict (action_id);
     CREATE INDEX verdict_at ON verdict (at);
     CREATE TABLE judged (
       action_id TEXT PRIMARY KEY, at INTEGER NOT NULL, fired INTEGER NOT NULL, rules_hash TEXT NOT NULL, envelope TEXT NOT NULL
     ) STRICT;
     CREATE INDEX judged_silent ON judged (at) WHERE fired = 0;
     CREATE TABLE rule_set (
       hash TEXT PRIMARY KEY, content TEXT NOT NULL, directory TEXT NOT NULL, first_at INTEGER NOT NULL, used_at INTEGER NOT NULL
     ) STRICT;`,
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
  /** It was in shadow: nothing followed. */
  shadow?: boolean;
  /** Every label that it would give without a shadow, on whatever. */
  wouldLabels?: string[];
  rulesHash: string;
  at: number;
};

export type VerdictLog = ReturnType<typeof createVerdictLog>;

export function createVerdictLog(db: Database) {
  return {
    append(verdict: Verdict): void {
      db.run(
        `INSERT INTO verdict (action_id, did, rule, description, seen, labels, rules_hash, at, shadow, would)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        verdict.actionId,
        verdict.did,
        verdict.rule,
        verdict.description,
        JSON.stringify(verdict.seen),
        JSON.stringify(verdict.labels),
        verdict.rulesHash,
        verdict.at,
        verdict.shadow ? 1 : 0,
        JSON.stringify(verdict.wouldLabels ?? verdict.labels),
      );
    },
    /** The newest first. */
    of: (did: string, limit = 50): Verdict[] =>
      db.all<Row>("SELECT * FROM verdict WHERE did = ? ORDER BY id DESC LIMIT ?", did, limit).map(toVerdict),
    /** A page of one member's with a number above `after`, the oldest first. */
    ofAfter: (did: string, after: number, limit: number): (Verdict & { id: number })[] =>
      db
        .all<Row>("SELECT * FROM verdict WHERE did = ? AND id > ? ORDER BY id LIMIT ?", did, after, limit)
        .map((row) => ({ id: row.id, ...toVerdict(row) })),
    /** In the order in which they were given. */
    ofAction: (actionId: string): Verdict[] =>
      db.all<Row>("SELECT * FROM verdict WHERE action_id = ? ORDER BY id", actionId).map(toVerdict),
    /** A page of all with a number above `after`, for those who read the whole log. */
    after: (after: number, since: number, limit: number): (Verdict & { id: number })[] =>
      db
        .all<Row>("SELECT * FROM verdict WHERE id > ? AND at >= ? ORDER BY id LIMIT ?", after, since, limit)
        .map((row) => ({ id: row.id, ...toVerdict(row) })),
    /** Drops what is older, with the events as rules saw them, at most `limit` verdicts; returns how many. */
    prune: (before: number, limit: number): number =>
      db.transaction(() => {
        const old = "FROM verdict WHERE at < ? ORDER BY at, id LIMIT ?";
        db.run(`DELETE FROM judged WHERE action_id IN (SELECT action_id ${old})`, before, limit);
        return db.run(`DELETE FROM verdict WHERE id IN (SELECT id ${old})`, before, limit).changes;
      }),
    /** Drops events as rules saw them, at which none fired. */
    pruneSilent: (before: number, limit: number): number =>
      db.run(
        `DELETE FROM judged WHERE action_id IN
           (SELECT action_id FROM judged WHERE fired = 0 AND at < ? ORDER BY at LIMIT ?)`,
        before,
        limit,
      ).changes,
    /** How often each rule has fired since then. */
    countsSince: (since: number) =>
      db.all<{ rule: string; fired: number; members: number; lastAt: number }>(
        `SELECT rule, count(*) AS fired, count(DISTINCT did) AS members, max(at) AS lastAt
         FROM verdict WHERE at >= ? GROUP BY rule`,
        since,
      ),
  };
}

type Row = {
  id: number;
  action_id: string;
  did: string;
  rule: string;
  description: string;
  seen: string;
  labels: string;
  rules_hash: string;
  at: number;
  shadow: number;
  would: string;
};

function toVerdict(row: Row): Verdict & { shadow: boolean; wouldLabels: string[] } {
  return {
    actionId: row.action_id,
    did: row.did,
    rule: row.rule,
    description: row.description,
    seen: JSON.parse(row.seen) as Record<string, unknown>,
    labels: JSON.parse(row.labels) as string[],
    rulesHash: row.rules_hash,
    at: row.at,
    shadow: row.shadow === 1,
    wouldLabels: JSON.parse(row.would) as string[],
  };
}
