const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Mails that one member gets at most of what becomes worse; and as many of what becomes better, which uses up none of these. */
export const MOST_MAILS = [
  { count: 4, withinMs: DAY },
  { count: 20, withinMs: 30 * DAY },
] as const;

/** Of these, what strangers can bring about as often as they like: there is always room for the mail about a pause. */
export const MOST_BY_STRANGERS = [
  { count: 1, withinMs: DAY },
  { count: 5, withinMs: 30 * DAY },
] as const;

/** When a mail went, ms since the epoch, whether strangers brought it about, and whether it told of something better. */
export type Mailed = { at: number; byStrangers: boolean; isBetter: boolean };

/**
 * May a member get a mail now, who got some earlier? `last`: it may, and it is the last one for a while, which it says.
 */
export function mailAllowance(
  earlier: readonly Mailed[],
  { at: now, byStrangers, isBetter }: Mailed,
): "mail" | "last" | "too-many" {
  const left = (most: typeof MOST_MAILS | typeof MOST_BY_STRANGERS, mails: readonly Mailed[]) =>
    Math.min(
      ...most.map(({ count, withinMs }) => count - mails.filter(({ at }) => now - at < withinMs).length),
    );
  const alike = earlier.filter((mail) => mail.isBetter === isBetter);
  const least = left(MOST_MAILS, alike);
  const strangers = earlier.filter((mail) => mail.byStrangers);
  if (least <= 0 || (byStrangers && left(MOST_BY_STRANGERS, strangers) <= 0)) return "too-many";
  return least === 1 ? "last" : "mail";
}
