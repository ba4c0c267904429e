import { sources, type SourceRow } from "./sources.ts";

/** A day or a week, named by its first day. */
export type Period = {
  day: number;
  /** Somebody reported about one of its days; without, nobody knows anything of it, which is not nothing. */
  known: boolean;
  ours: number;
  aligned: number;
  unaligned: number;
};

/** The last is the one with the day `to`. Days since 1970-01-01. */
export type PeriodRange = { to: number; count: number; length: number };

/**
 * Messages by day or week (`length` days each), oldest first. What was sent from addresses of the pool (`known`) is `ours`; of
 * others what passed is `aligned`. `days` are those that somebody reported about. Pure.
 */
export function periodsOf(
  rows: readonly SourceRow[],
  known: Iterable<string>,
  { to, count, length }: PeriodRange,
  days: ReadonlySet<number>,
): Period[] {
  const { ours, aligned, unaligned } = sources(rows, known);
  const first = to - count * length + 1;
  const found = Array.from({ length: count }, (_, n): Period => {
    const day = first + n * length;
    const own = Array.from({ length }, (_unused, i) => day + i);
    return { day, known: own.some((one) => days.has(one)), ours: 0, aligned: 0, unaligned: 0 };
  });
  const periodOf = (day: number) => found[Math.floor((day - first) / length)];
  for (const { day, messages } of ours.flatMap((source) => source.days)) {
    const period = periodOf(day);
    if (period) period.ours += messages;
  }
  for (const { day, messages, aligned: passed } of [...aligned, ...unaligned].flatMap(
    (source) => source.days,
  )) {
    const period = periodOf(day);
    if (!period) continue;
    period.aligned += passed;
    period.unaligned += messages - passed;
  }
  return found;
}
