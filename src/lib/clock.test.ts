import { expect, test } from "vitest";
import { MovableClock } from "./clock.ts";

test("a sleeper wakes when the clock is moved past its time, in order", async () => {
  const clock = new MovableClock(1_000);
  const woken: string[] = [];
  const late = clock.sleep(500).then(() => woken.push("late"));
  const early = clock.sleep(100).then(() => woken.push("early"));
  clock.advance(99);
  await Promise.resolve();
  expect(woken).toEqual([]);
  clock.advance(401);
  await Promise.all([late, early]);
  expect(woken).toEqual(["early", "late"]);
  expect(clock.now()).toBe(1_500);
});

test("an aborted sleep returns at once", async () => {
  const stop = new AbortController();
  const slept = new MovableClock(0).sleep(1e9, stop.signal);
  stop.abort();
  await slept;
});

test("it never goes back", () => {
  const clock = new MovableClock(5_000);
  clock.advanceTo(4_000);
  expect(clock.now()).toBe(5_000);
});

test("at a rate it wakes sleepers by itself", async () => {
  const clock = new MovableClock(0, 1_000);
  await clock.sleep(2_000);
  expect(clock.now()).toBeGreaterThanOrEqual(2_000);
});
