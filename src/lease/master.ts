import { gcraSettled } from "../lib/gcra.ts";
import { BUCKET_NAMES, MAX_WAIT_MS, type TierLimits } from "../policy/index.ts";

/** What was taken from each bucket of a member's tier, over the whole pool: theoretical arrival times, ms since the epoch. */
export type MasterState = Readonly<Partial<Record<BucketName, number>>>;
type BucketName = (typeof BUCKET_NAMES)[number];

/** What core has given a node for a member. */
export type NodeShare = {
  /** Of the node's count: it begins anew with each run, and after the node had forgotten the member. */
  origin: string;
  /** Up to where what the node spent is settled, by its own count. */
  upTo: number;
  /** The last ask that was answered. */
  id: number;
  /** Units that were taken from the buckets for it and that it has not told to be spent. */
  out: number;
};

export type Ask = {
  origin: string;
  id: number;
  /** All that the node has spent for the member in this count, and how much of that it knows to be settled. */
  spent: number;
  settled: number;
  /** So many units it would like to have; 0: it gives back what it has. */
  want: number;
};

export type Answer = {
  /** Up to where it is settled. */
  upTo: number;
  /** Units that it may spend beyond that. */
  lease: number;
  /** The bucket that is used up, and until when (ms from now) nothing is in it; null: there was enough. */
  empty: { bucket: BucketName; forMs: number } | null;
};

/** More than this never comes from one node: a share is what leaves soon, not a hoard. */
const MOST_AT_ONCE = 150;

export const NEW_SHARE: NodeShare = { origin: "", id: 0, upTo: 0, out: 0 };

/**
 * Settles what a node spent, and gives it new units as far as all buckets have them. What it spent beyond its share is taken
 * from the buckets although they may be used up: then nobody is given anything until time has paid for it. Pure; asked twice the
 * same, the second time settles nothing. Undefined: it answered a later one already.
 */
export function answerAsk(
  { state, share, limits, ask }: { state: MasterState; share: NodeShare; limits: TierLimits; ask: Ask },
  now: number,
): { state: MasterState; share: NodeShare; answer: Answer } | undefined {
  // What it was given in another count and had not spent stays taken: nobody knows what became of it.
  const known = share.origin === ask.origin ? share : { ...NEW_SHARE, origin: ask.origin, upTo: ask.settled };
  if (ask.id < known.id) return undefined;
  const spent = Math.max(0, ask.spent - known.upTo);
  const upTo = Math.max(known.upTo, ask.spent);
  let out = known.out - spent;
  let next = out < 0 ? charge(state, limits, -out, now) : state;
  out = Math.max(0, out);
  if (ask.want === 0) {
    next = charge(next, limits, -out, now);
    return {
      state: next,
      share: { ...known, id: ask.id, upTo, out: 0 },
      answer: { upTo, lease: 0, empty: null },
    };
  }
  const wanted = Math.min(ask.want, MOST_AT_ONCE, limits.burst.burst) - out;
  const fitting = wanted > 0 ? mostThatFits(next, limits, wanted, now) : { units: 0, empty: null };
  next = charge(next, limits, fitting.units, now);
  out += fitting.units;
  return {
    state: next,
    share: { ...known, id: ask.id, upTo, out },
    answer: { upTo, lease: out, empty: out === 0 ? fitting.empty : null },
  };
}

/** What was spent before core knew is paid by time, but by no more than a period: nobody is locked out for longer. */
const settled = (bucket: TierLimits[BucketName], tat: number, now: number): number =>
  gcraSettled(bucket, tat, now, MAX_WAIT_MS + bucket.periodMs);

const tatOf = (state: MasterState, limits: TierLimits, name: BucketName, now: number): number =>
  settled(limits[name], Math.max(now, state[name] ?? now), now);

/** Takes units from all buckets, or gives them back; never fuller than unused. */
function charge(state: MasterState, limits: TierLimits, units: number, now: number): MasterState {
  if (units === 0) return state;
  const next: Partial<Record<BucketName, number>> = {};
  for (const name of BUCKET_NAMES) {
    const { periodMs, limit } = limits[name];
    next[name] = settled(limits[name], tatOf(state, limits, name, now) + (periodMs / limit) * units, now);
  }
  return next;
}

/** As many of the wanted units as all buckets have, or why there is none. */
function mostThatFits(state: MasterState, limits: TierLimits, wanted: number, now: number) {
  let units = wanted;
  let empty: Answer["empty"] = null;
  for (const name of BUCKET_NAMES) {
    const bucket = limits[name];
    const interval = bucket.periodMs / bucket.limit;
    const tat = tatOf(state, limits, name, now);
    const room = Math.floor((now + MAX_WAIT_MS + interval * bucket.burst - tat) / interval + 1e-6);
    units = Math.min(units, Math.max(0, room));
    if (room >= 1) continue;
    const forMs = Math.max(1, Math.ceil(tat + interval - (now + MAX_WAIT_MS + interval * bucket.burst)));
    if (!empty || forMs > empty.forMs) empty = { bucket: name, forMs };
  }
  return { units, empty };
}
