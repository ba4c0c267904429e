import { expect, test } from "vitest";
import { guardShrink } from "./guard.ts";

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
