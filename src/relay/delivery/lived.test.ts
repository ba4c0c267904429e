import { describe, expect, test } from "vitest";
import { livedAgo, livedBetween, look, type Gap, type Known } from "./lived.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const T = 1_000 * DAY;

describe("a look at the clock", () => {
  type Row = [string, gaps: Gap[], wall: number, passed: number | undefined, after: Gap[], step: number];
  test.each<Row>([
    ["a minute later", [], T + MINUTE, MINUTE, [], 0],
    ["put right by some minutes", [], T + 10 * MINUTE, MINUTE, [], 0],
    [
      "set five days ahead",
      [],
      T + 5 * DAY + MINUTE,
      MINUTE,
      [{ from: T + MINUTE, to: T + 5 * DAY + MINUTE }],
      5 * DAY,
    ],
    ["a start after half an hour", [], T + HOUR / 2, undefined, [], 0],
    ["a start after two days", [], T + 2 * DAY, undefined, [{ from: T, to: T + 2 * DAY }], 2 * DAY],
    [
      "the right time, after 1970",
      [],
      T + 20_000 * DAY,
      0,
      [{ from: T, to: T + 20_000 * DAY }],
      20_000 * DAY,
    ],
    [
      "set ahead, and right again an hour later",
      [{ from: T - 6 * DAY, to: T - HOUR }],
      T - 6 * DAY + HOUR,
      0,
      [{ from: T - 6 * DAY, to: T - 6 * DAY + HOUR }],
      HOUR - 6 * DAY,
    ],
    ["set back to before a gap", [{ from: T - 2 * DAY, to: T - DAY }], T - 3 * DAY, 0, [], -3 * DAY],
    [
      "what was long ago is forgotten",
      [{ from: T - 50 * DAY, to: T - 40 * DAY }],
      T + 2 * HOUR,
      0,
      [{ from: T, to: T + 2 * HOUR }],
      2 * HOUR,
    ],
  ])("%s", (_name, gaps, wall, passed, after, step) => {
    expect(look({ wall: T, gaps }, wall, passed)).toEqual({ known: { wall, gaps: after }, step });
  });

  test("a clock that runs a little fast, looked at each minute for a month, makes no gap", () => {
    let known: Known = { wall: T, gaps: [] };
    for (let n = 0; n < 30 * 24 * 60; n++) ({ known } = look(known, known.wall + 1.01 * MINUTE, MINUTE));
    expect(known.gaps).toEqual([]);
  });

  test("however often it is set, what is kept has an end", () => {
    let known: Known = { wall: T, gaps: [] };
    for (let n = 0; n < 1_000; n++) ({ known } = look(known, known.wall + DAY, 0));
    expect(known.gaps).toHaveLength(100);
  });
});

const gaps: Gap[] = [
  { from: T - 10 * DAY, to: T - 8 * DAY },
  { from: T - 3 * DAY, to: T - DAY },
];

test.each([
  [T - HOUR, HOUR],
  [T - DAY, DAY],
  [T - 2 * DAY, DAY],
  [T - 4 * DAY, 2 * DAY],
  [T - 11 * DAY, 7 * DAY],
])("since %i it lived through %i ms", (from, ms) => expect(livedBetween(gaps, from, T)).toBe(ms));

test.each([0, HOUR, DAY, 5 * DAY, 6 * DAY, 30 * DAY])("what is %i ms old came no later than that", (ms) => {
  const at = livedAgo(gaps, T, ms);
  expect(livedBetween(gaps, at, T)).toBe(ms);
  expect(livedBetween(gaps, at + 1, T)).toBeLessThanOrEqual(ms);
});
