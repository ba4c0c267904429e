import type { Database } from "../platform/database.ts";
import type { Growth, Lapsed } from "./guard.ts";

/** `issuedAt`, `goodAt`: ms since the epoch; `goodAt`: when the list was last seen to say what is known. */
export type PublicationState = { serial: number; issuedAt: number; zoneSerial: number; goodAt: number };

/** What guards hold: what lapsed after an instant, and new entries beyond so many. Null: nothing. */
export type Hold = { lapsedAfter: number | null; additionsBeyond: number | null };

const PAGE = "key > ? AND key <= ? AND waits = 0";
/** New entries that no person has released. */
const ADDED = "adds = 1 AND since > (SELECT released_at FROM publication)";

/** How the list as it is published follows the list as it should be: `pending` says where the two differ. */
export function changesIn(db: Database) {
  return {
    /** Entries that would go although nobody took them back; `recent`: those that lapsed after `since` (ms). */
    countLapsed: (since: number): Lapsed =>
      db.get<Lapsed>(
        "SELECT count(*) AS 'all', count(*) FILTER (WHERE since > ?) AS recent FROM pending WHERE lapsed = 1",
        since,
      )!,
    /** New entries that would come. */
    countAdditions: (): number =>
      db.get<{ n: number }>(`SELECT count(*) AS n FROM pending WHERE ${ADDED}`)!.n,
    /** New entries that wait since the last publication. */
    countWaiting: (): number =>
      db.get<{ n: number }>("SELECT count(*) AS n FROM pending WHERE waits = 1 AND adds = 1")!.n,
    /** What is held is not accepted until it is held no more; of new entries the first to come are not. */
    hold({ lapsedAfter, additionsBeyond }: Hold): void {
      db.run("UPDATE pending SET waits = 0 WHERE waits = 1");
      if (lapsedAfter !== null)
        db.run("UPDATE pending SET waits = 1 WHERE lapsed = 1 AND since > ?", lapsedAfter);
      if (additionsBeyond !== null)
        db.run(
          `UPDATE pending SET waits = 1 WHERE ${ADDED} AND key NOT IN
             (SELECT key FROM pending WHERE ${ADDED} ORDER BY since, key LIMIT ?)`,
          additionsBeyond,
        );
    },
    growth(): Growth {
      const row = db.get<{ grown: number; grown_at: number }>("SELECT grown, grown_at FROM publication")!;
      return { grown: row.grown, at: row.grown_at };
    },
    putGrowth: ({ grown, at }: Growth) =>
      void db.run("UPDATE publication SET grown = ?, grown_at = ?", grown, at),
    /** All that waits may come: a person has looked at it. `at` in ms. */
    release: (at: number) => void db.run("UPDATE publication SET released_at = ?", at),

    /** Whether a change would show in the zones. */
    shows: (): boolean => db.get("SELECT 1 FROM pending WHERE shows = 1 AND waits = 0 LIMIT 1") !== undefined,
    /**
     * Takes some changes past `after` into the list, in order, and notes those that show. Returns the last of them;
     * undefined when there are no more. `at` in ms.
     */
    acceptAfter(after: string, limit: number, serial: number, at: number): string | undefined {
      const { last } = db.get<{ last: string | null }>(
        `SELECT max(key) AS last FROM
           (SELECT key FROM pending WHERE key > ? AND waits = 0 ORDER BY key LIMIT ?)`,
        after,
        limit,
      )!;
      if (last === null) return undefined;
      db.run(
        `INSERT INTO history (key, did, serial, at, change, code, json)
         SELECT key, coalesce(w.did, l.did), ?, ?,
           CASE WHEN w.did IS NULL THEN 'removed' WHEN l.did IS NULL THEN 'added' ELSE 'changed' END,
           coalesce(w.code, l.code), w.json
         FROM pending LEFT JOIN wanted AS w USING (key) LEFT JOIN listed AS l USING (key)
         WHERE shows = 1 AND ${PAGE} ORDER BY key`,
        serial,
        at,
        after,
        last,
      );
      db.run(
        `INSERT OR REPLACE INTO listed (key, did, code, text, json)
         SELECT key, did, code, text, json FROM pending JOIN wanted USING (key) WHERE ${PAGE} ORDER BY key`,
        after,
        last,
      );
      db.run(
        `DELETE FROM listed WHERE key IN
           (SELECT key FROM pending WHERE ${PAGE} AND key NOT IN (SELECT key FROM wanted))`,
        after,
        last,
      );
      db.run(`DELETE FROM pending WHERE ${PAGE}`, after, last);
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
