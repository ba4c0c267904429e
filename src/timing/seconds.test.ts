import { describe, expect, test } from "vitest";
import { betweenOf, bucketOf, BUCKETS, quantile, type Between } from "./seconds.ts";

test.each([
  [0, 0],
  [-5, 0],
  [1_000, 0],
  [1_001, 1],
  [300_000, 8],
  [300_001, 9],
  [86_400_000, 14],
  [86_400_001, 15],
  [9e12, 15],
])("%i ms are in bucket %i", (ms, bucket) => {
  expect(bucketOf(ms)).toBe(bucket);
});

test("buckets follow each other without a gap", () => {
  for (let i = 1; i <= BUCKETS.length; i++) expect(betweenOf(i).from).toBe(betweenOf(i - 1).to);
  expect(betweenOf(BUCKETS.length).to).toBeNull();
});

const counts = (of: Record<number, number>) =>
  Array.from({ length: BUCKETS.length + 1 }, (_, i) => of[i] ?? 0);

describe("within what time a share was over", () => {
  test.each<[string, number[], number, Between | null]>([
    ["nothing", [], 0.5, null],
    ["zeroes", counts({}), 0.95, null],
    ["one", counts({ 3: 1 }), 0.5, { from: 5, to: 10 }],
    ["one, all of it", counts({ 3: 1 }), 1, { from: 5, to: 10 }],
    ["half and half: the lower half", counts({ 0: 5, 4: 5 }), 0.5, { from: 0, to: 1 }],
    ["half and half: a little more", counts({ 0: 5, 4: 5 }), 0.51, { from: 10, to: 20 }],
    ["19 of 20", counts({ 0: 19, 9: 1 }), 0.95, { from: 0, to: 1 }],
    ["18 of 20", counts({ 0: 18, 9: 2 }), 0.95, { from: 300, to: 600 }],
    ["longer than the longest", counts({ 15: 1 }), 0.5, { from: 86_400, to: null }],
  ])("%s", (_, of, share, expected) => {
    expect(quantile(of, share)).toEqual(expected);
  });
});
