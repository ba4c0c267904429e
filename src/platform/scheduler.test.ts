import { expect, test } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import { silentLog } from "./log.ts";
import { createScheduler } from "./scheduler.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a task runs at once, at each period, and goes on after a failure", async () => {
  const clock = new MovableClock(0);
  const scheduler = createScheduler(clock, silentLog);
  const runs: number[] = [];
  scheduler.every({
    name: "t",
    everyMs: 1_000,
    run: async () => {
      runs.push(clock.now());
      if (runs.length === 2) throw new Error("once");
    },
  });
  for (let i = 0; i < 3; i++) {
    await turn();
    clock.advance(1_000);
  }
  await turn();
  expect(runs).toEqual([0, 1_000, 2_000, 3_000]);
  await scheduler.close();
  clock.advance(10_000);
  await turn();
  expect(runs).toHaveLength(4);
});
