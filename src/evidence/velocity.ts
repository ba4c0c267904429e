import type { VelocityWindow } from "../event/index.ts";
import { DAY_MS } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import type { Trials } from "./trials.ts";
import { BOUNCE_WINDOW } from "./windows.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** What is usual: the mean of so many whole days, and of no fewer. */
const HABIT = { days: 30, leastDays: 7 };

/** A member, or one of its credentials. */
type Of = { member: number; credential?: string };

/** How much was handed in lately, held mail too: each recipient of a message is one. */
export function createVelocity(db: Database, trials: Pick<Trials, "firstTimeHard">) {
  /**
   * The mean of the whole days (UTC), at most 30, that were over when the last 24 hours began; the first of them is the
   * first on which anything was handed in. 0 when they are fewer than 7.
   */
  function habit(of: Of, at: number): number {
    const end = Math.floor((at - DAY_MS) / DAY_MS);
    const { first, sum } = db.get<{ first: number | null; sum: number }>(
      `SELECT min(day) AS first, coalesce(sum(recipients), 0) AS sum FROM handed_in_day
       WHERE member = ?1 AND (?2 IS NULL OR credential = ?2) AND day >= ?3 AND day < ?4`,
      of.member,
      of.credential ?? null,
      end - HABIT.days,
      end,
    )!;
    const days = first === null ? 0 : end - first;
    return days < HABIT.leastDays ? 0 : sum / days;
  }

  return (of: Of, at: number): VelocityWindow => {
    const [where, who] =
      of.credential === undefined ? ["member = ?", of.member] : ["credential = ?", of.credential];
    const sums = db.get<{ minute: number; hour: number; day: number; first: number }>(
      `SELECT coalesce(sum(recipients), 0) AS day,
         coalesce(sum(recipients) FILTER (WHERE sent_at > ?), 0) AS hour,
         coalesce(sum(recipients) FILTER (WHERE sent_at > ?), 0) AS minute,
         coalesce(sum(first_time) FILTER (WHERE sent_at > ?), 0) AS first
       FROM handed_in WHERE ${where} AND sent_at > ? AND sent_at <= ?`,
      at - HOUR_MS,
      at - MINUTE_MS,
      at - HOUR_MS,
      who,
      at - DAY_MS,
      at,
    )!;
    const lists = db.all<{ who: string }>(
      `SELECT who FROM handed_in WHERE ${where} AND sent_at > ? AND sent_at <= ?`,
      who,
      at - HOUR_MS,
      at,
    );
    const recipients = new Set<string>();
    const domains = new Set<string>();
    for (const { recipient, domain } of lists.flatMap((row) => listed(row.who))) {
      recipients.add(recipient);
      domains.add(domain);
    }
    const usual = habit(of, at);
    return {
      minute: sums.minute,
      hour: sums.hour,
      day: sums.day,
      recipients_hour: recipients.size,
      domains_hour: domains.size,
      first_time_share: sums.hour === 0 ? 0 : sums.first / sums.hour,
      first_time_hard: trials.firstTimeHard(of, { since: at - BOUNCE_WINDOW.reachMs, at }),
      habit_ratio: usual === 0 ? 0 : sums.day / usual,
    };
  };
}

/** `handed_in.who`: key and domain of each recipient, with a space between any two. */
export function listed(who: string): { recipient: string; domain: string }[] {
  const words = who === "" ? [] : who.split(" ");
  return words.flatMap((recipient, i) => (i % 2 === 0 ? [{ recipient, domain: words[i + 1] ?? "" }] : []));
}
