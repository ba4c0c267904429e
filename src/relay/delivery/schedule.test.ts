import { expect, test } from "vitest";
import { EXPIRY_MS, lifetimeOf, nextAttempt } from "./schedule.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test.each<[attempts: number, waitMs: number]>([
  [1, MINUTE],
  [2, 5 * MINUTE],
  [3, 10 * MINUTE],
  [4, 20 * MINUTE],
  [5, 40 * MINUTE],
  [6, HOUR],
  [7, 2 * HOUR],
  [8, 4 * HOUR],
  [9, 6 * HOUR],
  [30, 6 * HOUR],
])("after %i failed attempts the next one is in %i ms", (attempts, waitMs) => {
  expect(nextAttempt(attempts, { now: 1_000, left: EXPIRY_MS }, () => 0.5)).toBe(1_000 + waitMs);
  expect(nextAttempt(attempts, { now: 1_000, left: EXPIRY_MS }, () => 0)).toBe(
    Math.round(1_000 + waitMs * 0.8),
  );
  expect(nextAttempt(attempts, { now: 1_000, left: EXPIRY_MS }, () => 1)).toBe(
    Math.round(1_000 + waitMs * 1.2),
  );
});

test("the last attempt is at the end of its time, and then it is over", () => {
  expect(nextAttempt(20, { now: 1_000, left: HOUR }, () => 0.5)).toBe(1_000 + HOUR);
  expect(nextAttempt(20, { now: 1_000, left: 0 }, () => 0.5)).toBeUndefined();
  expect(nextAttempt(20, { now: 1_000, left: -HOUR }, () => 0.5)).toBeUndefined();
});

test("mail has five days, a TLS report one (RFC 8460 section 5.5)", () => {
  expect([lifetimeOf({ ask: "usual" }), lifetimeOf({ ask: "tls-report" })]).toEqual([
    5 * 24 * HOUR,
    24 * HOUR,
  ]);
});
