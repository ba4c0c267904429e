import type { Database, Migration } from "../platform/database.ts";
import type { MtaStsPolicy } from "../protocol/mta-sts/index.ts";

export const transportMigration: Migration = {
  module: "transport",
  steps: [
    `CREATE TABLE sts_policy (
      domain TEXT PRIMARY KEY,
      id TEXT NOT NULL,
      mode TEXT NOT NULL,
      mx TEXT NOT NULL,
      max_age INTEGER NOT NULL,
      fetched_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      used_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX sts_policy_used ON sts_policy (used_at);
    CREATE INDEX sts_policy_expires ON sts_policy (expires_at);`,
  ],
};

/** A policy as it was fetched. Times in ms since the epoch. */
export type KeptPolicy = {
  domain: string;
  /** Of the TXT record at the time. */
  id: string;
  policy: MtaStsPolicy;
  fetchedAt: number;
  expiresAt: number;
  /** When mail last went there, to within an hour. */
  usedAt: number;
};

type Row = {
  domain: string;
  id: string;
  mode: MtaStsPolicy["mode"];
  mx: string;
  max_age: number;
  fetched_at: number;
  expires_at: number;
  used_at: number;
};

const keptOf = (row: Row): KeptPolicy => ({
  domain: row.domain,
  id: row.id,
  policy: { mode: row.mode, mx: row.mx === "" ? [] : row.mx.split(" "), maxAge: row.max_age },
  fetchedAt: row.fetched_at,
  expiresAt: row.expires_at,
  usedAt: row.used_at,
});

export type PolicyStore = ReturnType<typeof createPolicyStore>;

/** Policies of MTA-STS, at most `max` of them: beyond that those go to which nothing was sent for longest. */
export function createPolicyStore(db: Database, max: number) {
  return {
    get(domain: string): KeptPolicy | undefined {
      const row = db.get<Row>("SELECT * FROM sts_policy WHERE domain = ?", domain);
      return row && keptOf(row);
    },
    /** In one commit: policies that were fetched, and when mail last went to which domain. */
    write(policies: Iterable<KeptPolicy>, used: ReadonlyMap<string, number>): void {
      db.transaction(() => {
        for (const { domain, id, policy, fetchedAt, expiresAt, usedAt } of policies) {
          db.run(
            `INSERT INTO sts_policy (domain, id, mode, mx, max_age, fetched_at, expires_at, used_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (domain) DO UPDATE SET id = excluded.id, mode = excluded.mode, mx = excluded.mx,
             max_age = excluded.max_age, fetched_at = excluded.fetched_at, expires_at = excluded.expires_at,
             used_at = max(used_at, excluded.used_at)`,
            domain,
            id,
            policy.mode,
            policy.mx.join(" "),
            policy.maxAge,
            fetchedAt,
            expiresAt,
            usedAt,
          );
        }
        for (const [domain, at] of used)
          db.run("UPDATE sts_policy SET used_at = max(used_at, ?) WHERE domain = ?", at, domain);
        const { n } = db.get<{ n: number }>("SELECT count(*) AS n FROM sts_policy")!;
        if (n > max)
          db.run(
            "DELETE FROM sts_policy WHERE domain IN (SELECT domain FROM sts_policy ORDER BY used_at LIMIT ?)",
            n - max,
          );
      });
    },
    /** Those that had expired by then. */
    forgetExpired: (then: number): number =>
      db.run("DELETE FROM sts_policy WHERE expires_at <= ?", then).changes,
    /** Those in use since, fetched before half of their life (or a day, where that is shorter) was over. */
    dueForRefresh(now: number, usedSince: number, dayMs: number, limit: number): KeptPolicy[] {
      return db
        .all<Row>(
          `SELECT * FROM sts_policy
           WHERE expires_at > ? AND used_at >= ? AND fetched_at + min(max_age * 500, ?) <= ?
           ORDER BY expires_at LIMIT ?`,
          now,
          usedSince,
          dayMs,
          now,
          limit,
        )
        .map(keptOf);
    },
    count: (): number => db.get<{ n: number }>("SELECT count(*) AS n FROM sts_policy")!.n,
  };
}
