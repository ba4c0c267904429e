import type { Database } from "../platform/database.ts";
import { hintUri, type Hint } from "./store.ts";

/** Hints put aside at once: a bound on what unreachable hosts can make us remember. */
const MAX_RETRIES = 10_000;
/** Of them, those of one account. */
const MAX_RETRIES_PER_DID = 50;

/** How far a sweep of one collection at one host has come. */
export type SweepState = { cursor: string | null; finishedAt: number | null };

export type Progress = ReturnType<typeof createProgress>;

/** What intake has still to do, and how far it has come at each source. */
export function createProgress(db: Database) {
  const count = (sql: string, ...values: string[]) => db.get<{ n: number }>(sql, ...values)?.n ?? 0;
  return {
    /** False when it is one too many. */
    retryLater(hint: Hint, nextAt: (attempts: number) => number): boolean {
      const uri = hintUri(hint);
      const row = db.get<{ attempts: number }>("SELECT attempts FROM attestation_retry WHERE uri = ?", uri);
      if (!row) {
        const ofDid = count("SELECT count(*) AS n FROM attestation_retry WHERE did = ?", hint.did);
        if (ofDid >= MAX_RETRIES_PER_DID) return false;
        if (count("SELECT count(*) AS n FROM attestation_retry") >= MAX_RETRIES) return false;
      }
      const attempts = (row?.attempts ?? 0) + 1;
      db.run(
        "INSERT OR REPLACE INTO attestation_retry (uri, did, collection, rkey, attempts, next_at) VALUES (?, ?, ?, ?, ?, ?)",
        uri,
        hint.did,
        hint.collection,
        hint.rkey,
        attempts,
        nextAt(attempts),
      );
      return true;
    },
    retryAttempts(uri: string): number {
      const sql = "SELECT attempts FROM attestation_retry WHERE uri = ?";
      return db.get<{ attempts: number }>(sql, uri)?.attempts ?? 0;
    },
    dropRetry(uri: string): void {
      db.run("DELETE FROM attestation_retry WHERE uri = ?", uri);
    },
    dropRetriesOf(did: string): void {
      db.run("DELETE FROM attestation_retry WHERE did = ?", did);
    },
    retriesDue(now: number, limit: number): Hint[] {
      const sql =
        "SELECT did, collection, rkey FROM attestation_retry WHERE next_at <= ? ORDER BY next_at LIMIT ?";
      return db.all<Hint>(sql, now, limit);
    },

    /** The position at a source whose messages up to it have all been followed. */
    positions: {
      get(source: string): number | undefined {
        return db.get<{ seq: number }>("SELECT seq FROM attestation_cursor WHERE host = ?", source)?.seq;
      },
      save(source: string, position: number): void {
        db.run("INSERT OR REPLACE INTO attestation_cursor (host, seq) VALUES (?, ?)", source, position);
      },
      clear(source: string): void {
        db.run("DELETE FROM attestation_cursor WHERE host = ?", source);
      },
    },

    sweep(host: string, collection: string): SweepState {
      const sql = `SELECT cursor, finished_at AS "finishedAt" FROM attestation_sweep WHERE host = ? AND collection = ?`;
      return db.get<SweepState>(sql, host, collection) ?? { cursor: null, finishedAt: null };
    },
    saveSweep(host: string, collection: string, state: SweepState): void {
      db.run(
        "INSERT OR REPLACE INTO attestation_sweep (host, collection, cursor, finished_at) VALUES (?, ?, ?, ?)",
        host,
        collection,
        state.cursor,
        state.finishedAt,
      );
    },
    /** All of them are due again. */
    clearSweeps(): void {
      db.run("DELETE FROM attestation_sweep");
    },
  };
}
