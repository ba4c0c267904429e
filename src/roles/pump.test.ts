import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createPump } from "./pump.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("one run at a time, and a last one at the end", async () => {
  const runs: PromiseWithResolvers<void>[] = [];
  const work = () => {
    const run = Promise.withResolvers<void>();
    runs.push(run);
    return run.promise;
  };
  const pump = createPump(work, { everyMs: 100, failed: () => undefined });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(runs).toHaveLength(1);
  const asked = pump.now();
  runs[0]!.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(runs).toHaveLength(2);
  runs[1]!.resolve();
  await asked;
  await vi.advanceTimersByTimeAsync(100);
  expect(runs).toHaveLength(3);
  const closed = pump.close();
  runs[2]!.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(runs).toHaveLength(4);
  runs[3]!.resolve();
  await closed;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(runs).toHaveLength(4);
});

test("a failure is told, and the pauses grow until it works again", async () => {
  let broken = true;
  let runs = 0;
  const pauses: number[] = [];
  const work = async () => {
    runs++;
    if (broken) throw new Error("no disk");
  };
  const pump = createPump(work, {
    everyMs: 100,
    failed: (_error, pauseMs) => pauses.push(pauseMs),
    longestPauseMs: 1_000,
  });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(pauses.slice(0, 5)).toEqual([200, 400, 800, 1_000, 1_000]);
  expect(runs).toBeLessThan(9);
  broken = false;
  await vi.advanceTimersByTimeAsync(1_200);
  const before = runs;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(runs - before).toBe(10);
  await pump.close();
});
