import { lexStringify } from "@atproto/lex";
import type { Database, Migration } from "../platform/database.ts";
import type { CheckState } from "./summary.ts";
import type {
  Attestation,
  AttestationRecord,
  CheckName,
  CheckResult,
  CheckStatus,
  Finding,
  Summary,
} from "./types.ts";

export const attestationMigration: Migration = {
  module: "attestation",
  steps: [
    `CREATE TABLE attestation (
       uri TEXT PRIMARY KEY, did TEXT NOT NULL, domain TEXT NOT NULL, collection TEXT NOT NULL, rkey TEXT NOT NULL,
       cid TEXT NOT NULL, record TEXT NOT NULL, rev TEXT NOT NULL,
       indexed_at INTEGER NOT NULL, proved_at INTEGER NOT NULL,
       ended_at INTEGER, ended_by TEXT CHECK (ended_by IN ('record', 'account')),
       summary TEXT NOT NULL, failures INTEGER NOT NULL, failing_since INTEGER,
       checked_at INTEGER, next_check_at INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX attestation_did ON attestation (did);
     CREATE INDEX attestation_domain ON attestation (domain);
     CREATE INDEX attestation_next_check ON attestation (next_check_at) WHERE ended_at IS NULL;
     CREATE TABLE attestation_check (
       uri TEXT NOT NULL REFERENCES attestation (uri) ON DELETE CASCADE,
       name TEXT NOT NULL, status TEXT NOT NULL, findings TEXT NOT NULL, at INTEGER NOT NULL,
       PRIMARY KEY (uri, name)
     ) STRICT;
     CREATE TABLE attestation_retry (
       uri TEXT PRIMARY KEY, did TEXT NOT NULL, collection TEXT NOT NULL, rkey TEXT NOT NULL,
       attempts INTEGER NOT NULL, next_at INTEGER NOT NULL
     ) STRICT;
     CREATE TABLE attestation_cursor (host TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT;`,
    `CREATE INDEX attestation_retry_did ON attestation_retry (did);
     CREATE TABLE attestation_sweep (
       host TEXT NOT NULL, collection TEXT NOT NULL, cursor TEXT, finished_at INTEGER,
       PRIMARY KEY (host, collection)
     ) STRICT;`,
    `CREATE TABLE attestation_probe (
       uri TEXT PRIMARY KEY REFERENCES attestation (uri) ON DELETE CASCADE,
       results TEXT NOT NULL, at INTEGER NOT NULL, next_at INTEGER NOT NULL
     ) STRICT;`,
  ],
};

/** Ended attestations that are remembered of one account, those of the newest revisions. */
const MAX_ENDED_PER_DID = 50;

/** A place in a repository at which something may have changed. */
export type Hint = { did: string; collection: string; rkey: string };

export function hintUri(hint: Hint): string {
  return `at://${hint.did}/${hint.collection}/${hint.rkey}`;
}

type Row = {
  uri: string;
  did: string;
  domain: string;
  collection: string;
  rkey: string;
  cid: string;
  record: string;
  rev: string;
  indexed_at: number;
  proved_at: number;
  ended_at: number | null;
  ended_by: "record" | "account" | null;
  summary: Summary;
  failures: number;
  failing_since: number | null;
  checked_at: number | null;
  next_check_at: number;
};

/** What intake must know of an earlier proof. */
export type Known = { cid: string; rev: string; endedBy: "record" | "account" | null };

export type StoredAttestation = { facts: Attestation; hint: Hint; state: CheckState };

export type AttestationStore = ReturnType<typeof createStore>;

