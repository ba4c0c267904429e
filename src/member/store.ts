import type { Database, Migration } from "../platform/database.ts";
import type { Tier } from "../policy/index.ts";

export const memberMigration: Migration = {
  module: "member",
  steps: [
    `CREATE TABLE member (
       did TEXT PRIMARY KEY, handle TEXT NOT NULL UNIQUE, name TEXT NOT NULL, tier TEXT NOT NULL,
       joined_at INTEGER NOT NULL, left_at INTEGER
     ) STRICT;
     CREATE TABLE domain (
       name TEXT PRIMARY KEY, did TEXT NOT NULL REFERENCES member, status TEXT NOT NULL,
       return_path TEXT, added_at INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX domain_did ON domain (did);
     CREATE TABLE dkim_key (
       domain TEXT NOT NULL REFERENCES domain, selector TEXT NOT NULL, algorithm TEXT NOT NULL,
       txt TEXT NOT NULL, fingerprint TEXT NOT NULL, sealed TEXT NOT NULL, created_at INTEGER NOT NULL,
       PRIMARY KEY (domain, selector)
     ) STRICT;
     CREATE TABLE credential (
       id TEXT PRIMARY KEY, did TEXT NOT NULL REFERENCES member, username TEXT NOT NULL UNIQUE, hash TEXT NOT NULL,
       domains TEXT NOT NULL, created_at INTEGER NOT NULL, revoked_at INTEGER
     ) STRICT;
     CREATE INDEX credential_did ON credential (did);`,
  ],
};

export type MemberRow = {
  did: string;
  handle: string;
  name: string;
  tier: Tier;
  joined_at: number;
  left_at: number | null;
};
export type DomainRow = {
  name: string;
  did: string;
  status: "active" | "held";
  return_path: string | null;
  added_at: number;
};
export type DkimKeyRow = {
  domain: string;
  selector: string;
  algorithm: "rsa" | "ed25519";
  txt: string;
  fingerprint: string;
  sealed: string;
};
export type CredentialRow = {
  id: string;
  did: string;
  username: string;
  hash: string;
  /** JSON list. */
  domains: string;
  created_at: number;
  revoked_at: number | null;
};

export function createMemberStore(db: Database) {
  return {
    transaction: <T>(work: () => T) => db.transaction(work),
    member: (did: string) => db.get<MemberRow>("SELECT * FROM member WHERE did = ?", did),
    members: () => db.all<MemberRow>("SELECT * FROM member ORDER BY name, did"),
    insertMember(row: MemberRow) {
      db.run(
        "INSERT INTO member (did, handle, name, tier, joined_at, left_at) VALUES (?, ?, ?, ?, ?, ?)",
        row.did,
        row.handle,
        row.name,
        row.tier,
        row.joined_at,
        row.left_at,
      );
    },
    setTier: (did: string, tier: Tier) => db.run("UPDATE member SET tier = ? WHERE did = ?", tier, did),
    domain: (name: string) => db.get<DomainRow>("SELECT * FROM domain WHERE name = ?", name),
    domainsOf: (did: string) =>
      db.all<DomainRow>("SELECT * FROM domain WHERE did = ? ORDER BY added_at, name", did),
    /** A domain of another member that `name` is under, or that is under it. */
    overlapping(name: string, did: string): DomainRow | undefined {
      const labels = name.split(".");
      const above = labels.map((_, i) => labels.slice(i).join("."));
      return db.get<DomainRow>(
        `SELECT * FROM domain WHERE did <> ?1
           AND (name IN (SELECT value FROM json_each(?2)) OR substr(name, -length(?3)) = ?3) LIMIT 1`,
        did,
        JSON.stringify(above),
        `.${name}`,
      );
    },
    insertDomain(row: DomainRow) {
      db.run(
        "INSERT INTO domain (name, did, status, return_path, added_at) VALUES (?, ?, ?, ?, ?)",
        row.name,
        row.did,
        row.status,
        row.return_path,
        row.added_at,
      );
    },
    setDomainStatus: (name: string, status: DomainRow["status"]) =>
      db.run("UPDATE domain SET status = ? WHERE name = ? AND status <> ?", status, name, status).changes > 0,
    setReturnPath: (name: string, returnPath: string | null) =>
      db.run(
        "UPDATE domain SET return_path = ? WHERE name = ? AND return_path IS NOT ?",
        returnPath,
        name,
        returnPath,
      ).changes > 0,
    keysOf: (domain: string) =>
      db.all<DkimKeyRow>("SELECT * FROM dkim_key WHERE domain = ? ORDER BY selector DESC", domain),
    insertKey(row: DkimKeyRow, now: number) {
      db.run(
        "INSERT INTO dkim_key (domain, selector, algorithm, txt, fingerprint, sealed, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        row.domain,
        row.selector,
        row.algorithm,
        row.txt,
        row.fingerprint,
        row.sealed,
        now,
      );
    },
    credentialsOf: (did: string) =>
      db.all<CredentialRow>("SELECT * FROM credential WHERE did = ? ORDER BY created_at, id", did),
    insertCredential(row: CredentialRow) {
      db.run(
        "INSERT INTO credential (id, did, username, hash, domains, created_at, revoked_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        row.id,
        row.did,
        row.username,
        row.hash,
        row.domains,
        row.created_at,
        row.revoked_at,
      );
    },
    revokeCredential: (id: string, now: number) =>
      db.run("UPDATE credential SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", now, id).changes > 0,
  };
}
