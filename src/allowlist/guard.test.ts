import { expect, test } from "vitest";
import { guardShrink } from "./guard.ts";
import type { Lapsed } from "./store.ts";

const HOUR = 3_600_000;
const NOW = 100 * HOUR;
const lapsed = (n: number, since = NOW): Lapsed[] =>
  Array.from({ length: n }, (_, i) => ({ key: `${since}-${i}.test`, since }));

test.each<[string, Lapsed[], number, number]>([
  ["nothing", [], 100, 0],
  ["ten of ten lapse", lapsed(10), 10, 0],
  ["eleven of eleven lapse", lapsed(11), 11, 11],
  ["a fifth lapses", lapsed(20), 100, 0],
  ["more than a fifth lapses", lapsed(21), 100, 21],
  ["many lapsed a day ago", lapsed(50, NOW - 24 * HOUR), 100, 0],
  ["some a day ago, some now", [...lapsed(30, NOW - 25 * HOUR), ...lapsed(30)], 100, 30],
])("%s", (_, gone, listed, expected) => {
  const { held, why } = guardShrink(gone, listed, NOW);
  expect(held.size).toBe(expected);
  expect(why === undefined).toBe(expected === 0);
});
