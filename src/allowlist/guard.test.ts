import { expect, test } from "vitest";
import { guardGrowth, guardShrink } from "./guard.ts";

test.each<[string, number, number, number, boolean]>([
  ["nothing", 0, 0, 100, false],
  ["ten of ten lapse", 10, 10, 10, false],
  ["eleven of eleven lapse", 11, 11, 11, true],
  ["a fifth lapses", 20, 20, 100, false],
  ["more than a fifth lapses", 21, 21, 100, true],
  ["many lapsed a day ago", 50, 0, 100, false],
  ["some a day ago, some now", 60, 30, 100, true],
])("%s", (_, all, recent, listed, isHeld) => {
  expect(guardShrink({ all, recent }, listed) !== undefined).toBe(isHeld);
});

const HOUR = 3_600_000;
test.each<[string, number, { grown: number; at: number }, number, number, number]>([
  ["nothing", 0, { grown: 0, at: 0 }, 0, 0, 0],
  ["two hundred in an empty list", 200, { grown: 0, at: 0 }, 0, 0, 200],
  ["one more", 201, { grown: 0, at: 0 }, 0, 0, 200],
  ["a quarter of a large one", 3_000, { grown: 0, at: 0 }, 10_000, 0, 2_500],
  ["after the day's share", 5, { grown: 200, at: 0 }, 100, 0, 0],
  ["six hours after the day's share", 100, { grown: 200, at: 0 }, 100, 6 * HOUR, 50],
  ["a day after it", 500, { grown: 200, at: 0 }, 100, 24 * HOUR, 200],
  ["with a clock that goes back", 5, { grown: 200, at: 10 * HOUR }, 100, 0, 0],
])("growth: %s", (_, waiting, growth, listed, now, room) => {
  const guarded = guardGrowth(waiting, growth, listed, now);
  expect([guarded.room, guarded.why === undefined]).toEqual([room, room === waiting]);
});
