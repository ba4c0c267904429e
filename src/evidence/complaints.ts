import type { ComplaintWindow } from "../event/index.ts";
import { DAY_MS } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import { complaintWindow } from "./windows.ts";

/** Providers that send complaints back (Gmail sends none: its figures come as `provider_reported`). */
const WITHOUT_FEEDBACK_LOOP = ["gmail", "apple"];
const SILENT = WITHOUT_FEEDBACK_LOOP.map((name) => `'${name}'`).join(", ");

/** Of `one`: nobody who complained, up to a time, about mail from before another. */
const NEW = `NOT EXISTS (SELECT 1 FROM complaint AS earlier
  WHERE earlier.member = one.member AND earlier.complainant = one.complainant AND earlier.at <= ? AND earlier.sent_at <= ?)`;

export type Who = { member: number; did: string };

export function createComplaintWindows(db: Database) {
  /** Deliveries in (`after`, `until`] to providers that send complaints back: whole days by their sums. */
  function deliveries({ member, did }: Who, after: number, until: number): number {
    const firstDay = Math.floor(after / DAY_MS) + 1;
    const lastDay = Math.floor(until / DAY_MS);
    const between = (from: number, to: number) =>
      from >= to
        ? 0
        : db.get<{ n: number }>(
            `SELECT count(*) AS n FROM outcome
             WHERE member = ? AND at > ? AND at <= ? AND hard = 0 AND provider NOT IN (${SILENT})`,
            member,
            from,
            to,
          )!.n;
    if (firstDay > lastDay) return between(after, until);
    const whole = db.get<{ n: number }>(
      `SELECT coalesce(sum(delivered), 0) AS n FROM volume
       WHERE did = ? AND day >= ? AND day < ? AND provider NOT IN (${SILENT})`,
      did,
      firstDay,
      lastDay,
    )!.n;
    return between(after, firstDay * DAY_MS - 1) + whole + between(lastDay * DAY_MS - 1, until);
  }

  return {
    /**
     * The day of `at` up to it, and the `days` before: whole days in UTC. Complaints about mail that was handed in after
     * `sentAfter`, one for each complainant and message, of people who had not complained about earlier mail: they were
     * heard, and three accounts of one stranger must not count again and again. Against deliveries after it.
     */
    ofDays(who: Who, at: number, days: number, sentAfter: number): ComplaintWindow {
      const begin = (Math.floor(at / DAY_MS) - days) * DAY_MS - 1;
      const rows = db.all<{ complainant: string }>(
        `SELECT complainant FROM complaint AS one WHERE member = ? AND at > ? AND at <= ? AND sent_at > ? AND ${NEW}`,
        who.member,
        begin,
        at,
        sentAfter,
        at,
        sentAfter,
      );
      return complaintWindow(
        deliveries(who, Math.max(begin, Math.min(sentAfter, at)), at),
        rows.map(({ complainant }) => complainant),
      );
    },

    /** The last 24 hours, mail of one credential; not what it was stopped for before, which has been answered. */
    burst({ member }: Who, credential: string, at: number, sentAfter: number) {
      const answered = db.get<{ at: number | null }>(
        `SELECT max(ended) AS at FROM pause_fact
         WHERE member = ? AND credential = ? AND cause = 'complaints' AND ended <= ?`,
        member,
        credential,
        at,
      )!.at;
      const begin = Math.max(at - DAY_MS, answered ?? -Infinity);
      const rows = db.all<{ complainant: string }>(
        `SELECT complainant FROM complaint
         WHERE member = ? AND at > ? AND at <= ? AND sent_at > ? AND credential = ?`,
        member,
        begin,
        at,
        sentAfter,
        credential,
      );
      const { n } = db.get<{ n: number }>(
        `SELECT count(*) AS n FROM outcome
         WHERE member = ? AND at > ? AND at <= ? AND credential = ? AND hard = 0 AND provider NOT IN (${SILENT})`,
        member,
        Math.max(begin, Math.min(sentAfter, at)),
        at,
        credential,
      )!;
      const complainants = rows.map(({ complainant }) => complainant);
      return { ...complaintWindow(n, complainants), credential };
    },
  };
}
