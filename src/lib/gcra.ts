/**
 * Generic Cell Rate Algorithm: a limit of `limit` units per `periodMs`, with at most `burst` units at once.
 * The whole state of a bucket is one number, the theoretical arrival time (`tat`, ms since the epoch).
 */
export type Bucket = { limit: number; periodMs: number; burst: number };

export type GcraResult = { ok: true; tat: number } | { ok: false; retryAfterMs: number };

/**
 * The `tat` that can be: no bucket is ever fuller than its burst. One further ahead was written by a clock that was
 * wrong (or under another limit), and would lock out until that clock's time. Store it: it does not run off by itself.
 */
export function gcraSettled({ limit, periodMs, burst }: Bucket, tat: number, now: number): number {
  return Math.min(tat, now + (periodMs / limit) * burst);
}

/** May `cost` units pass at `now`? On ok, store the returned `tat`; on refusal nothing changes. */
export function gcra(bucket: Bucket, tat: number | undefined, now: number, cost = 1): GcraResult {
  const interval = bucket.periodMs / bucket.limit;
  const tolerance = interval * bucket.burst;
  const start = Math.max(gcraSettled(bucket, tat ?? now, now), now);
  const next = start + interval * cost;
  const wait = next - tolerance - now;
  if (cost > bucket.burst) return { ok: false, retryAfterMs: Infinity };
  return wait <= 1e-6 ? { ok: true, tat: next } : { ok: false, retryAfterMs: wait };
}

/** Units still free at `now`. */
export function gcraRemaining(bucket: Bucket, tat: number | undefined, now: number): number {
  const interval = bucket.periodMs / bucket.limit;
  const used = Math.max((tat ?? now) - now, 0) / interval;
  return Math.max(0, Math.floor(bucket.burst - used + 1e-9));
}
