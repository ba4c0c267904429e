import { gcraMost, gcraRemaining, type Bucket } from "../lib/gcra.ts";
import type { DomainPolicy, MemberPolicy, NodeState, Tier } from "./types.ts";

/** The buckets of a member's tier. Units are recipients. */
export const BUCKET_NAMES = ["burst", "hour", "day"] as const;

/**
 * What was taken from each bucket, by its name: a theoretical arrival time (ms since the epoch), or for `probe:` a
 * plain count. A name that is absent is an unused bucket.
 */
export type LimitState = Readonly<Record<string, number>>;

export type TierLimits = Record<(typeof BUCKET_NAMES)[number], Bucket>;

/** Limits of the whole pool, over all members. */
export type PoolLimits = {
  /** The member's limits hold over several nodes, and this one has a share of them; default: it is the only one. */
  lease?: LeaseCheck;
  /** What this node may do now; default: it serves. */
  node?: () => NodeState;
  /** Recipients an hour. */
  poolHourly?: number;
  /** Recipients a day of each provider: the warm-up of the egress addresses. */
  providers?: Readonly<Record<string, number>>;
  /** The provider of a recipient's domain, as far as it is known without asking anybody. */
  providerOf?: (domain: string) => string | undefined;
  /**
   * Recipients that the egress addresses may still write to at a provider today, of how many, and when there are more;
   * undefined: as many as one likes. `urgent`: a login code.
   */
  warmup?: (provider: string, urgent: boolean, now: number) => WarmupLeft | undefined;
  /**
   * So many recipients were taken for it, and have not left: until they do, `left` is without them. Less than nothing: they
   * were given back.
   */
  promised?: (provider: string, recipients: number, now: number) => void;
};

/** Units are recipients, times ms. */
export type LeaseCheck = {
  /** Whether the share has so many, and the fixed allowance beyond it; `bucket`: the one that is used up over the pool. */
  check(
    did: string,
    cost: number,
    allowance: number,
    now: number,
  ): { ok: true } | { ok: false; retryAfterMs: number; bucket: (typeof BUCKET_NAMES)[number] | null };
  /** Some were taken: `LEASE_OPEN` has them. */
  spent(did: string, now: number): void;
};

/** Under this name stands what was spent and core has not settled. */
export const LEASE_OPEN = "lease:open";

/** What a node may spend for a member before core knows: so that a code leaves at once, and a node that is cut off is bounded. */
export const allowanceOf = (limits: TierLimits): number => Math.min(20, Math.ceil(limits.day.limit / 10));

export type WarmupLeft = { left: number; daily: number; nextAt: number };

/** What cannot leave within this time is not accepted: a login code dies after fifteen minutes. */
export const MAX_WAIT_MS = 600_000;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** As long as mail may wait in the spool. */
const HELD_PERIOD = 5 * DAY;

const hourly = (limit: number): Bucket => ({ limit, periodMs: HOUR, burst: limit });
const daily = (limit: number): Bucket => ({ limit, periodMs: DAY, burst: limit });

function tier(burst: [units: number, minutes: number], hour: number, day: number): TierLimits {
  return {
    burst: { limit: burst[0], periodMs: burst[1] * MINUTE, burst: burst[0] },
    hour: hourly(hour),
    day: daily(day),
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

/** What waits while sending is paused: up to twice the hourly limit, over the five days that it may wait. */
export function heldBucket(limits: TierLimits): Bucket {
  const most = limits.hour.limit * 2;
  return { limit: most, periodMs: HELD_PERIOD, burst: most };
}

/** Until it is so old, a domain is held to this tier whatever that of its member. */
const DOMAIN_AGES: readonly [maxAge: number, tier: Tier][] = [
  [7 * DAY, "new"],
  [21 * DAY, "warming"],
];

/**
 * Limits of a domain by its own age: that of a member who rose long ago is not lent to a domain of yesterday.
 * Undefined when they would not be narrower than the member's own.
 */
export function domainLimits(
  member: Pick<MemberPolicy, "tier" | "standing">,
  { addedAt }: Pick<DomainPolicy, "addedAt">,
  now: number,
): TierLimits | undefined {
  const own = DOMAIN_AGES.find(([maxAge]) => now - addedAt < maxAge)?.[1];
  if (own === undefined || TIER_LIMITS[own].day.limit >= TIER_LIMITS[member.tier].day.limit) return undefined;
  return limitsOf({ tier: own, standing: member.standing });
}

/** A member whose mail goes to people that it knows (a share below this) has half of the room for new ones. */
const LOW_SHARE = 0.25;
const LEAST_SPRAY = 60;

/** First-time recipients an hour of one credential: as many as a burst of the tier. */
export function sprayBucket(limits: TierLimits, share: number | undefined): Bucket {
  const most = limits.burst.limit;
  const few = share !== undefined && share < LOW_SHARE;
  return hourly(few ? Math.min(most, Math.max(LEAST_SPRAY, Math.floor(most / 2))) : most);
}

export { daily as dailyBucket, hourly as hourlyBucket };

/** The longest time that a bucket of this name can be ahead; undefined: it counts, and keeps no time. */
export function longestAhead(name: string): number | undefined {
  if (name.startsWith("probe:") || name === LEASE_OPEN) return undefined;
  const period = name === "held" ? HELD_PERIOD : name.endsWith("day") ? DAY : HOUR;
  return period + MAX_WAIT_MS;
}

/** Units still free in each bucket of the tier, for pages. */
export function remaining(limits: TierLimits, state: LimitState, now: number): Record<string, number> {
  return Object.fromEntries(
    BUCKET_NAMES.map((name) => [name, gcraRemaining(limits[name], state[name], now)]),
  );
}

/** The most recipients to whom mail of one credential leaves in `ms`, beginning with unused limits. */
export function tierBound(
  tier: Tier,
  ms: number,
  to: {
    /** First-time ones only. */ firstTime: boolean;
    /** Of a member with few of them. */ fewNew?: boolean;
  },
): number {
  const limits = TIER_LIMITS[tier];
  const spray = to.firstTime ? [sprayBucket(limits, to.fewNew ? 0 : undefined)] : [];
  return gcraMost([...Object.values(limits), ...spray], ms);
}
