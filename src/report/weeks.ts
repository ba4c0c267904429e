import { sources, type SourceRow } from "./sources.ts";

/** Seven days, named by the first of them. */
export type Week = {
  day: number;
  /** Somebody reported about one of its days; without, nobody knows anything of it, which is not nothing. */
  known: boolean;
  ours: number;
  aligned: number;
  unaligned: number;
};

/**
 * Messages by week, oldest first; the last week ends with `to`. An address is of the kind that it is over all of `rows`, but of
 * one that is not the pool's what did not pass is unaligned. `days` are those that somebody reported about. Pure.
 */
export function weeksOf(
  rows: readonly SourceRow[],
  known: Iterable<string>,
  { to, weeks, days }: { to: number; weeks: number; days: ReadonlySet<number> },
): Week[] {
  const kinds = sources(rows, known);
  const own = new Set(kinds.ours.map(({ ip }) => ip));
  const first = to - weeks * 7 + 1;
  const found = Array.from({ length: weeks }, (_, n): Week => {
    const day = first + n * 7;
    const isKnown = Array.from({ length: 7 }, (_unused, i) => day + i).some((one) => days.has(one));
    return { day, known: isKnown, ours: 0, aligned: 0, unaligned: 0 };
  });
  for (const source of Object.values(kinds).flat())
    for (const { day, messages, aligned } of source.days) {
      const week = found[Math.floor((day - first) / 7)];
      if (!week) continue;
      if (own.has(source.ip)) week.ours += messages;
      else {
        week.aligned += aligned;
        week.unaligned += messages - aligned;
      }
    }
  return found;
}
