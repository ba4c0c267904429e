import type { Lapsed } from "./store.ts";

const SHRINK_GUARD = { smallest: 10, share: 0.2 };
/** What lapsed longer ago is listed no more, whatever the guard says. */
const LONGEST_HOLD_MS = 24 * 3_600_000;

export type Guarded = {
  /** Keys of entries that lapsed and stay for now. */
  held: ReadonlySet<string>;
  why?: string;
};

/**
 * Stops a list that shrinks for no reason that was stated: more than a fifth of the entries (and more than ten) whose
 * labels ended by themselves, as when a labeler stands still. Those stay as they were, for a day at most. What was
 * taken back, and every other change, is never held up.
 */
export function guardShrink(lapsed: readonly Lapsed[], listed: number, now: number): Guarded {
  const limit = Math.max(SHRINK_GUARD.smallest, listed * SHRINK_GUARD.share);
  if (lapsed.length <= limit) return { held: new Set() };
  const held = new Set(lapsed.filter(({ since }) => now - since < LONGEST_HOLD_MS).map(({ key }) => key));
  if (held.size === 0) return { held };
  return {
    held,
    why: `${lapsed.length} of ${listed} entries would vanish although nobody took them back (at most ${Math.floor(limit)} may): a labeler may stand still. They stay listed until a day after they lapsed`,
  };
}
