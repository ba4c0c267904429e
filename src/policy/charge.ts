import { probesOf, SLOWED_HOURLY, type ContentFacts } from "../breaker/index.ts";
import { reserve, type Bucket } from "../lib/gcra.ts";
import {
  allowanceOf,
  dailyBucket,
  domainLimits,
  heldBucket,
  LEASE_OPEN,
  hourlyBucket,
  limitsOf,
  MAX_WAIT_MS,
  sprayBucket,
  type LimitState,
  type PoolLimits,
  type TierLimits,
  type WarmupLeft,
} from "./limits.ts";
import type { DecisionReason } from "./outcomes.ts";
import type { CredentialPolicy, DomainPolicy, MemberPolicy } from "./types.ts";

/** What a submission takes from one bucket. */
export type Charge = {
  name: string;
  /** Of the whole pool, not of the member. */
  pool: boolean;
  /** `count`: no time runs in it. */
  bucket: Bucket | "count";
  cost: number;
  /** The name of the outcome when it is used up. */
  reason: DecisionReason;
  /** The limit in words. */
  words: string;
  /** There is no room in it for so long, whatever the bucket says. */
  closedMs?: number;
  /** Of what the egress addresses may still write to there. */
  promisedTo?: string;
};

export type ChargeInput = {
  member: MemberPolicy;
  credential: CredentialPolicy;
  domain: DomainPolicy | undefined;
  recipients: number;
  recipientDomains: readonly string[];
  facts: ContentFacts | undefined;
  poolLimits: PoolLimits;
  now: number;
};

/** The name of the credential's count of first-time recipients with unseen templates. */
export const probeName = (credentialId: string): string => `probe:${credentialId}`;

/** What waits for a yes takes from nothing else: the limits are for what leaves. */
export function heldCharge({ member, recipients }: ChargeInput): Charge {
  const bucket = heldBucket(limitsOf(member));
  const words = `${bucket.limit} recipients waiting while sending is stopped`;
  return { name: "held", pool: false, bucket, cost: recipients, reason: "held-full", words };
}

/** All that a submission takes from when it may leave. */
export function sendingCharges(input: ChargeInput): Charge[] {
  return [...memberCharges(input), ...credentialCharges(input), ...poolCharges(input)];
}

function memberCharges(input: ChargeInput): Charge[] {
  const { member, domain, recipients, now } = input;
  const own = limitsOf(member);
  const charges = (["burst", "hour", "day"] as const).map((name) => charge(name, own[name], recipients));
  charges.push(...leaseCharge(input, own));
  const young = domain && domainLimits(member, domain, now);
  if (!young) return charges;
  const reason = "over-domain-limit" as const;
  const words = (bucket: Bucket) => `${rate(bucket)} for the new domain ${domain.name}`;
  for (const name of ["hour", "day"] as const) {
    const bucket = young[name];
    charges.push(charge(`domain:${domain.name}:${name}`, bucket, recipients, reason, words(bucket)));
  }
  return charges;
}

/** What this node's share of the member's limits has, where there are other nodes. */
function leaseCharge({ member, recipients, poolLimits, now }: ChargeInput, own: TierLimits): Charge[] {
  const { lease } = poolLimits;
  if (!lease) return [];
  const answer = lease.check(member.did, recipients, allowanceOf(own), now);
  const bucket = answer.ok ? undefined : own[answer.bucket ?? "burst"];
  return [
    {
      name: LEASE_OPEN,
      pool: false,
      bucket: "count",
      cost: recipients,
      reason: "over-limit",
      words: bucket ? rate(bucket) : "",
      ...(!answer.ok && { closedMs: answer.retryAfterMs }),
    },
  ];
}

function credentialCharges({ member, credential, recipients, facts }: ChargeInput): Charge[] {
  const { id, hourly, daily } = credential;
  const charges: Charge[] = [];
  const own = (name: string, bucket: Bucket) => {
    const words = `${rate(bucket)} for this credential`;
    charges.push(charge(`credential:${id}:${name}`, bucket, recipients, "over-credential-limit", words));
  };
  if (hourly !== null) own("hour", hourlyBucket(hourly));
  if (daily !== null) own("day", dailyBucket(daily));
  if (!facts || facts.firstTime === 0) return charges;
  const spray = sprayBucket(limitsOf(member), facts.share);
  charges.push(
    charge(`spray:${id}`, spray, facts.firstTime, "spray", `${spray.limit} first-time recipients an hour`),
  );
  if (facts.slowed) {
    const words = `${SLOWED_HOURLY} first-time recipients an hour while so many of them do not exist`;
    charges.push(charge(`slow:${id}`, hourlyBucket(SLOWED_HOURLY), facts.firstTime, "dead-contacts", words));
  }
  const probes = probesOf(facts);
  if (probes > 0) {
    charges.push({
      name: probeName(id),
      pool: false,
      bucket: "count",
      cost: probes,
      reason: "content",
      words: "",
    });
  }
  return charges;
}

