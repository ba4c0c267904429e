import type { Database } from "../platform/database.ts";

/** `issuedAt`, `goodAt`: ms since the epoch; `goodAt`: when the list was last seen to say what is known. */
export type PublicationState = { serial: number; issuedAt: number; zoneSerial: number; goodAt: number };

/** What lapsed since this instant (ms) stays listed; `Infinity` when nothing is held. */
export type HeldSince = number;

const NOT_HELD = "NOT (lapsed = 1 AND since > ?)";
const PAGE = `key > ? AND key <= ? AND ${NOT_HELD}`;
const instant = (at: HeldSince) => Math.min(at, Number.MAX_SAFE_INTEGER);

/** How the list as it is published follows the list as it should be: `pending` says where the two differ. */
export function changesIn(db: Database) {
  return {
    /** Entries that would go although nobody took them back; `recent`: those that lapsed after `since` (ms). */
    countLapsed: (since: number): { all: number; recent: number } =>
      db.get(
        "SELECT count(*) AS 'all', count(*) FILTER (WHERE since > ?) AS recent FROM pending WHERE lapsed = 1",
        since,
      )!,
    /** Whether a change would show in the zones. */
    shows: (held: HeldSince): boolean =>
      db.get(`SELECT 1 FROM pending WHERE shows = 1 AND ${NOT_HELD} LIMIT 1`, instant(held)) !== undefined,
    /**
     * Takes some changes past `after` into the list, in order, and notes those that show. Returns the last of them;
     * undefined when there are no more. `at` in ms.
     */
    acceptAfter(
      after: string,
      limit: number,
      held: HeldSince,
      serial: number,
      at: number,
    ): string | undefined {
      const { last } = db.get<{ last: string | null }>(
        `SELECT max(key) AS last FROM
           (SELECT key FROM pending WHERE key > ? AND ${NOT_HELD} ORDER BY key LIMIT ?)`,
        after,
        instant(held),
        limit,
      )!;
      if (last === null) return undefined;
      const page = [after, last, instant(held)];
      db.run(
        `INSERT INTO history (key, did, serial, at, change, code, json)
         SELECT key, coalesce(w.did, l.did), ?, ?,
           CASE WHEN w.did IS NULL THEN 'removed' WHEN l.did IS NULL THEN 'added' ELSE 'changed' END,
           coalesce(w.code, l.code), w.json
         FROM pending LEFT JOIN wanted AS w USING (key) LEFT JOIN listed AS l USING (key)
         WHERE shows = 1 AND ${PAGE} ORDER BY key`,
        serial,
        at,
        ...page,
      );
      db.run(
        `INSERT OR REPLACE INTO listed (key, did, code, text, json)
         SELECT key, did, code, text, json FROM pending JOIN wanted USING (key) WHERE ${PAGE} ORDER BY key`,
        ...page,
      );
      db.run(
        `DELETE FROM listed WHERE key IN
           (SELECT key FROM pending WHERE ${PAGE} AND key NOT IN (SELECT key FROM wanted))`,
        ...page,
      );
      db.run(`DELETE FROM pending WHERE ${PAGE}`, ...page);
      return last;
    },

    publication(): PublicationState {
      const row = db.get<{ serial: number; issued_at: number; zone_serial: number; good_at: number }>(
        "SELECT serial, issued_at, zone_serial, good_at FROM publication",
      )!;
      return {
        serial: row.serial,
        issuedAt: row.issued_at,
        zoneSerial: row.zone_serial,
        goodAt: row.good_at,
      };
    },
    putPublication({ serial, issuedAt, zoneSerial, goodAt }: PublicationState): void {
      db.run(
        "UPDATE publication SET serial = ?, issued_at = ?, zone_serial = ?, good_at = ?",
        serial,
        issuedAt,
        zoneSerial,
        goodAt,
      );
    },
  };
}
