import type { Database, Migration } from "../platform/database.ts";
import type { About } from "./digest.ts";
import type { SourceRow } from "./sources.ts";

export const reportMigration: Migration = {
  module: "report",
  steps: [
    `CREATE TABLE domain_report (
       key TEXT PRIMARY KEY, did TEXT NOT NULL, domain TEXT NOT NULL, kind TEXT NOT NULL, organization TEXT NOT NULL,
       day INTEGER NOT NULL, received_day INTEGER NOT NULL, messages INTEGER NOT NULL, aligned INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX domain_report_domain ON domain_report (did, domain, day);
     CREATE INDEX domain_report_received ON domain_report (did, domain, received_day);
     CREATE INDEX domain_report_day ON domain_report (day);
     CREATE TABLE report_source (
       did TEXT NOT NULL, domain TEXT NOT NULL, day INTEGER NOT NULL, ip TEXT NOT NULL, messages INTEGER NOT NULL,
       aligned INTEGER NOT NULL, dkim INTEGER NOT NULL, spf INTEGER NOT NULL, quarantined INTEGER NOT NULL,
       rejected INTEGER NOT NULL, PRIMARY KEY (did, domain, day, ip)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX report_source_day ON report_source (day);
     CREATE TABLE report_tls (
       did TEXT NOT NULL, domain TEXT NOT NULL, day INTEGER NOT NULL, policy TEXT NOT NULL, failure TEXT NOT NULL,
       sessions INTEGER NOT NULL, PRIMARY KEY (did, domain, day, policy, failure)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX report_tls_day ON report_tls (day);`,
    "ALTER TABLE domain_report ADD COLUMN proven_by TEXT NOT NULL DEFAULT ''",
  ],
};

/** `failure` empty: sessions that succeeded. */
export type TlsRow = { day: number; policy: string; failure: string; sessions: number };
export type ReportRow = {
  day: number;
  kind: "dmarc" | "tls";
  organization: string;
  messages: number;
  aligned: number;
  /** The domain that authentication proves to have sent it; empty: nothing proves anything, and it is in no sum. */
  provenBy: string;
};
/** Of one domain, by what is proven: reports, messages of DMARC and those that passed, sessions of TLS and those that failed. */
export type ReportTotals = About & {
  reports: number;
  messages: number;
  aligned: number;
  sessions: number;
  failed: number;
  unverified: number;
};

export function createReportStore(db: Database) {
  const number = (sql: string, ...params: (string | number)[]) =>
    db.get<{ n: number }>(sql, ...params)?.n ?? 0;
  return {
    has: (key: string) => db.get("SELECT 1 FROM domain_report WHERE key = ?", key) !== undefined,
    insert(key: string, { did, domain }: About, row: ReportRow & { receivedDay: number }): void {
      db.run(
        `INSERT INTO domain_report (key, did, domain, kind, organization, day, received_day, messages, aligned, proven_by)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        key,
        did,
        domain,
        row.kind,
        row.organization,
        row.day,
        row.receivedDay,
        row.messages,
        row.aligned,
        row.provenBy,
      );
    },
    receivedOn: ({ did, domain }: About, day: number, proven: boolean) =>
      number(
        `SELECT count(*) AS n FROM domain_report
         WHERE did = ? AND domain = ? AND received_day = ? AND (proven_by <> '') = ?`,
        did,
        domain,
        day,
        proven ? 1 : 0,
      ),
    sourcesOn: ({ did, domain }: About, day: number) =>
      number(
        "SELECT count(*) AS n FROM report_source WHERE did = ? AND domain = ? AND day = ?",
        did,
        domain,
        day,
      ),
    hasSource: ({ did, domain }: About, day: number, ip: string) =>
      db.get(
        "SELECT 1 FROM report_source WHERE did = ? AND domain = ? AND day = ? AND ip = ?",
        did,
        domain,
        day,
        ip,
      ) !== undefined,
    addSource({ did, domain }: About, row: SourceRow): void {
      db.run(
        `INSERT INTO report_source (did, domain, day, ip, messages, aligned, dkim, spf, quarantined, rejected)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (did, domain, day, ip) DO UPDATE SET messages = messages + excluded.messages,
           aligned = aligned + excluded.aligned, dkim = dkim + excluded.dkim, spf = spf + excluded.spf,
           quarantined = quarantined + excluded.quarantined, rejected = rejected + excluded.rejected`,
        did,
        domain,
        row.day,
        row.ip,
        row.messages,
        row.aligned,
        row.dkim,
        row.spf,
        row.quarantined,
        row.rejected,
      );
    },
    addTls({ did, domain }: About, { day, policy, failure, sessions }: TlsRow): void {
      db.run(
        `INSERT INTO report_tls (did, domain, day, policy, failure, sessions) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (did, domain, day, policy, failure) DO UPDATE SET sessions = sessions + excluded.sessions`,
        did,
        domain,
        day,
        policy,
        failure,
        sessions,
      );
    },
    sources: ({ did, domain }: About, from: number, to: number) =>
      db.all<SourceRow>(
        `SELECT day, ip, messages, aligned, dkim, spf, quarantined, rejected FROM report_source
         WHERE did = ? AND domain = ? AND day BETWEEN ? AND ? ORDER BY day, ip`,
        did,
        domain,
        from,
        to,
      ),
    tls: ({ did, domain }: About, from: number, to: number) =>
      db.all<TlsRow>(
        `SELECT day, policy, failure, sessions FROM report_tls
         WHERE did = ? AND domain = ? AND day BETWEEN ? AND ? ORDER BY day, policy, failure`,
        did,
        domain,
        from,
        to,
      ),
    reports: ({ did, domain }: About, from: number, to: number, most: number) =>
      db.all<ReportRow>(
        `SELECT day, kind, organization, messages, aligned, proven_by AS provenBy FROM domain_report
         WHERE did = ? AND domain = ? AND day BETWEEN ? AND ? ORDER BY day DESC, organization, key LIMIT ?`,
        did,
        domain,
        from,
        to,
        most,
      ),
    totals: (from: number, to: number) =>
      db.all<ReportTotals>(
        `SELECT did, domain, sum(proven) AS reports, sum(dmarc * messages) AS messages, sum(dmarc * aligned) AS aligned,
           sum(tls * messages) AS sessions, sum(tls * (messages - aligned)) AS failed, sum(NOT proven) AS unverified
         FROM (SELECT *, proven_by <> '' AS proven, kind = 'dmarc' AND proven_by <> '' AS dmarc,
           kind = 'tls' AND proven_by <> '' AS tls FROM domain_report WHERE day BETWEEN ? AND ?)
         GROUP BY did, domain ORDER BY domain, did`,
        from,
        to,
      ),
    forget(did: string): void {
      for (const table of TABLES) db.run(`DELETE FROM ${table} WHERE did = ?`, did);
    },
    /** Days before it. */
    sweep(day: number): number {
      return TABLES.reduce(
        (sum, table) => sum + db.run(`DELETE FROM ${table} WHERE day < ?`, day).changes,
        0,
      );
    },
  };
}

const TABLES = ["domain_report", "report_source", "report_tls"] as const;
