import { expect, test } from "vitest";
import { afterOne, rateOf, waitFor } from "./pace.ts";

/** Times, in seconds, at which messages leave when each goes as soon as it may. */
function leaveAt(perMinute: number, n: number, isCode = false): number[] {
  const rate = rateOf(perMinute);
  let now = 1_000_000;
  const begin = now;
  let next = 0;
  return Array.from({ length: n }, () => {
    now += waitFor(next, rate, now, isCode);
    next = afterOne(next, rate, now);
    return (now - begin) / 1_000;
  });
}

test.each<[perMinute: number, n: number, expected: number[]]>([
  [60, 8, [0, 0, 0, 0, 0, 1, 2, 3]],
  [6, 4, [0, 10, 20, 30]],
  [1, 3, [0, 60, 120]],
  [600, 52, [...Array<number>(50).fill(0), 0.1, 0.2]],
])("%i a minute", (perMinute, n, expected) => {
  expect(leaveAt(perMinute, n)).toEqual(expected);
});

test("in an hour no more leave than the rate allows, and one burst", () => {
  for (const perMinute of [1, 7, 60, 1_000]) {
    const all = leaveAt(perMinute, perMinute * 61 + 100).filter((at) => at < 3_600);
    expect(all.length).toBeLessThanOrEqual(perMinute * 60 + rateOf(perMinute).burst);
    expect(all.length).toBeGreaterThanOrEqual(perMinute * 60);
  }
});

test("a login code goes at once where other mail waits, and the others wait for it", () => {
  const rate = rateOf(60);
  let next = 0;
  for (let i = 0; i < 5; i++) next = afterOne(next, rate, 0);
  expect([waitFor(next, rate, 0), waitFor(next, rate, 0, true)]).toEqual([1_000, 0]);
  next = afterOne(next, rate, 0);
  expect(waitFor(next, rate, 0)).toBe(2_000);
  // Codes too have an end: three bursts.
  expect(leaveAt(60, 17, true).slice(13)).toEqual([0, 0, 1, 2]);
});

test("silence earns no more than one burst", () => {
  const rate = rateOf(60);
  const next = afterOne(0, rate, 3_600_000);
  expect(waitFor(next, rate, 3_600_000)).toBe(0);
  expect(next).toBe(3_601_000);
});
