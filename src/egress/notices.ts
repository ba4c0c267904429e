import type { Database, Migration } from "../platform/database.ts";
import type { EgressNotice } from "./types.ts";

/** The topic on which relay nodes tell core what becomes of their addresses, keyed by address. */
export const EGRESS_TOPIC = "egress";

export const egressNoticeMigration: Migration = {
  module: "egress-notice",
  steps: [
    `CREATE TABLE egress_notice (
       id INTEGER PRIMARY KEY, address TEXT NOT NULL, ehlo TEXT NOT NULL,
       change TEXT NOT NULL, why TEXT NOT NULL, at INTEGER NOT NULL
     ) STRICT;`,
  ],
};

const KEPT = 200;

export interface EgressNotices {
  add(notice: EgressNotice): void;
  /** The newest first. */
  latest(most: number): EgressNotice[];
}

/** What the committee is told of the addresses of all nodes; core keeps it. */
export function createEgressNotices(db: Database): EgressNotices {
  return {
    add({ address, ehlo, change, why, at }) {
      const { lastInsertRowid } = db.run(
        "INSERT INTO egress_notice (address, ehlo, change, why, at) VALUES (?, ?, ?, ?, ?)",
        address,
        ehlo,
        change,
        why,
        at,
      );
      db.run("DELETE FROM egress_notice WHERE id <= ?", lastInsertRowid - KEPT);
    },
    latest: (most) =>
      db.all<EgressNotice>(
        "SELECT address, ehlo, change, why, at FROM egress_notice ORDER BY id DESC LIMIT ?",
        most,
      ),
  };
}
