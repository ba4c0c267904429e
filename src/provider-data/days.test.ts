import { expect, test } from "vitest";
import { daysBetween, gaps, isDay } from "./days.ts";

const days = (...names: string[]) => names.map((day) => ({ day }));

test.each([
  ["none known: one gap", days(), "2026-02-27", "2026-03-01", [["2026-02-27", "2026-03-01", 3]]],
  ["all known", days("2026-02-27", "2026-02-28", "2026-03-01"), "2026-02-27", "2026-03-01", []],
  [
    "in the middle and at the end",
    days("2026-03-01", "2026-03-03"),
    "2026-03-01",
    "2026-03-05",
    [
      ["2026-03-02", "2026-03-02", 1],
      ["2026-03-04", "2026-03-05", 2],
    ],
  ],
  [
    "rows outside do not count",
    days("2026-02-01", "2026-04-01"),
    "2026-03-01",
    "2026-03-01",
    [["2026-03-01", "2026-03-01", 1]],
  ],
  ["in no order, twice", days("2026-03-02", "2026-03-01", "2026-03-02"), "2026-03-01", "2026-03-02", []],
  ["an empty span", days(), "2026-03-02", "2026-03-01", []],
])("gaps: %s", (_, rows, from, to, expected) => {
  expect(gaps(rows, from, to).map((gap) => [gap.from, gap.to, gap.days])).toEqual(expected);
});

test("days between go over the end of a leap February", () => {
  expect(daysBetween("2028-02-28", "2028-03-01")).toEqual(["2028-02-28", "2028-02-29", "2028-03-01"]);
});

test.each([
  ["2026-02-28", true],
  ["2026-02-30", false],
  ["2026-2-3", false],
  ["", false],
])("%s is a day: %s", (text, expected) => expect(isDay(text)).toBe(expected));
