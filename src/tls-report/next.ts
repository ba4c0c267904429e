import { DAY_MS } from "../lib/clock.ts";
import type { ReportRow } from "./store.ts";

/** What a try to get rid of a report came to. */
export type Outcome =
  /** The domain has no record, or an empty one: nobody wants to know. */
  | { kind: "unwanted" }
  /** A receiver took it over HTTPS. `note`: what was odd about that. */
  | { kind: "posted"; to: string; note: string }
  /** It is in our spool. */
  | { kind: "mailed"; to: string; message: string }
  /** Of a report in our spool. */
  | { kind: "on-its-way" }
  | { kind: "delivered" }
  | { kind: "bounced"; why: string }
  /** The spool knows nothing of it (any more). */
  | { kind: "lost" }
  | { kind: "failed"; why: string }
  /** Every address that the record names refused it for good. */
  | { kind: "refused" };

/** Tried again for so long after the first time (RFC 8460 section 5.5). */
const TRIED_FOR_MS = DAY_MS;
/** Mail addresses that a report is sent to; a record that names others each time has no more. */
const MOST_ADDRESSES = 5;
const FIRST_WAIT_MS = 10 * 60_000;
const LONGEST_WAIT_MS = 4 * 3_600_000;
const JITTER = 0.2;
/** When the spool is asked again. */
const LOOK_AGAIN_MS = 10 * 60_000;
/** Mail expires after a day, at its next time; then it is not ours to wait for. */
const MAILED_FOR_MS = 2 * DAY_MS;

/** The report after a try; undefined: it and what was counted are to be forgotten. */
export function afterTry(
  row: ReportRow,
  outcome: Outcome,
  now: number,
  random: () => number,
): ReportRow | undefined {
  const triedAt = row.triedAt ?? now;
  const tried = { ...row, triedAt, tries: row.tries + 1 };
  const end = triedAt + TRIED_FOR_MS;
  switch (outcome.kind) {
    case "unwanted":
      return undefined;
    case "posted":
      return { ...tried, state: "sent", sentTo: outcome.to, why: outcome.note };
    case "mailed": {
      const { to, message } = outcome;
      return { ...tried, state: "mailed", sentTo: to, message, why: "", nextAt: now + LOOK_AGAIN_MS };
    }
    case "on-its-way":
      return now - triedAt >= MAILED_FOR_MS
        ? { ...row, state: "given-up", why: "the mail did not leave in time" }
        : { ...row, nextAt: now + LOOK_AGAIN_MS };
    case "delivered":
      return { ...row, state: "sent", why: "" };
    case "bounced": {
      const refused = [...row.refused, row.sentTo];
      const over = now >= end || refused.length >= MOST_ADDRESSES;
      const state = over ? "given-up" : "waiting";
      return { ...row, state, refused, sentTo: "", message: null, why: outcome.why, nextAt: now };
    }
    case "lost":
      return now >= end
        ? { ...row, state: "given-up", why: "the mail was lost here" }
        : { ...row, state: "waiting", sentTo: "", message: null, nextAt: now };
    case "refused":
      return { ...row, triedAt, state: "given-up" };
    case "failed": {
      if (now >= end) return { ...tried, state: "given-up", why: outcome.why };
      const wait = Math.min(FIRST_WAIT_MS * 2 ** row.tries, LONGEST_WAIT_MS);
      const nextAt = Math.min(end, Math.round(now + wait * (1 + (random() * 2 - 1) * JITTER)));
      return { ...tried, why: outcome.why, nextAt };
    }
  }
}

/** From the end of the day, so that what was still under way is counted, and receivers are not asked all at once. */
const LEAST_DELAY_MS = 5 * 60_000;
const MOST_DELAY_MS = 4 * 3_600_000;

/** When the report about a day is due: within the four hours after it (RFC 8460 section 4.1). */
export function dueAt(day: number, random: () => number): number {
  return (day + 1) * DAY_MS + Math.round(LEAST_DELAY_MS + random() * (MOST_DELAY_MS - LEAST_DELAY_MS));
}
