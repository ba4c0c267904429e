import { gcra, gcraRemaining, gcraSettled, type Bucket } from "../lib/gcra.ts";
import type { MemberPolicy, Tier } from "./types.ts";

/** The buckets of a member. Units are recipients. `held` counts only what waits while a sender is paused. */
export const BUCKET_NAMES = ["burst", "hour", "day"] as const;
export type BucketName = (typeof BUCKET_NAMES)[number] | "held";

/** Theoretical arrival times (ms since the epoch), the whole state of a member's limits. */
export type LimitState = Partial<Record<BucketName, number>>;

export type TierLimits = Record<(typeof BUCKET_NAMES)[number], Bucket>;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function tier(burst: [units: number, minutes: number], hour: number, day: number): TierLimits {
  return {
    burst: { limit: burst[0], periodMs: burst[1] * MINUTE, burst: burst[0] },
    hour: { limit: hour, periodMs: HOUR, burst: hour },
    day: { limit: day, periodMs: DAY, burst: day },
  };
}

export const TIER_LIMITS: Record<Tier, TierLimits> = {
  new: tier([60, 10], 60, 150),
  warming: tier([60, 5], 150, 500),
  steady: tier([120, 5], 400, 2_000),
  trusted: tier([300, 5], 2_000, 10_000),
};

/** What a member may send now: its tier's limits, a quarter of them on probation. */
export function limitsOf(member: Pick<MemberPolicy, "tier" | "standing">): TierLimits {
  const limits = TIER_LIMITS[member.tier];
  if (member.standing !== "probation") return limits;
  return { burst: quarter(limits.burst), hour: quarter(limits.hour), day: quarter(limits.day) };
}

function quarter({ limit, periodMs, burst }: Bucket): Bucket {
  return {
    limit: Math.max(1, Math.floor(limit / 4)),
    periodMs,
    burst: Math.max(1, Math.floor(burst / 4)),
  };
}

/** What waits while a sender is paused: up to twice the hourly limit. */
export function heldBucket(limits: TierLimits): Bucket {
  return { limit: limits.hour.limit * 2, periodMs: HOUR, burst: limits.hour.limit * 2 };
}

/** The state without what only a clock that was ahead can have written. */
export function settledState(limits: TierLimits, state: LimitState, now: number): LimitState {
  const buckets = { ...limits, held: heldBucket(limits) };
  const entries = Object.entries(state) as [BucketName, number][];
  return Object.fromEntries(entries.map(([name, tat]) => [name, gcraSettled(buckets[name], tat, now)]));
}

export type LimitResult =
  | { ok: true; state: LimitState }
  | { ok: false; bucket: BucketName; retryAfterMs: number; limit: Bucket };

/** Takes `cost` from every bucket, or, when one refuses, from none. */
export function take(
  buckets: Partial<Record<BucketName, Bucket>>,
  state: LimitState,
  now: number,
  cost: number,
): LimitResult {
  const next: LimitState = { ...state };
  let worst: Extract<LimitResult, { ok: false }> | undefined;
  for (const [name, bucket] of Object.entries(buckets) as [BucketName, Bucket][]) {
    const result = gcra(bucket, state[name], now, cost);
    if (result.ok) next[name] = result.tat;
    else if (!worst || result.retryAfterMs > worst.retryAfterMs) {
      worst = { ok: false, bucket: name, retryAfterMs: result.retryAfterMs, limit: bucket };
    }
  }
  return worst ?? { ok: true, state: next };
}

/** Gives `cost` back to the buckets, when what was taken for did not happen. */
export function giveBack(
  buckets: Partial<Record<BucketName, Bucket>>,
  state: LimitState,
  cost: number,
): LimitState {
  const next: LimitState = { ...state };
  for (const [name, { limit, periodMs }] of Object.entries(buckets) as [BucketName, Bucket][]) {
    const tat = next[name];
    if (tat !== undefined) next[name] = tat - (periodMs / limit) * cost;
  }
  return next;
}

/** Units still free in each bucket, for pages. */
export function remaining(limits: TierLimits, state: LimitState, now: number): Record<string, number> {
  return Object.fromEntries(
    BUCKET_NAMES.map((name) => [name, gcraRemaining(limits[name], state[name], now)]),
  );
}
