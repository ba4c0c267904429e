import type { LeaseCheck } from "../policy/index.ts";
import type { LimitAsk, LimitGrant } from "./words.ts";

/** What this node has of one member. */
type Share = {
  /** Of its count: another whenever it begins at nothing. */
  origin: string;
  /** Settled, by the count that core is told. */
  base: number;
  /** Units that may be spent beyond what is settled. */
  lease: number;
  /** The pool has none for the member until then. */
  empty: { bucket: NonNullable<LimitGrant["empty"]>["bucket"]; until: number } | undefined;
  /** The ask that has no answer yet, since when there is one without, and when it is sent again. */
  asking: { id: number; since: number; againAt: number; againMs: number } | undefined;
  answered: number;
  spentAt: number;
};

/** Asked for at a time. */
const USUAL = 20;
/** An answer takes two ways over the bus: without one for so long the node is on its own. */
const ANSWER_MS = 15_000;
/** The bus loses nothing, so that an ask is sent again for a core that was put back from a copy alone: ever later. */
const LATEST_AGAIN_MS = 3_600_000;
/** To come again while an answer is on its way; and when none comes. */
const SOON_MS = 2_000;
const LATER_MS = 300_000;
/** What is not used for so long goes back. */
const IDLE_MS = 600_000;

export type LeaseHolderOptions = {
  node: string;
  /** Of this run of the process, and no other. */
  origin: string;
  /** What was spent and is not settled; on disk with the message that spent it. */
  open: (did: string) => number;
  settle: (did: string, units: number) => void;
  ask: (ask: LimitAsk) => void;
  now: () => number;
};

export type LeaseHolder = ReturnType<typeof createLeaseHolder>;

/** A node's shares of its members' limits. Nothing waits for core: what is not answered yet is the allowance's. */
export function createLeaseHolder({ node, origin, open, settle, ask, now }: LeaseHolderOptions) {
  const shares = new Map<string, Share>();
  let asks = 0;
  let counts = 0;

  function shareOf(did: string): Share {
    let share = shares.get(did);
    if (!share) {
      share = {
        origin: `${origin}-${++counts}`,
        base: 0,
        lease: 0,
        empty: undefined,
        asking: undefined,
        answered: 0,
        spentAt: now(),
      };
      shares.set(did, share);
    }
    return share;
  }

  function send(did: string, share: Share, want: number): void {
    const id = ++asks;
    const againMs = share.asking ? Math.min(LATEST_AGAIN_MS, share.asking.againMs * 2) : ANSWER_MS;
    share.asking = { id, since: share.asking?.since ?? now(), againAt: now() + againMs, againMs };
    const { base } = share;
    ask({ node, did, origin: share.origin, id, spent: base + open(did), settled: base, want });
  }

  /** Under way already, or nothing to be had: not asked again. */
  function askFor(did: string, share: Share, want: number): void {
    if (share.asking) return;
    if (share.empty && now() < share.empty.until) return;
    send(did, share, want);
  }

  const leases: LeaseCheck = {
    check(did, cost, allowance, at) {
      const share = shareOf(did);
      const isEmpty = share.empty !== undefined && at < share.empty.until;
      const left = share.lease - open(did);
      if (cost <= left + (isEmpty ? 0 : allowance)) return { ok: true };
      askFor(did, share, Math.max(USUAL, cost));
      if (isEmpty) return { ok: false, retryAfterMs: share.empty!.until - at, bucket: share.empty!.bucket };
      const isAlone = share.asking !== undefined && at - share.asking.since > ANSWER_MS;
      return { ok: false, retryAfterMs: isAlone ? LATER_MS : SOON_MS, bucket: null };
    },
    spent(did, at) {
      const share = shareOf(did);
      share.spentAt = at;
      if (share.lease - open(did) < USUAL / 2) askFor(did, share, USUAL);
    },
  };

  return {
    ...leases,

    /** What core says. A late or repeated answer changes nothing. */
    granted(grant: LimitGrant): void {
      if (grant.node !== node) return;
      const share = shares.get(grant.did);
      if (!share || grant.origin !== share.origin || grant.id <= share.answered) return;
      share.answered = grant.id;
      if (grant.upTo > share.base) {
        settle(grant.did, grant.upTo - share.base);
        // What may be spent in all is the same until core says so.
        share.lease -= grant.upTo - share.base;
        share.base = grant.upTo;
      }
      // Core may have answered a later ask by now, which gives back what this one gave.
      if (share.asking && grant.id < share.asking.id) return;
      share.asking = undefined;
      share.lease = grant.lease;
      share.empty = grant.empty
        ? { bucket: grant.empty.bucket, until: now() + grant.empty.forMs }
        : undefined;
    },

    /** Now and then: asks again what was not answered, gives back what is not used, forgets who is quiet. */
    look(): void {
      const at = now();
      for (const [did, share] of shares) {
        const isIdle = at - share.spentAt > IDLE_MS;
        const spent = open(did);
        if (share.asking) {
          if (at > share.asking.againAt) send(did, share, isIdle ? 0 : USUAL);
        } else if (spent > 0 && share.lease - spent < USUAL / 2) {
          // What was spent is told, also by who sends no more.
          askFor(did, share, isIdle ? 0 : USUAL);
        } else if (isIdle && share.lease > 0) {
          share.lease = Math.min(share.lease, spent);
          send(did, share, 0);
        } else if (isIdle && spent === 0 && !share.empty) {
          shares.delete(did);
        }
      }
    },

    /** After a start: members of whom something is open from before are told to core. */
    resume(dids: Iterable<string>): void {
      for (const did of dids) if (open(did) > 0) askFor(did, shareOf(did), USUAL);
    },

    /** Members whose asks have had no answer for long. */
    unanswered: (): number =>
      [...shares.values()].filter(({ asking }) => asking && now() - asking.since > ANSWER_MS).length,
  };
}
