import { DAY_MS } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import { dayOf } from "./facts.ts";

/**
 * So old is what nobody needs: windows reach back 90 days, that of a pause 91 days before it began, the habit before an
 * incident 31, and mail waits up to 7 before its outcome. So each window of an event of the last 30 days is what it would be
 * if nothing were ever dropped, and that of a pause too as long as it is not open for longer than four weeks.
 */
const KEPT_MS = 150 * DAY_MS;

const TABLES = [
  { table: "outcome", key: "member, at, key", time: "at", by: "member" },
  { table: "handed_in", key: "member, sent_at, message", time: "sent_at", by: "member" },
  { table: "complaint", key: "member, message, complainant", time: "at", by: "member" },
  { table: "domain_check", key: "member, domain, at, key", time: "at", by: "member" },
  { table: "pause_fact", key: "member, credential, at, cause", time: "ended", by: "member" },
] as const;

/** Drops what is older, at most `limit` rows of each kind. Returns whether there may be more. */
export function prune(db: Database, now: number, limit: number): boolean {
  const before = now - KEPT_MS;
  return db.transaction(() => {
    let more = false;
    const members = db.all<{ id: number }>("SELECT id FROM evidence_member");
    for (const { table, key, time, by } of TABLES) {
      let left: number = limit;
      for (const { id } of members) {
        if (left <= 0) break;
        left -= db.run(
          `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${by} = ? AND ${time} < ? LIMIT ?)`,
          id,
          before,
          left,
        ).changes;
      }
      more ||= left <= 0;
    }
    db.run("DELETE FROM handed_in_day WHERE day < ?", dayOf(before));
    db.run("DELETE FROM incident_instant WHERE at < ?", before);
    db.run("DELETE FROM provider_figure WHERE day < ?", new Date(before).toISOString().slice(0, 10));
    return more;
  });
}
