/**
 * A stretch of the wall clock that this node did not live through: the clock was set forward, or nothing ran. Ms since the
 * epoch.
 */
export type Gap = { from: number; to: number };

/** What is known of time: when it was looked at last, and the gaps before that, in order, apart from each other. */
export type Known = { wall: number; gaps: readonly Gap[] };

/** A smaller step than this is no gap: clocks are put right by minutes, and an hour less matters to no message. */
const TOLERANCE_MS = 3_600_000;
/** Longer than anything about a message is kept. */
const FORGET_MS = 31 * 86_400_000;
const MOST_GAPS = 100;

/**
 * Another look at the wall clock, `passed` milliseconds after the last one by a clock that nobody sets; undefined: nothing ran
 * meanwhile. `step`: by how much the wall clock differs from what was to be expected, where that is more than an hour.
 */
export function look(known: Known, wall: number, passed: number | undefined): { known: Known; step: number } {
  const expected = known.wall + (passed ?? 0);
  const step = wall - expected;
  if (Math.abs(step) <= TOLERANCE_MS) return { known: { wall, gaps: known.gaps }, step: 0 };
  if (step > 0) {
    const gaps = [...known.gaps, { from: expected, to: wall }];
    const recent = gaps.filter(({ to }) => livedBetween(gaps, to, wall) < FORGET_MS);
    return { known: { wall, gaps: recent.slice(-MOST_GAPS) }, step };
  }
  // Set back: what had not been lived through is to come yet.
  const gaps = known.gaps.flatMap(({ from, to }) => (from < wall ? [{ from, to: Math.min(to, wall) }] : []));
  return { known: { wall, gaps }, step };
}

/** Milliseconds that the node lived through between two times of the wall clock. */
export function livedBetween(gaps: readonly Gap[], from: number, to: number): number {
  const missed = gaps.map((gap) => Math.max(0, Math.min(to, gap.to) - Math.max(from, gap.from)));
  return missed.reduce((left, ms) => left - ms, to - from);
}

/** The latest time since which the node has lived through `ms`: what came then or before is as old as that. */
export function livedAgo(gaps: readonly Gap[], now: number, ms: number): number {
  let at = now - ms;
  for (const { from, to } of gaps.toReversed()) if (to > at) at -= Math.min(now, to) - from;
  return at;
}
