import type { Database, Migration } from "../platform/database.ts";
import type { BucketName } from "./limits.ts";
import type { MemberPolicy } from "./types.ts";

/** The last policy of each member and the state of its limits, in the spool's file. */
export const policyMigration: Migration = {
  module: "policy",
  steps: [
    `CREATE TABLE policy (did TEXT PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
     CREATE TABLE policy_limit (
       did TEXT NOT NULL, bucket TEXT NOT NULL, tat REAL NOT NULL, PRIMARY KEY (did, bucket)
     ) STRICT, WITHOUT ROWID;`,
  ],
};

/** One bucket of one member. */
export type LimitRow = { did: string; bucket: BucketName; tat: number };

export function savePolicy(db: Database, policy: MemberPolicy): void {
  db.run(
    `INSERT INTO policy (did, version, body) VALUES (?, ?, ?)
     ON CONFLICT (did) DO UPDATE SET version = excluded.version, body = excluded.body
     WHERE excluded.version > policy.version`,
    policy.did,
    policy.version,
    JSON.stringify(policy),
  );
}

export function saveLimits(db: Database, rows: readonly LimitRow[]): void {
  for (const { did, bucket, tat } of rows) {
    db.run(
      `INSERT INTO policy_limit (did, bucket, tat) VALUES (?, ?, ?)
       ON CONFLICT (did, bucket) DO UPDATE SET tat = excluded.tat`,
      did,
      bucket,
      tat,
    );
  }
}

export function loadPolicies(db: Database): { policies: MemberPolicy[]; limits: LimitRow[] } {
  return {
    policies: db
      .all<{ body: string }>("SELECT body FROM policy")
      .map((row) => JSON.parse(row.body) as MemberPolicy),
    limits: db.all<LimitRow>("SELECT did, bucket, tat FROM policy_limit"),
  };
}
