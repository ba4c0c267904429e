const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Mails that one member gets at most about its pauses, of every kind together. */
export const MOST_MAILS = [
  { count: 4, withinMs: DAY },
  { count: 20, withinMs: 30 * DAY },
] as const;

/**
 * May a member get a mail now, who got some at `earlier` (ms since the epoch)? `last`: it may, and it is the last one for
 * a while, which it says.
 */
export function mailAllowance(earlier: readonly number[], now: number): "mail" | "last" | "too-many" {
  const left = MOST_MAILS.map(
    ({ count, withinMs }) => count - earlier.filter((at) => now - at < withinMs).length,
  );
  const least = Math.min(...left);
  return least <= 0 ? "too-many" : least === 1 ? "last" : "mail";
}