function poolCharges({ recipients, recipientDomains, poolLimits, now }: ChargeInput): Charge[] {
  const { poolHourly, providers = {}, providerOf } = poolLimits;
  const charges: Charge[] = [];
  const pool = (name: string, bucket: Bucket, cost: number, reason: DecisionReason, words: string) =>
    charges.push({ ...charge(name, bucket, cost, reason, words), pool: true });
  if (poolHourly !== undefined) {
    const bucket = hourlyBucket(poolHourly);
    pool("pool:hour", bucket, recipients, "over-pool-limit", `${rate(bucket)} for the whole pool`);
  }
  const counts = new Map<string, number>();
  for (const domain of recipientDomains) {
    const provider = providerOf?.(domain);
    if (provider !== undefined) counts.set(provider, (counts.get(provider) ?? 0) + 1);
  }
  for (const [provider, cost] of counts) {
    const name = `provider:${provider}:day`;
    if (Object.hasOwn(providers, provider)) {
      const bucket = dailyBucket(providers[provider]!);
      pool(name, bucket, cost, "over-provider-limit", `${rate(bucket)} to ${provider} for the whole pool`);
    }
    const warmup = poolLimits.warmup?.(provider, recipients === 1, now);
    if (warmup) charges.push(...warmupCharges(provider, cost, warmup, now));
  }
  return charges;
}

/** Mail that its addresses may not send today is not taken today, nor more in a day than they may send in one. */
function warmupCharges(
  provider: string,
  cost: number,
  { left, daily, nextAt }: WarmupLeft,
  now: number,
): Charge[] {
  const words =
    daily > 0
      ? `${daily} recipients a day to ${provider} while our addresses are new there`
      : `0 recipients to ${provider} while no sending address of ours is in use`;
  const bucket = dailyBucket(Math.max(1, daily));
  const name = `warmup:${provider}:day`;
  const one = {
    ...charge(name, bucket, cost, "over-provider-limit", words),
    pool: true,
    promisedTo: provider,
  };
  const closedMs = nextAt - now;
  if (left < cost && closedMs > MAX_WAIT_MS) return [{ ...one, closedMs }];
  return cost <= daily ? [one] : [];
}

function charge(
  name: string,
  bucket: Bucket,
  cost: number,
  reason: DecisionReason = "over-limit",
  words = rate(bucket),
): Charge {
  return { name, pool: false, bucket, cost, reason, words };
}

function rate({ limit, periodMs }: Bucket): string {
  const minutes = periodMs / 60_000;
  const period = minutes === 60 ? "an hour" : minutes === 1440 ? "a day" : `in ${minutes} minutes`;
  return `${limit} recipients ${period}`;
}

export type Taken =
  | { ok: true; waitMs: number; state: Record<string, number> }
  | { ok: false; charge: Charge; retryAfterMs: number };

/**
 * Takes every charge, or, when one refuses, none. `state` has the new values of the names that were charged; `waitMs` (whole) is
 * when the last of the limits lets it go. The refusal that lasts longest is the one that is told.
 */
export function take(charges: readonly Charge[], state: LimitState, now: number): Taken {
  const next: Record<string, number> = {};
  let waitMs = 0;
  let worst: Extract<Taken, { ok: false }> | undefined;
  for (const charge of charges) {
    const { name, bucket, cost, closedMs } = charge;
    if (closedMs !== undefined) {
      if (!worst || closedMs > worst.retryAfterMs) worst = { ok: false, charge, retryAfterMs: closedMs };
      continue;
    }
    if (bucket === "count") {
      next[name] = (state[name] ?? 0) + cost;
      continue;
    }
    const maxWait = name === "held" ? 0 : MAX_WAIT_MS;
    const place = reserve(bucket, state[name], now, cost, maxWait);
    if (place.ok) {
      next[name] = place.tat;
      waitMs = Math.max(waitMs, Math.ceil(place.waitMs));
    } else if (!worst || place.retryAfterMs > worst.retryAfterMs) {
      worst = { ok: false, charge, retryAfterMs: place.retryAfterMs };
    }
  }
  return worst ?? { ok: true, waitMs, state: next };
}

/** What a charge moved its bucket by. */
export function moved({ bucket, cost }: Charge): number {
  return bucket === "count" ? cost : (bucket.periodMs / bucket.limit) * cost;
}
