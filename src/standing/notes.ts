import { createHash } from "node:crypto";
import type { Database, Migration } from "../platform/database.ts";

/**
 * Private records about members, shaped like atproto's permissioned spaces so that they can move there: one space per
 * member, whose readers are that member and the committee; records addressed by author, collection and rkey; an
 * operation log by revision.
 */
export const noteMigration: Migration = {
  module: "note",
  steps: [
    `CREATE TABLE note (
       rev INTEGER PRIMARY KEY AUTOINCREMENT, space_type TEXT NOT NULL, skey TEXT NOT NULL, author TEXT NOT NULL,
       collection TEXT NOT NULL, rkey TEXT NOT NULL, digest TEXT NOT NULL, record TEXT NOT NULL, at INTEGER NOT NULL,
       UNIQUE (space_type, skey, author, collection, rkey)
     ) STRICT;
     CREATE INDEX note_space ON note (space_type, skey, rev);`,
  ],
};

const MEMBER_SPACE = "community.email.memberSpace";
const NOTE_COLLECTION = "community.email.note";

export type Note = { rkey: string; at: number; kind: "standing" | "notice"; title: string; body: string };

export type Notes = ReturnType<typeof createNotes>;

export function createNotes(db: Database, authority: string) {
  return {
    /** Writes to the member's space; the same rkey again is the same note. */
    put(did: string, note: Note): void {
      const record = JSON.stringify({
        $type: NOTE_COLLECTION,
        kind: note.kind,
        title: note.title,
        body: note.body,
      });
      db.run(
        `INSERT INTO note (space_type, skey, author, collection, rkey, digest, record, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
        MEMBER_SPACE,
        did,
        authority,
        NOTE_COLLECTION,
        note.rkey,
        createHash("sha256").update(record).digest("base64url"),
        record,
        note.at,
      );
    },
    /** Drops everything that was written to a member. */
    forget: (did: string): void =>
      void db.run("DELETE FROM note WHERE space_type = ? AND skey = ?", MEMBER_SPACE, did),
    /** Drops what was written before, at most `limit`; returns how many. */
    prune: (before: number, limit: number): number =>
      db.run(
        `DELETE FROM note WHERE rev IN
           (SELECT rev FROM (SELECT rev, at FROM note ORDER BY rev LIMIT ?) WHERE at < ?)`,
        limit,
        before,
      ).changes,
    list(did: string, limit = 50): Note[] {
      return db
        .all<{ rkey: string; record: string; at: number }>(
          "SELECT rkey, record, at FROM note WHERE space_type = ? AND skey = ? AND collection = ? ORDER BY rev DESC LIMIT ?",
          MEMBER_SPACE,
          did,
          NOTE_COLLECTION,
          limit,
        )
        .map((row) => ({
          ...(JSON.parse(row.record) as Omit<Note, "rkey" | "at">),
          rkey: row.rkey,
          at: row.at,
        }));
    },
  };
}

export type Viewer = { role: "committee" } | { role: "member"; did: string };

/** Who may read a member's space: that member and the committee. */
export function canRead(viewer: Viewer | undefined, did: string): boolean {
  return viewer !== undefined && (viewer.role === "committee" || viewer.did === did);
}
