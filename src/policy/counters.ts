import { moved, type Charge } from "./charge.ts";
import { longestAhead, type LimitState } from "./limits.ts";
import type { LimitRow } from "./store.ts";

/** What was taken, to be kept (`rows`) or given back. */
export type Receipt = { did: string; charges: readonly Charge[]; at: number };

/** Under this name stand the buckets of the whole pool. */
const POOL = "*";
const SWEEP_MS = 600_000;
/** A clock that is further back than this was set; decisions that overlap differ by less. */
const STEP_MS = 60_000;
/** Rows of other buckets that one acceptance writes too. */
const WRITTEN_AT_ONCE = 50;

const keyOf = (did: string, bucket: string) => `${did} ${bucket}`;
const ownerOf = (did: string, { pool }: Charge) => (pool ? POOL : did);

/** The state of all limits in memory. Nothing here waits, so parallel submissions cannot pass a limit together. */
export function createCounters(saved: readonly LimitRow[]) {
  const states = new Map<string, Map<string, number>>();
  /** Changed by no acceptance (settled, forgiven): to be written with the next one. */
  const unwritten = new Map<string, Omit<LimitRow, "tat">>();
  let sweptAt = -Infinity;
  let latest = -Infinity;

  const stateOf = (did: string) => states.get(did);
  const tatOf = (did: string, bucket: string): number => stateOf(did)?.get(bucket) ?? 0;

  function set(did: string, bucket: string, tat: number): void {
    if (tat <= 0) return drop(did, bucket);
    let state = states.get(did);
    if (!state) states.set(did, (state = new Map()));
    state.set(bucket, tat);
  }

  function drop(did: string, bucket: string): void {
    if (states.get(did)?.delete(bucket)) write(did, bucket);
  }

  function write(did: string, bucket: string): void {
    unwritten.set(keyOf(did, bucket), { did, bucket });
  }

  /** A bucket that is not ahead of now is an unused one; one far ahead was written by a clock that was wrong. */
  function settle(did: string, now: number): void {
    for (const [bucket, tat] of stateOf(did) ?? []) {
      const longest = longestAhead(bucket);
      if (longest === undefined) continue;
      if (tat <= now) drop(did, bucket);
      else if (tat > now + longest) set(did, bucket, now + longest);
    }
  }

  /**
   * After the clock was set back every bucket is as full as when it was last looked at, neither fuller (an hour's bucket
   * would be used up for the hour that comes again) nor emptier.
   */
  function follow(now: number): void {
    const back = latest - now;
    latest = back > STEP_MS ? now : Math.max(latest, now);
    if (back <= STEP_MS || back === Infinity) return;
    for (const [did, state] of states) {
      for (const [bucket, tat] of state) {
        if (longestAhead(bucket) === undefined) continue;
        set(did, bucket, tat - back);
        write(did, bucket);
      }
    }
  }

  function sweep(now: number): void {
    if (Math.abs(now - sweptAt) < SWEEP_MS) return;
    sweptAt = now;
    for (const [did, state] of states) {
      settle(did, now);
      if (state.size === 0) states.delete(did);
    }
  }

  function view(did: string, now: number): LimitState {
    follow(now);
    settle(did, now);
    settle(POOL, now);
    const state: Record<string, number> = {};
    for (const [bucket, tat] of stateOf(did) ?? []) state[bucket] = tat;
    for (const [bucket, tat] of stateOf(POOL) ?? []) state[bucket] = tat;
    return state;
  }

  for (const { did, bucket, tat } of saved) set(did, bucket, tat);

  return {
    view,
    get: tatOf,
    set(did: string, bucket: string, tat: number): void {
      set(did, bucket, tat);
      write(did, bucket);
    },
    /** Takes the charges: `after` has what `take` (charge.ts) made of the state that `view` gave just now. */
    take(did: string, charges: readonly Charge[], after: LimitState, now: number): Receipt {
      sweep(now);
      for (const charge of charges) set(ownerOf(did, charge), charge.name, after[charge.name]!);
      return { did, charges, at: now };
    },
    giveBack({ did, charges }: Receipt): void {
      for (const charge of charges) {
        const owner = ownerOf(did, charge);
        const tat = stateOf(owner)?.get(charge.name);
        if (tat !== undefined) set(owner, charge.name, tat - moved(charge));
      }
    },
    /** The buckets that were taken from, as they are now, and some that changed otherwise. */
    rows({ did, charges }: Receipt): LimitRow[] {
      const rows = charges.map((charge) => {
        const owner = ownerOf(did, charge);
        return { did: owner, bucket: charge.name, tat: tatOf(owner, charge.name) };
      });
      for (const [key, row] of unwritten) {
        if (rows.length - charges.length >= WRITTEN_AT_ONCE) break;
        rows.push({ ...row, tat: tatOf(row.did, row.bucket) });
        unwritten.delete(key);
      }
      return rows;
    },
  };
}
