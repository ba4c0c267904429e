import { DAY_MS } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";

/**
 * Kept for `days` of a table in `unit` of ms. `key` is its primary key, which begins with the member: so what is old is
 * found member by member, and no event pays for an index by time.
 */
const OF_MEMBERS = [
  { table: "outcome", key: "member, at, key", time: "at", unit: 1 },
  { table: "handed_in", key: "member, sent_at, message", time: "sent_at", unit: 1 },
  { table: "handed_in_day", key: "member, credential, day", time: "day", unit: DAY_MS },
  { table: "complaint", key: "member, message, complainant", time: "at", unit: 1 },
  { table: "domain_check", key: "member, domain, at, key", time: "at", unit: 1 },
  { table: "pause_fact", key: "member, credential, at, cause", time: "ended", unit: 1 },
] as const;

const MEMBERS_AT_ONCE = 100;

/** A slice: so many members of one table, or so many rows. It begins where the last one ended. */
export function createPruning(db: Database) {
  let place = { table: 0, member: 0 };

  /** What is no member's, once all members were looked at. */
  function dropRest(before: number, daysBefore: number, limit: number): number {
    const day = new Date(before).toISOString().slice(0, 10);
    return (
      db.run(
        `DELETE FROM incident_instant WHERE (provider, at) IN
           (SELECT provider, at FROM incident_instant WHERE at < ? LIMIT ?)`,
        before,
        limit,
      ).changes +
      db.run(
        `DELETE FROM provider_figure WHERE (provider, kind, subject, day, revision) IN
           (SELECT provider, kind, subject, day, revision FROM provider_figure WHERE day < ? ORDER BY day LIMIT ?)`,
        day,
        limit,
      ).changes +
      db.run(
        `DELETE FROM volume WHERE (did, day, provider) IN
           (SELECT did, day, provider FROM volume WHERE day < ? ORDER BY day LIMIT ?)`,
        daysBefore,
        limit,
      ).changes
    );
  }

  /**
   * Drops facts from before `before`, and sums of days from before `daysBefore` (ms), at most `limit` rows. False: there is
   * no more, and the next call begins anew.
   */
  return (before: number, daysBefore: number, limit: number): boolean =>
    db.transaction(() => {
      const at = OF_MEMBERS[place.table];
      if (!at) {
        const dropped = dropRest(before, Math.floor(daysBefore / DAY_MS), limit);
        if (dropped > 0) return true;
        place = { table: 0, member: 0 };
        return false;
      }
      const { table, key, time, unit } = at;
      const members = db.all<{ id: number }>(
        "SELECT id FROM evidence_member WHERE id > ? ORDER BY id LIMIT ?",
        place.member,
        MEMBERS_AT_ONCE,
      );
      let left = limit;
      for (const { id } of members) {
        left -= db.run(
          `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE member = ? AND ${time} < ? LIMIT ?)`,
          id,
          Math.floor(before / unit),
          left,
        ).changes;
        if (left === 0) return true;
        place = { ...place, member: id };
      }
      if (members.length < MEMBERS_AT_ONCE) place = { table: place.table + 1, member: 0 };
      return true;
    });
}
