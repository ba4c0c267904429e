/**
 * Generic Cell Rate Algorithm: a limit of `limit` units per `periodMs`, with at most `burst` units at once.
 * The whole state of a bucket is one number, the theoretical arrival time (`tat`, ms since the epoch).
 */
export type Bucket = { limit: number; periodMs: number; burst: number };

export type GcraResult = { ok: true; tat: number } | { ok: false; retryAfterMs: number };

export type Reservation =
  | { ok: true; tat: number; waitMs: number }
  | { ok: false; /** Until the same question is answered with a place. */ retryAfterMs: number };

/**
 * The `tat` that can be: no bucket is ever fuller than its burst, and `aheadMs` of reservations. One further ahead was
 * written by a clock that was wrong (or under another limit), and would lock out until that clock's time. Store it: it
 * does not run off by itself.
 */
export function gcraSettled(bucket: Bucket, tat: number, now: number, aheadMs = 0): number {
  const { limit, periodMs, burst } = bucket;
  return Math.min(tat, now + (periodMs / limit) * burst + aheadMs);
}

/**
 * A place for `cost` units within `maxWaitMs`: `waitMs` is how much later they may pass. Places are given in the order
 * of asking: who asks later never passes earlier. On ok, store the returned `tat`; on refusal nothing changes.
 */
export function reserve(
  bucket: Bucket,
  tat: number | undefined,
  now: number,
  cost: number,
  maxWaitMs: number,
): Reservation {
  if (cost > bucket.burst) return { ok: false, retryAfterMs: Infinity };
  const interval = bucket.periodMs / bucket.limit;
  const start = Math.max(gcraSettled(bucket, tat ?? now, now, maxWaitMs), now);
  const next = start + interval * cost;
  const wait = next - interval * bucket.burst - now;
  const late = wait - maxWaitMs;
  if (late > ROUNDING_MS) return { ok: false, retryAfterMs: late };
  return { ok: true, tat: next, waitMs: wait > ROUNDING_MS ? wait : 0 };
}

/** Times since the epoch have about 0.0002 ms of precision as numbers; a sum of many intervals strays by more. */
const ROUNDING_MS = 0.01;

/** May `cost` units pass at `now`? On ok, store the returned `tat`; on refusal nothing changes. */
export function gcra(bucket: Bucket, tat: number | undefined, now: number, cost = 1): GcraResult {
  const place = reserve(bucket, tat, now, cost, 0);
  return place.ok ? { ok: true, tat: place.tat } : place;
}

/** Units still free at `now`. */
export function gcraRemaining(bucket: Bucket, tat: number | undefined, now: number): number {
  const interval = bucket.periodMs / bucket.limit;
  const used = Math.max((tat ?? now) - now, 0) / interval;
  return Math.max(0, Math.floor(bucket.burst - used + 1e-9));
}

/** The most units that can pass within `ms`, beginning with a bucket that is empty. */
export function gcraMost(buckets: readonly Bucket[], ms: number): number {
  return Math.min(
    ...buckets.map(({ limit, periodMs, burst }) => burst + Math.floor((limit * ms) / periodMs + 1e-9)),
  );
}
