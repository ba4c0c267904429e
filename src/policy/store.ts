import type { Database, Migration } from "../platform/database.ts";
import { probeName } from "./charge.ts";
import { names, resumptions, type Pause } from "./pauses.ts";
import type { MemberPolicy } from "./types.ts";

/** The last policy of each member, the state of its limits and this node's own pauses, in the spool's file. */
export const policyMigration: Migration = {
  module: "policy",
  steps: [
    `CREATE TABLE policy (did TEXT PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
     CREATE TABLE policy_limit (
       did TEXT NOT NULL, bucket TEXT NOT NULL, tat REAL NOT NULL, PRIMARY KEY (did, bucket)
     ) STRICT, WITHOUT ROWID;`,
    `CREATE TABLE policy_pause (
       did TEXT NOT NULL, credential TEXT NOT NULL, cause TEXT NOT NULL, at INTEGER NOT NULL,
       PRIMARY KEY (did, credential)
     ) STRICT, WITHOUT ROWID;`,
  ],
};

/** One bucket of one member, or of the pool (`did` is `*`). `tat` 0: it is unused, its row goes. */
export type LimitRow = { did: string; bucket: string; tat: number };

/** Keeps a newer policy. What it resumes is over from then on: pauses, and the breaker's counts. */
export function savePolicy(db: Database, policy: MemberPolicy): void {
  const { did, version } = policy;
  db.transaction(() => {
    const kept = db.get<{ body: string }>("SELECT body FROM policy WHERE did = ?", did);
    const before = kept && (JSON.parse(kept.body) as MemberPolicy);
    if (before && before.version >= version) return;
    db.run(
      `INSERT INTO policy (did, version, body) VALUES (?, ?, ?)
       ON CONFLICT (did) DO UPDATE SET version = excluded.version, body = excluded.body`,
      did,
      version,
      JSON.stringify(policy),
    );
    for (const { id } of before?.credentials ?? []) {
      if (names(policy, id)) continue;
      db.run("DELETE FROM policy_pause WHERE did = ? AND credential = ?", did, id);
      db.run("DELETE FROM policy_limit WHERE did = ? AND bucket = ?", did, probeName(id));
    }
    for (const { credential, upTo } of resumptions(before, policy)) {
      db.run(
        "DELETE FROM policy_pause WHERE did = ? AND at <= ? AND (? IS NULL OR credential = ?)",
        did,
        upTo,
        credential,
        credential,
      );
      for (const { id } of policy.credentials) {
        if (credential !== null && credential !== id) continue;
        db.run("DELETE FROM policy_limit WHERE did = ? AND bucket = ?", did, probeName(id));
      }
    }
  });
}

export function saveLimits(db: Database, rows: readonly LimitRow[]): void {
  for (const { did, bucket, tat } of rows) {
    if (tat <= 0) {
      db.run("DELETE FROM policy_limit WHERE did = ? AND bucket = ?", did, bucket);
      continue;
    }
    db.run(
      `INSERT INTO policy_limit (did, bucket, tat) VALUES (?, ?, ?)
       ON CONFLICT (did, bucket) DO UPDATE SET tat = excluded.tat`,
      did,
      bucket,
      tat,
    );
  }
}

/** Of a credential, or of the whole member, one is kept. */
export function savePause(db: Database, { did, credential, cause, at }: Pause): void {
  db.run(
    "INSERT INTO policy_pause (did, credential, cause, at) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET cause = excluded.cause, at = excluded.at",
    did,
    credential ?? "",
    cause,
    at,
  );
}

export function loadPolicies(db: Database): {
  policies: MemberPolicy[];
  limits: LimitRow[];
  pauses: Pause[];
} {
  return {
    policies: db
      .all<{ body: string }>("SELECT body FROM policy")
      .map((row) => JSON.parse(row.body) as MemberPolicy),
    limits: db.all<LimitRow>("SELECT did, bucket, tat FROM policy_limit"),
    pauses: db.all<Pause>(
      "SELECT did, nullif(credential, '') AS credential, cause, at FROM policy_pause ORDER BY at",
    ),
  };
}
