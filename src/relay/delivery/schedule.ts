import type { MessageRow } from "../../spool/index.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Waits after the first, second, ... failed attempt; the last one repeats. Most greylists let through at five minutes. */
const RETRY_MS: readonly number[] = [
  1 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  20 * MINUTE,
  40 * MINUTE,
  HOUR,
  2 * HOUR,
  4 * HOUR,
  6 * HOUR,
];

/** RFC 5321 section 4.5.4.1: four to five days. */
export const EXPIRY_MS = 5 * 24 * HOUR;
/** A report of TLS is optional, and old soon (RFC 8460 section 5.5). */
const REPORT_EXPIRY_MS = 24 * HOUR;

/** Signatures last fourteen days; what is older on the wall clock would arrive as forged. */
export const SIGNED_MS = 13 * 24 * HOUR;

/** How old a message may become before it leaves no more. */
export const lifetimeOf = ({ ask }: Pick<MessageRow, "ask">): number =>
  ask === "tls-report" ? REPORT_EXPIRY_MS : EXPIRY_MS;

const JITTER = 0.2;

/**
 * When to try again after `attempts` failed ones, spread by up to a fifth so that what failed together does not come
 * back together, and at the end of its time once more. `left`: how long it may still wait, ms. Undefined: that is over, the
 * message expires.
 */
export function nextAttempt(
  attempts: number,
  { now, left }: { now: number; left: number },
  random: () => number,
): number | undefined {
  if (left <= 0) return undefined;
  const wait = RETRY_MS[Math.min(attempts, RETRY_MS.length) - 1] ?? RETRY_MS[0]!;
  return Math.round(now + Math.min(left, wait * (1 + (random() * 2 - 1) * JITTER)));
}
