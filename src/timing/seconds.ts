/** Upper ends of the buckets that times are counted in, in seconds; what is longer than the last is in one more. */
export const BUCKETS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 14_400, 86_400] as const;

/** Between so many seconds and so many; `to` null: longer than `from`. */
export type Between = { from: number; to: number | null };

export function bucketOf(ms: number): number {
  const found = BUCKETS.findIndex((end) => ms <= end * 1_000);
  return found === -1 ? BUCKETS.length : found;
}

export function betweenOf(bucket: number): Between {
  return { from: BUCKETS[bucket - 1] ?? 0, to: BUCKETS[bucket] ?? null };
}

/** Within what time the share (0 to 1) of what is counted was over: the bucket that it falls into. Null: nothing is counted. */
export function quantile(counts: readonly number[], share: number): Between | null {
  const all = counts.reduce((sum, n) => sum + n, 0);
  if (all === 0) return null;
  const rank = Math.max(1, Math.ceil(share * all));
  let seen = 0;
  for (const [bucket, n] of counts.entries()) {
    seen += n;
    if (seen >= rank) return betweenOf(bucket);
  }
  return null;
}
