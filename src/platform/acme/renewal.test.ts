import { describe, expect, test } from "vitest";
import { renewal, type RenewalFacts } from "./renewal.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = 1_000 * DAY;
/** Ninety days, of which so many are past. */
const held = (daysPast: number, covers = true) => ({
  notBefore: NOW - daysPast * DAY,
  notAfter: NOW + (90 - daysPast) * DAY,
  covers,
});
const fine: RenewalFacts = {
  now: NOW,
  held: held(1),
  failures: 0,
  lastFailureAt: 0,
  retryAfterMs: 0,
  asked: false,
  spread: 0,
};
const failed = (failures: number, agoMs: number, more: Partial<RenewalFacts> = {}) => ({
  ...fine,
  held: undefined,
  failures,
  lastFailureAt: NOW - agoMs,
  ...more,
});

describe("when a certificate is to be asked for, from now", () => {
  test.each<[string, RenewalFacts, number, string]>([
    ["there is none", { ...fine, held: undefined }, 0, "first"],
    ["it lacks a name", { ...fine, held: held(1, false) }, 0, "names"],
    ["it is new: at two thirds", fine, 59 * DAY, "life"],
    ["two thirds are past", { ...fine, held: held(60) }, 0, "life"],
    ["it expired", { ...fine, held: held(100) }, -40 * DAY, "life"],
    ["spread over a fiftieth of its life", { ...fine, spread: 1 }, 59 * DAY - 1.8 * DAY, "life"],
    ["one failure just now", failed(1, 0), 2 * MINUTE, "retry"],
    ["one failure, two minutes ago", failed(1, 2 * MINUTE), 0, "first"],
    ["two failures", failed(2, 0), 10 * MINUTE, "retry"],
    ["three failures", failed(3, 0), 30 * MINUTE, "retry"],
    ["seven failures", failed(7, 0), 8 * HOUR, "retry"],
    ["a hundred failures: twice a day", failed(100, 0), 12 * HOUR, "retry"],
    ["pauses are spread too", failed(3, 0, { spread: 1 }), 37.5 * MINUTE, "retry"],
    ["the authority asks for more", failed(1, 0, { retryAfterMs: 3 * HOUR }), 3 * HOUR, "retry"],
    ["the authority asks for less", failed(3, 0, { retryAfterMs: 1_000 }), 30 * MINUTE, "retry"],
    ["the authority asks for a year", failed(1, 0, { retryAfterMs: 365 * DAY }), 7 * DAY, "retry"],
    ["a person asks", failed(7, 10_000, { asked: true }), 50_000, "retry"],
    [
      "a person asks, the authority asked first",
      failed(7, 0, { asked: true, retryAfterMs: HOUR }),
      HOUR,
      "retry",
    ],
    ["a person asks without a failure", { ...fine, asked: true }, 59 * DAY, "life"],
    ["the failure is in the future: the clock was wrong", failed(1, -90 * DAY), 2 * MINUTE, "retry"],
    ["the name that lacks failed", failed(2, MINUTE, { held: held(1, false) }), 9 * MINUTE, "retry"],
    ["it failed for what no longer is to be done", failed(1, 0, { held: held(1) }), 59 * DAY, "life"],
  ])("%s", (_, facts, fromNow, why) => {
    const plan = renewal(facts);
    expect({ fromNow: plan.at - NOW, why: plan.why }).toEqual({ fromNow, why });
  });
});

test("the first hour has four tries, fewer than authorities refuse", () => {
  let at = 0;
  const tries = [0];
  for (let failures = 1; at < HOUR; failures++) {
    at = renewal({ ...fine, held: undefined, now: at, failures, lastFailureAt: at }).at;
    tries.push(at);
  }
  expect(tries.filter((time) => time < HOUR)).toEqual([0, 2 * MINUTE, 12 * MINUTE, 42 * MINUTE]);
});
