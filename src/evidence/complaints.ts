import type { PeopleWindow } from "../event/index.ts";
import { DAY_MS } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import type { CountedFact } from "./trials.ts";
import { complaintWindow } from "./windows.ts";

/** Providers that send complaints back (Gmail sends none: its figures come as `provider_reported`). */
const WITHOUT_FEEDBACK_LOOP = ["gmail", "apple"];
const SILENT = WITHOUT_FEEDBACK_LOOP.map((name) => `'${name}'`).join(", ");

/** Who was first written to so shortly before a complaint has signed up just now. */
const NEWCOMER_MS = 7 * DAY_MS;

/** Of `one`: nobody who complained, up to a time, about mail from before another. */
const NEW = `NOT EXISTS (SELECT 1 FROM complaint AS earlier
  WHERE earlier.member = one.member AND earlier.complainant = one.complainant AND earlier.at <= ? AND earlier.sent_at <= ?)`;

export type Who = { member: number; did: string };

/** Whole days in UTC before that of `at`. */
const beginOf = (at: number, days: number) => (Math.floor(at / DAY_MS) - days) * DAY_MS - 1;

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

  /** Anybody can sign up, and call what the member writes to whoever signs up spam. */
  function isNewcomer(member: number, complainant: string, at: number): boolean {
    const begun = db.get<{ at: number; known: number }>(
      `SELECT first.at, (SELECT known FROM handed_in
         WHERE member = first.member AND sent_at = first.sent_at AND message = first.message) AS known
       FROM outcome AS first INDEXED BY outcome_recipient
       WHERE first.member = ? AND recipient = ? AND hard = 0 AND first.at <= ? AND first.first = 1
       ORDER BY first.at LIMIT 1`,
      member,
      complainant,
      at,
    );
    return begun?.known === 1 && at - begun.at <= NEWCOMER_MS;
  }

  const complaintsOf = (member: number, at: number, days: number, sentAfter: number) =>
    db.all<{ complainant: string; message: string; at: number }>(
      `SELECT complainant, message, at FROM complaint AS one
       WHERE member = ? AND at > ? AND at <= ? AND sent_at > ? AND ${NEW} ORDER BY at DESC`,
      member,
      beginOf(at, days),
      at,
      sentAfter,
      at,
      sentAfter,
    );

  return {
    /** The facts behind `ofDays`, the newest first; where they came from is not kept. */
    facts: (member: number, at: number, days: number, sentAfter: number): CountedFact[] =>
      complaintsOf(member, at, days, sentAfter).map(({ message, at: when }) => ({
        message,
        at: when,
        domain: "",
        provider: "",
      })),

    /**
     * The day of `at` up to it, and the `days` before: whole days in UTC. Complaints about mail that was handed in after
     * `sentAfter`, one for each complainant and message, of people who had not complained about earlier mail: they were
     * heard, and three accounts of one stranger must not count again and again. Against deliveries after it.
     */
    ofDays(who: Who, at: number, days: number, sentAfter: number): PeopleWindow {
      const begin = beginOf(at, days);
      const rows = complaintsOf(who.member, at, days, sentAfter);
      const eligible = deliveries(who, Math.max(begin, Math.min(sentAfter, at)), at);
      const people = Map.groupBy(rows, ({ complainant }) => complainant);
      const newcomers = [...people].filter(([complainant, told]) =>
        told.every((one) => isNewcomer(who.member, complainant, one.at)),
      ).length;
      return {
        ...complaintWindow(
          eligible,
          rows.map(({ complainant }) => complainant),
        ),
        newcomers,
        by_strangers: newcomers * 2 > people.size,
      };
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
