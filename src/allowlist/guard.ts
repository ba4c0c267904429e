const SHRINK_GUARD = { smallest: 10, share: 0.2 };
/** What lapsed longer ago is listed no more, whatever the guard says. */
export const LONGEST_HOLD_MS = 24 * 3_600_000;

/** Entries that would go although nobody took them back; `recent`: those for less than `LONGEST_HOLD_MS`. */
export type Lapsed = { all: number; recent: number };

/**
 * Stops a list that shrinks for no reason that was stated: more than a fifth of the entries (and more than ten) whose
 * labels ended by themselves, as when a labeler stands still. Those stay as they were, for a day at most. What was
 * taken back, and every other change, is never held up. Returns why the recent ones are held; undefined when not.
 */
export function guardShrink(lapsed: Lapsed, listed: number): string | undefined {
  const limit = Math.max(SHRINK_GUARD.smallest, listed * SHRINK_GUARD.share);
  if (lapsed.all <= limit || lapsed.recent === 0) return undefined;
  return `${lapsed.all} of ${listed} entries would vanish although nobody took them back (at most ${Math.floor(limit)} may): a labeler may stand still. They stay listed until a day after they lapsed`;
}