/** `onEnded` runs in the transaction that ends the last live attestation of a domain by an account. */
export function createStore(
  db: Database,
  onEnded?: (ended: { uri: string; did: string; domain: string }) => void,
) {
  function markEnded(uri: string, by: "record" | "account", rev: string | undefined, now: number): void {
    db.run(
      `UPDATE attestation SET ended_at = coalesce(ended_at, ?), ended_by = ?, rev = max(rev, ?) WHERE uri = ?`,
      now,
      by,
      rev ?? "",
      uri,
    );
  }

  return {
    transaction: <T>(work: () => T): T => db.transaction(work),

    get(uri: string): StoredAttestation | undefined {
      const row = db.get<Row>("SELECT * FROM attestation WHERE uri = ?", uri);
      return row && fromRow(row);
    },
    known(uri: string): Known | undefined {
      const row = db.get<Row>("SELECT cid, rev, ended_by FROM attestation WHERE uri = ?", uri);
      return row && { cid: row.cid, rev: row.rev, endedBy: row.ended_by };
    },
    active(): StoredAttestation[] {
      return db
        .all<Row>("SELECT * FROM attestation WHERE ended_at IS NULL ORDER BY domain, did")
        .map(fromRow);
    },
    byDid(did: string): StoredAttestation[] {
      return db
        .all<Row>("SELECT * FROM attestation WHERE did = ? ORDER BY domain, collection", did)
        .map(fromRow);
    },
    byDomain(domain: string): StoredAttestation[] {
      return db
        .all<Row>("SELECT * FROM attestation WHERE domain = ? ORDER BY did, collection", domain)
        .map(fromRow);
    },
    countActive(did: string): number {
      const sql = "SELECT count(*) AS n FROM attestation WHERE did = ? AND ended_at IS NULL";
      return db.get<{ n: number }>(sql, did)?.n ?? 0;
    },

    /** The newest revision at which anything of an account was proved. */
    latestRev(did: string): string | undefined {
      const sql = "SELECT max(rev) AS rev FROM attestation WHERE did = ?";
      return db.get<{ rev: string | null }>(sql, did)?.rev ?? undefined;
    },
    /** Forgets the account: it was deleted. */
    purge(did: string): void {
      db.run("DELETE FROM attestation WHERE did = ?", did);
    },
    /** Forgets the oldest of the ended attestations of an account, so that no account can make us keep many. */
    forgetOldEnded(did: string): void {
      db.run(
        `DELETE FROM attestation WHERE uri IN (SELECT uri FROM attestation WHERE did = ? AND ended_at IS NOT NULL
           ORDER BY rev DESC, uri LIMIT -1 OFFSET ?)`,
        did,
        MAX_ENDED_PER_DID,
      );
    },

    /** A new version of a record: what was observed of an earlier one says nothing about it. */
    put(
      hint: Hint,
      facts: { domain: string; cid: string; record: AttestationRecord; rev: string; now: number },
    ): void {
      db.run(
        `INSERT INTO attestation (uri, did, domain, collection, rkey, cid, record, rev, indexed_at, proved_at,
           summary, failures, next_check_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'unknown', 0, ?)
         ON CONFLICT (uri) DO UPDATE SET domain = excluded.domain, cid = excluded.cid, record = excluded.record,
           rev = excluded.rev, indexed_at = excluded.indexed_at, proved_at = excluded.proved_at, ended_at = NULL,
           ended_by = NULL, summary = 'unknown', failures = 0, failing_since = NULL, checked_at = NULL,
           next_check_at = excluded.next_check_at`,
        hintUri(hint),
        hint.did,
        facts.domain,
        hint.collection,
        hint.rkey,
        facts.cid,
        lexStringify(facts.record),
        facts.rev,
        facts.now,
        facts.now,
        facts.now,
      );
    },
    /** The same version was proved again. */
    touch(uri: string, rev: string, now: number): void {
      db.run("UPDATE attestation SET rev = max(rev, ?), proved_at = ? WHERE uri = ?", rev, now, uri);
    },
    end(uri: string, by: "record" | "account", rev: string | undefined, now: number): void {
      db.transaction(() => {
        const live = db.get<{ uri: string; did: string; domain: string }>(
          "SELECT uri, did, domain FROM attestation WHERE uri = ? AND ended_at IS NULL",
          uri,
        );
        markEnded(uri, by, rev, now);
        if (live === undefined) return;
        const other = db.get(
          "SELECT 1 FROM attestation WHERE did = ? AND domain = ? AND ended_at IS NULL",
          live.did,
          live.domain,
        );
        if (other === undefined) onEnded?.(live);
      });
    },

    dueForCheck(now: number, limit: number): StoredAttestation[] {
      const sql = `SELECT * FROM attestation WHERE ended_at IS NULL AND next_check_at <= ? ORDER BY next_check_at LIMIT ?`;
      return db.all<Row>(sql, now, limit).map(fromRow);
    },
    dueForProof(before: number, limit: number): Hint[] {
      const sql = `SELECT * FROM attestation WHERE ended_at IS NULL AND proved_at <= ?
        AND uri NOT IN (SELECT uri FROM attestation_retry) ORDER BY proved_at LIMIT ?`;
      return db.all<Row>(sql, before, limit).map((row) => fromRow(row).hint);
    },
    /** False when the record changed or ended meanwhile: the result is then about something else. */
    putChecks(
      uri: string,
      cid: string,
      results: CheckResult[],
      state: CheckState,
      checkedAt: number | null,
    ): boolean {
      const { changes } = db.run(
        `UPDATE attestation SET summary = ?, failures = ?, failing_since = ?, next_check_at = ?,
           checked_at = coalesce(?, checked_at) WHERE uri = ? AND cid = ? AND ended_at IS NULL`,
        state.summary,
        state.failures,
        state.failingSince,
        state.nextCheckAt,
        checkedAt,
        uri,
        cid,
      );
      if (changes === 0) return false;
      db.run("DELETE FROM attestation_check WHERE uri = ?", uri);
      for (const { check, status, findings, at } of results) {
        db.run(
          "INSERT OR REPLACE INTO attestation_check (uri, name, status, findings, at) VALUES (?, ?, ?, ?, ?)",
          uri,
          check,
          status,
          JSON.stringify(findings),
          at,
        );
      }
      return true;
    },

    /** Verified domains whose servers nobody has looked at, or not for long. */
    dueForProbe(now: number, limit: number): StoredAttestation[] {
      const sql = `SELECT a.* FROM attestation a LEFT JOIN attestation_probe p ON p.uri = a.uri
        WHERE a.ended_at IS NULL AND a.summary = 'verified' AND coalesce(p.next_at, 0) <= ?
        ORDER BY coalesce(p.next_at, 0), a.uri LIMIT ?`;
      return db.all<Row>(sql, now, limit).map(fromRow);
    },
    putProbes(uri: string, results: CheckResult[], at: number, nextAt: number): void {
      db.run(
        `INSERT OR REPLACE INTO attestation_probe (uri, results, at, next_at)
           SELECT uri, ?, ?, ? FROM attestation WHERE uri = ?`,
        JSON.stringify(results),
        at,
        nextAt,
        uri,
      );
    },
    /** What was seen at the servers, unless that was before `since`. */
    probes(uri: string, since: number): CheckResult[] {
      const sql = "SELECT results FROM attestation_probe WHERE uri = ? AND at >= ?";
      const row = db.get<{ results: string }>(sql, uri, since);
      return row ? (JSON.parse(row.results) as CheckResult[]) : [];
    },
    checks(uri: string): CheckResult[] {
      type CheckRow = { name: CheckName; status: CheckStatus; findings: string; at: number };
      return db
        .all<CheckRow>(
          "SELECT name, status, findings, at FROM attestation_check WHERE uri = ? ORDER BY name",
          uri,
        )
        .map((r) => ({
          check: r.name,
          status: r.status,
          findings: JSON.parse(r.findings) as Finding[],
          at: r.at,
        }));
    },
  };
}

function fromRow(row: Row): StoredAttestation {
  return {
    facts: {
      uri: row.uri,
      cid: row.cid,
      did: row.did,
      domain: row.domain,
      collection: row.collection,
      record: JSON.parse(row.record) as AttestationRecord,
      rev: row.rev,
      indexedAt: row.indexed_at,
      provedAt: row.proved_at,
      endedAt: row.ended_at,
      summary: row.summary,
      failures: row.failures,
      checkedAt: row.checked_at,
    },
    hint: { did: row.did, collection: row.collection, rkey: row.rkey },
    state: {
      summary: row.summary,
      failures: row.failures,
      failingSince: row.failing_since,
      nextCheckAt: row.next_check_at,
    },
  };
}
