import type { Database } from "../platform/database.ts";
import type { CredentialRow } from "./schema.ts";

/** Networks that are remembered of a credential. */
const NETWORKS = 64;

/** SQL of credentials and of where they were used. */
export function createCredentialStore(db: Database) {
  return {
    credential: (id: string) => db.get<CredentialRow>("SELECT * FROM credential WHERE id = ?", id),
    /** Those in use first. */
    credentialsOf: (did: string) =>
      db.all<CredentialRow>(
        "SELECT * FROM credential WHERE did = ? ORDER BY revoked_at IS NOT NULL, created_at, id",
        did,
      ),
    insertCredential(row: CredentialRow) {
      db.run(
        `INSERT INTO credential (id, did, name, username, hash, secret_key, domains, streams, hourly, daily, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        row.id,
        row.did,
        row.name,
        row.username,
        row.hash,
        row.secret_key,
        row.domains,
        row.streams,
        row.hourly,
        row.daily,
        row.created_at,
      );
    },
    revokeCredential: (did: string, id: string, now: number, by: string) =>
      db.run(
        "UPDATE credential SET revoked_at = ?, revoked_by = ? WHERE id = ? AND did = ? AND revoked_at IS NULL",
        now,
        by,
        id,
        did,
      ).changes > 0,
    revokeAll: (did: string, now: number, by: string) =>
      db.run(
        "UPDATE credential SET revoked_at = ?, revoked_by = ? WHERE did = ? AND revoked_at IS NULL",
        now,
        by,
        did,
      ),
    setDomains: (id: string, domains: readonly string[]) =>
      db.run("UPDATE credential SET domains = ? WHERE id = ?", JSON.stringify(domains), id),
    setReplaced: (id: string, replacement: string | null, stolen: boolean) =>
      db.run(
        "UPDATE credential SET replaced_by = ?, stolen = ?, vouched = ? WHERE id = ?",
        replacement,
        stolen ? 1 : 0,
        stolen ? 0 : 1,
        id,
      ),
    vouchFor: (did: string, id: string) =>
      db.run(
        `UPDATE credential SET vouched = 1
         WHERE id = ? AND did = ? AND revoked_at IS NOT NULL AND stolen = 0 AND vouched = 0`,
        id,
        did,
      ).changes > 0,
    markStolen: (did: string, id: string) =>
      db.run(
        "UPDATE credential SET stolen = 1, vouched = 0 WHERE id = ? AND did = ? AND revoked_at IS NOT NULL AND stolen = 0",
        id,
        did,
      ).changes > 0,
    setUsed: (id: string, at: number, address: string) =>
      db.run(
        "UPDATE credential SET last_used_at = ?1, last_address = ?2 WHERE id = ?3 AND coalesce(last_used_at, 0) <= ?1",
        at,
        address,
        id,
      ),
    /** Every one of a member, with where it was used from. */
    forget(did: string) {
      db.run(
        "DELETE FROM credential_network WHERE credential IN (SELECT id FROM credential WHERE did = ?)",
        did,
      );
      db.run("DELETE FROM credential WHERE did = ?", did);
    },
    networks: (id: string) =>
      db.all<{ network: string; last_at: number }>(
        "SELECT network, last_at FROM credential_network WHERE credential = ? ORDER BY last_at DESC, network",
        id,
      ),
    /** Remembers a network; of many the latest. */
    putNetwork(id: string, network: string, at: number) {
      db.run(
        `INSERT INTO credential_network (credential, network, last_at) VALUES (?, ?, ?)
         ON CONFLICT (credential, network) DO UPDATE SET last_at = max(last_at, excluded.last_at)`,
        id,
        network,
        at,
      );
      db.run(
        `DELETE FROM credential_network WHERE credential = ?1 AND network NOT IN (
           SELECT network FROM credential_network WHERE credential = ?1 ORDER BY last_at DESC LIMIT ?2)`,
        id,
        NETWORKS,
      );
    },
  };
}
