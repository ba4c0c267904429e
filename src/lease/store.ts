import type { Database, Migration } from "../platform/database.ts";
import { BUCKET_NAMES } from "../policy/index.ts";
import { NEW_SHARE, type MasterState, type NodeShare } from "./master.ts";

/** Of core: what was taken of each member's limits over the pool, and what each node has of it. */
export const leaseMigration: Migration = {
  module: "lease",
  steps: [
    `CREATE TABLE lease_bucket (
       did TEXT NOT NULL, bucket TEXT NOT NULL, tat REAL NOT NULL, PRIMARY KEY (did, bucket)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE lease_share (
       did TEXT NOT NULL, node TEXT NOT NULL, origin TEXT NOT NULL, id INTEGER NOT NULL, up_to INTEGER NOT NULL, out INTEGER NOT NULL,
       at INTEGER NOT NULL, PRIMARY KEY (did, node)
     ) STRICT, WITHOUT ROWID;`,
  ],
};

/** Longer than any bucket is ahead: what is older says nothing. */
const KEPT_MS = 3 * 86_400_000;

export type LeaseStore = ReturnType<typeof createLeaseStore>;

export function createLeaseStore(db: Database) {
  return {
    state(did: string): MasterState {
      const rows = db.all<{ bucket: string; tat: number }>(
        "SELECT bucket, tat FROM lease_bucket WHERE did = ?",
        did,
      );
      return Object.fromEntries(rows.map(({ bucket, tat }) => [bucket, tat]));
    },
    share(did: string, node: string): NodeShare {
      const row = db.get<{ origin: string; id: number; up_to: number; out: number }>(
        "SELECT origin, id, up_to, out FROM lease_share WHERE did = ? AND node = ?",
        did,
        node,
      );
      return row ? { origin: row.origin, id: row.id, upTo: row.up_to, out: row.out } : NEW_SHARE;
    },
    save(
      did: string,
      node: string,
      { state, share }: { state: MasterState; share: NodeShare },
      at: number,
    ): void {
      for (const bucket of BUCKET_NAMES)
        if (state[bucket] !== undefined)
          db.run(
            "INSERT OR REPLACE INTO lease_bucket (did, bucket, tat) VALUES (?, ?, ?)",
            did,
            bucket,
            state[bucket],
          );
      db.run(
        "INSERT OR REPLACE INTO lease_share (did, node, origin, id, up_to, out, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        did,
        node,
        share.origin,
        share.id,
        share.upTo,
        share.out,
        at,
      );
    },
    /** A member is forgotten. */
    forget(did: string): void {
      db.run("DELETE FROM lease_bucket WHERE did = ?", did);
      db.run("DELETE FROM lease_share WHERE did = ?", did);
    },
    prune(now: number): void {
      db.run("DELETE FROM lease_bucket WHERE tat < ?", now);
      db.run("DELETE FROM lease_share WHERE at < ?", now - KEPT_MS);
    },
  };
}
