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

const GROWTH_GUARD = { smallest: 200, share: 0.25 };
const DAY_MS = 24 * 3_600_000;

/** How many new entries came of late: so many at `at` (ms), fewer as time goes by. */
export type Growth = { grown: number; at: number };

/**
 * Stops a list that grows faster than members join, as when a labeler was broken into: 200 new entries a day, or a quarter
 * of the list where that is more. `room`: how many may come now, of `waiting`; the others come later, or when a person
 * releases them. `next`: what to keep once those have come.
 */
export function guardGrowth(
  waiting: number,
  growth: Growth,
  listed: number,
  now: number,
): { room: number; next: Growth; why: string | undefined } {
  const aDay = Math.max(GROWTH_GUARD.smallest, Math.floor(listed * GROWTH_GUARD.share));
  const faded = Math.max(0, growth.grown - (aDay * Math.max(0, now - growth.at)) / DAY_MS);
  const room = Math.min(waiting, Math.max(0, Math.floor(aDay - faded)));
  return {
    room,
    next: { grown: faded + room, at: now },
    why:
      room === waiting
        ? undefined
        : `${waiting - room} new entries wait: ${aDay} a day may come. If all is as it should be, let them in with \`atmos allowlist release\``,
  };
}
