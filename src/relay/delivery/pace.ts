/** So many messages a minute, of which some may leave at once. */
export type Rate = { perMinute: number; burst: number };

/** A twelfth of a minute's messages may leave at once: five seconds' worth. */
const AT_ONCE = 12;
/** Login codes go before the rate by so many bursts: the others then wait longer. */
const BURSTS_OF_CODES = 2;

export function rateOf(perMinute: number): Rate {
  return { perMinute, burst: Math.max(1, Math.floor(perMinute / AT_ONCE)) };
}

/**
 * GCRA (ITU-T I.371): `next` is when the next message would leave if all left evenly. How long until one may go, in ms;
 * 0: now. All times are of a clock that never jumps.
 */
export function waitFor(next: number, { perMinute, burst }: Rate, now: number, isCode = false): number {
  const step = 60_000 / perMinute;
  const ahead = (burst - 1) * step + (isCode ? BURSTS_OF_CODES * burst * step : 0);
  return Math.max(0, next - ahead - now);
}

/** `next` after one has left. */
export function afterOne(next: number, { perMinute }: Rate, now: number): number {
  return Math.max(next, now) + 60_000 / perMinute;
}
