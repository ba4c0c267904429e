import { DAY_MS } from "../lib/clock.ts";

/** `YYYY-MM-DD` of an instant, UTC. */
export const dayName = (at: number): string => new Date(at).toISOString().slice(0, 10);

const dayStart = (day: string): number => Date.parse(`${day}T00:00:00Z`);

/** True of a day that the calendar has. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const at = dayStart(text);
  return !Number.isNaN(at) && dayName(at) === text;
}

/** From the one to the other, both included; none when `to` is before `from`. */
export function daysBetween(from: string, to: string): string[] {
  const days: string[] = [];
  for (let at = dayStart(from); at <= dayStart(to); at += DAY_MS) days.push(dayName(at));
  return days;
}

/** The days of `from` to `to` of which there is no row, as stretches, the oldest first. A gap is no zero: nobody said anything. */
export function gaps(
  rows: Iterable<{ day: string }>,
  from: string,
  to: string,
): { from: string; to: string; days: number }[] {
  const known = new Set([...rows].map(({ day }) => day));
  const found: { from: string; to: string; days: number }[] = [];
  let open: { from: string; to: string; days: number } | undefined;
  for (const day of daysBetween(from, to)) {
    if (known.has(day)) open = undefined;
    else if (open) Object.assign(open, { to: day, days: open.days + 1 });
    else found.push((open = { from: day, to: day, days: 1 }));
  }
  return found;
}
