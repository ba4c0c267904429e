import type { Database } from "../platform/database.ts";
import type { DkimKeyRow, KeyState } from "./schema.ts";

/** SQL of DKIM keys. A private key is overwritten when it is no longer needed. */
export function createKeyStore(db: Database) {
  return {
    /** Every key that the domain has had and whose record may still stand, RSA before Ed25519. */
    keysOf: (domain: string) =>
      db.all<DkimKeyRow>(
        "SELECT * FROM dkim_key WHERE domain = ? AND gone_at IS NULL ORDER BY created_at, selector DESC",
        domain,
      ),
    /** Domains with a key that is to be looked at: one to come, one to go, or one that may be gone. */
    turning: () =>
      db
        .all<{ domain: string }>(
          "SELECT DISTINCT domain FROM dkim_key WHERE state <> 'active' AND gone_at IS NULL ORDER BY domain",
        )
        .map((row) => row.domain),
    insertKey(row: DkimKeyRow) {
      db.run(
        `INSERT INTO dkim_key (domain, selector, algorithm, txt, fingerprint, sealed, created_at, state, state_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        row.domain,
        row.selector,
        row.algorithm,
        row.txt,
        row.fingerprint,
        row.sealed,
        row.created_at,
        row.state,
        row.state_at,
      );
    },
    move: (domain: string, from: KeyState, to: KeyState, at: number) =>
      db.run(
        "UPDATE dkim_key SET state = ?, state_at = ? WHERE domain = ? AND state = ?",
        to,
        at,
        domain,
        from,
      ).changes > 0,
    setSeen: (domain: string, at: number | null) =>
      db.run("UPDATE dkim_key SET seen_at = ? WHERE domain = ? AND state = 'next'", at, domain),
    /** The old pairs whose last signature is older than `before` lose their private keys. */
    retire: (domain: string, before: number, at: number) =>
      db.run(
        `UPDATE dkim_key SET state = 'retired', state_at = ?, sealed = ''
         WHERE domain = ? AND state = 'retiring' AND state_at <= ?`,
        at,
        domain,
        before,
      ).changes > 0,
    setGone: (domain: string, selector: string, at: number) =>
      db.run(
        "UPDATE dkim_key SET gone_at = ? WHERE domain = ? AND selector = ? AND state = 'retired'",
        at,
        domain,
        selector,
      ),
    deleteNext: (domain: string) =>
      db.run("DELETE FROM dkim_key WHERE domain = ? AND state = 'next'", domain).changes > 0,
  };
}
