import type { Database } from "../platform/database.ts";
import type { Tier } from "../policy/index.ts";
import type { DomainRow, MemberRow } from "./schema.ts";

/** SQL of members and their domains. */
export function createMemberStore(db: Database) {
  return {
    transaction: <T>(work: () => T) => db.transaction(work),
    member: (did: string) => db.get<MemberRow>("SELECT * FROM member WHERE did = ?", did),
    members: () => db.all<MemberRow>("SELECT * FROM member ORDER BY name, did"),
    /** Writes all of a member; its handle stays what it was, and so does where mail to it goes. */
    putMember(row: MemberRow) {
      db.run(
        `INSERT INTO member (did, handle, name, tier, membership, joined_at, approved_at, left_at, left_by, left_reason,
           bounces, deleted_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (did) DO UPDATE SET name = excluded.name, tier = excluded.tier, membership = excluded.membership,
           joined_at = excluded.joined_at, approved_at = excluded.approved_at, left_at = excluded.left_at,
           left_by = excluded.left_by, left_reason = excluded.left_reason,
           deleted_at = excluded.deleted_at`,
        row.did,
        row.handle,
        row.name,
        row.tier,
        row.membership,
        row.joined_at,
        row.approved_at,
        row.left_at,
        row.left_by,
        row.left_reason,
        row.bounces,
        row.deleted_at,
      );
    },
    /** Everything of a member that says who it was, but for its DID. */
    forget: (did: string, at: number) =>
      db.run(
        `UPDATE member SET name = did, left_by = NULL, left_reason = NULL, bounces = 'nobody', replies = NULL, deleted_at = ?
         WHERE did = ?`,
        at,
        did,
      ),
    setBounces: (did: string, bounces: string) =>
      db.run("UPDATE member SET bounces = ? WHERE did = ?", bounces, did),
    setReplies: (did: string, replies: string | null) =>
      db.run("UPDATE member SET replies = ? WHERE did = ?", replies, did),
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
    /** With its keys: nobody can sign for it any more, and another member may hold it. */
    deleteDomains(did: string) {
      db.run("DELETE FROM dkim_key WHERE domain IN (SELECT name FROM domain WHERE did = ?)", did);
      db.run("DELETE FROM domain WHERE did = ?", did);
    },
    /** One of them, likewise. */
    deleteDomain(name: string) {
      db.run("DELETE FROM dkim_key WHERE domain = ?", name);
      db.run("DELETE FROM domain WHERE name = ?", name);
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
  };
}
