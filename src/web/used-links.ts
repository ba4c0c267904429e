import type { Database, Migration } from "../platform/database.ts";

export const usedLinksMigration: Migration = {
  module: "access-link",
  steps: [
    `CREATE TABLE access_link_used (
       nonce TEXT PRIMARY KEY, used_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;`,
  ],
};

/** Which access links have opened their one session. Times in ms since the epoch. */
export type UsedLinks = {
  /** When the link was used; undefined: it was not. */
  usedAt(nonce: string): number | undefined;
  /** Uses the link. When it was used before, that time, and nothing changes. */
  use(nonce: string, expiresAt: number, now: number): number | undefined;
};

/** A clock that is set back by less makes no link new. */
const REMEMBERED_MS = 7 * 86_400_000;

/** Each is remembered for as long as its link could count as not expired. */
export function createUsedLinks(db: Database): UsedLinks {
  const usedAt = (nonce: string) =>
    db.get<{ at: number }>("SELECT used_at AS at FROM access_link_used WHERE nonce = ?", nonce)?.at;
  return {
    usedAt,
    use: (nonce, expiresAt, now) =>
      db.transaction(() => {
        const before = usedAt(nonce);
        if (before !== undefined) return before;
        db.run("DELETE FROM access_link_used WHERE expires_at <= ?", now - REMEMBERED_MS);
        db.run(
          "INSERT INTO access_link_used (nonce, used_at, expires_at) VALUES (?, ?, ?)",
          nonce,
          now,
          expiresAt,
        );
        return undefined;
      }),
  };
}
