import { DAY_MS } from "../lib/clock.ts";
import type { SuppressionReason, SuppressionStreams } from "./types.ts";

/** One thing that became of mail to one recipient, as an event tells it. Times in ms since the epoch. */
export type Feedback = {
  what: "bounced" | "complained" | "unsubscribed" | "delivered";
  did: string;
  at: number;
  /** When the member handed the message in. */
  sentAt: number;
  /** Of a bounce: its class, whether it is for good, and whether it came as a report after the delivery. */
  class?: string;
  permanent?: boolean;
  late?: boolean;
};

/** An earlier refusal of the same recipient, of any member. */
export type Sighting = { did: string; at: number; class: string; late: boolean };

export type SuppressionHistory = {
  sightings: readonly Sighting[];
  /** When this member, or the committee for it, last released the recipient; when somebody did for the whole pool. */
  releasedAt?: number | undefined;
  poolReleasedAt?: number | undefined;
  /** The provider has refused valid users lately: its bounces suppress nobody. */
  incident?: boolean;
};

export type SuppressionWish = {
  scope: "member" | "pool";
  streams: SuppressionStreams;
  reason: SuppressionReason;
  expiresAt: number | null;
};

/** What follows: what is suppressed, and the reasons of what is lifted for the member and for the pool. */
export type SuppressionOutcome = { suppress: SuppressionWish[]; lift: SuppressionReason[] };

type BounceReason = Extract<SuppressionReason, "bad-mailbox" | "inactive" | "bad-domain">;

/** Days after the first, the second and each further refusal, which count when a day lies between them. */
const DAYS: Record<BounceReason, readonly [number, number, number]> = {
  "bad-mailbox": [14, 90, 365],
  inactive: [14, 90, 90],
  "bad-domain": [7, 30, 30],
};
const POOL_DAYS = 90;
export const BOUNCE_REASONS = Object.keys(DAYS) as BounceReason[];

/**
 * What becomes of a recipient after this. A refusal for policy, spam, a block or a full mailbox says nothing of the
 * address. Mail from before a release does not bring the entry back. The pool is bound only by an unknown user that its
 * own connections saw from two members; never by what one member alone brought, nor by a report, which its recipient can forge.
 */
export function suppressionFor(fact: Feedback, history: SuppressionHistory): SuppressionOutcome {
  switch (fact.what) {
    case "delivered":
      return { suppress: [], lift: [...BOUNCE_REASONS] };
    case "unsubscribed":
      // A click from before the release that is told late; one after it is a new wish.
      return fact.at <= (history.releasedAt ?? -Infinity)
        ? NOTHING
        : wish("member", "bulk", "unsubscribe", null);
    case "complained":
      return isOlder(fact, history.releasedAt) ? NOTHING : wish("member", "all", "complaint", null);
    case "bounced":
      return afterBounce(fact, history);
  }
}

const NOTHING: SuppressionOutcome = { suppress: [], lift: [] };

function afterBounce(fact: Feedback, history: SuppressionHistory): SuppressionOutcome {
  const reason = BOUNCE_REASONS.find((known) => known === fact.class);
  if (reason === undefined || fact.permanent !== true || history.incident === true) return NOTHING;
  const suppress: SuppressionWish[] = [];
  if (!isOlder(fact, history.releasedAt)) {
    const own = history.sightings.filter(({ did }) => did === fact.did);
    const days = DAYS[reason][Math.min(2, daysApart(own, fact.at))]!;
    suppress.push({ scope: "member", streams: "all", reason, expiresAt: fact.at + days * DAY_MS });
  }
  if (reason === "bad-mailbox" && !isOlder(fact, history.poolReleasedAt) && isConfirmed(fact, history)) {
    const expiresAt = fact.at + POOL_DAYS * DAY_MS;
    suppress.push({ scope: "pool", streams: "all", reason, expiresAt });
  }
  return { suppress, lift: [] };
}

function wish(
  scope: SuppressionWish["scope"],
  streams: SuppressionStreams,
  reason: SuppressionReason,
  expiresAt: number | null,
): SuppressionOutcome {
  return { suppress: [{ scope, streams, reason, expiresAt }], lift: [] };
}

const isOlder = ({ sentAt }: Feedback, releasedAt: number | undefined) =>
  releasedAt !== undefined && sentAt < releasedAt;

/** Refusals before `at`, of which each follows the one before by a day. */
function daysApart(sightings: readonly Sighting[], at: number): number {
  let count = 0;
  let next = at;
  for (const { at: seen } of sightings.toSorted((a, b) => b.at - a.at)) {
    if (seen > next - DAY_MS) continue;
    count++;
    next = seen;
  }
  return count;
}

/** Whether what is left of the refusals of a recipient binds the pool by itself. */
export function bindsPool(sightings: readonly Sighting[]): boolean {
  const seen = sightings.filter((one) => one.class === "bad-mailbox" && !one.late);
  return new Set(seen.map(({ did }) => did)).size > 1;
}

function isConfirmed(fact: Feedback, { sightings, poolReleasedAt = -Infinity }: SuppressionHistory): boolean {
  if (fact.late === true) return false;
  const from = Math.max(fact.at - POOL_DAYS * DAY_MS, poolReleasedAt);
  return sightings.some(
    (one) => one.class === "bad-mailbox" && !one.late && one.at > from && one.did !== fact.did,
  );
}
