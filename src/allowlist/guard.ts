import type { Change } from "./store.ts";

const SHRINK_GUARD = { smallest: 10, share: 0.2 };
/** What lapsed longer ago is listed no more, whatever the guard says. */
const LONGEST_HOLD_MS = 24 * 3_600_000;

export type Guarded = {
  accepted: Change[];
  /** Entries that lapsed and stay for now. */
  held: Change[];
  why?: string;
};

/**
 * Stops a list that shrinks for no reason that was stated: more than a fifth of the entries (and more than ten) whose
 * labels ended by themselves, as when a labeler stands still. Those stay as they were, for a day at most. What was
 * taken back, and every other change, is never held up.
 */
export function guardShrink(changes: readonly Change[], listed: number, now: number): Guarded {
  const lapsed = changes.filter((change) => change.lapsed && !change.wanted && change.listed);
  const limit = Math.max(SHRINK_GUARD.smallest, listed * SHRINK_GUARD.share);
  if (lapsed.length <= limit) return { accepted: [...changes], held: [] };
  const held = new Set(lapsed.filter(({ since }) => now - since < LONGEST_HOLD_MS));
  if (held.size === 0) return { accepted: [...changes], held: [] };
  return {
    accepted: changes.filter((change) => !held.has(change)),
    held: [...held],
    why: `${lapsed.length} of ${listed} entries would vanish although nobody took them back (at most ${Math.floor(limit)} may): a labeler may stand still. They stay listed until a day after they lapsed`,
  };
}
