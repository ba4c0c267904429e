import { describe, expect, test } from "vitest";
import { reserve } from "../lib/gcra.ts";
import type { Charge } from "./charge.ts";
import { createCounters } from "./counters.ts";
import { hourlyBucket, dailyBucket } from "./limits.ts";
import { DAY, HOUR } from "./policy.fixture.ts";

const MINUTE = 60_000;
const T = 1_767_225_600_000;
const did = "did:plc:a";
const BUCKETS = { hour: hourlyBucket(60), day: dailyBucket(144) };

function charges(cost: number): Charge[] {
  return Object.entries(BUCKETS).map(([name, bucket]) => ({
    name,
    pool: false,
    bucket,
    cost,
    reason: "over-limit",
    words: "",
  }));
}

type Counters = ReturnType<typeof createCounters>;

/** Takes `cost` at `now` from both buckets. */
function take(counters: Counters, cost: number, now: number): void {
  const state = counters.view(did, now);
  const after = Object.fromEntries(
    Object.entries(BUCKETS).map(([name, bucket]) => {
      const place = reserve(bucket, state[name], now, cost, 0);
      if (!place.ok) throw new Error(`${name} has no room`);
      return [name, place.tat];
    }),
  );
  counters.take(did, charges(cost), after, now);
}

/** How many may leave at once at `now`, of each bucket. */
function free(counters: Counters, now: number): number[] {
  const state = counters.view(did, now);
  return Object.entries(BUCKETS).map(([name, bucket]) => {
    let units = 0;
    while (reserve(bucket, state[name], now, units + 1, 0).ok) units++;
    return units;
  });
}

describe("a clock that is set", () => {
  test.each<[what: string, taken: number, idle: number, step: number, hour: number, day: number]>([
    ["not at all", 20, 0, 0, 40, 124],
    ["forward with the time", 20, 10 * MINUTE, 0, 50, 125],
    ["back by an hour", 20, 0, -HOUR, 40, 124],
    ["back by a day", 20, 0, -DAY, 40, 124],
    ["back by a year", 20, 0, -365 * DAY, 40, 124],
    ["back while a bucket is full", 60, 0, -HOUR, 0, 84],
    ["back by an hour after ten minutes without a look", 20, 10 * MINUTE, -HOUR, 40, 124],
    ["back by less than decisions may differ", 20, 0, -30_000, 39, 123],
    ["forward by an hour: one window is given", 60, 0, HOUR, 60, 90],
    ["forward by a year: no more than one", 60, 0, 365 * DAY, 60, 144],
  ])("%s", (_what, taken, idle, step, hour, day) => {
    const counters = createCounters([]);
    take(counters, taken, T);
    expect(free(counters, T + idle + step)).toEqual([hour, day]);
  });

  test("back and forth twice gives one window each time, never more", () => {
    const counters = createCounters([]);
    let now = T;
    for (let n = 0; n < 2; n++) {
      take(counters, free(counters, now)[0]!, now);
      expect(free(counters, now)[0]).toBe(0);
      now -= HOUR;
      expect(free(counters, now)[0]).toBe(0);
      now += HOUR;
      expect(free(counters, now)[0]).toBe(60);
    }
  });

  test.each<[what: string, step: number, hour: number]>([
    ["the same", 0, 40],
    ["an hour back: as full as a bucket can be, and ten minutes", -HOUR, 0],
    ["a year back: no fuller than that", -365 * DAY, 0],
  ])("over a restart, %s", (_what, step, hour) => {
    const before = createCounters([]);
    take(before, 20, T);
    const rows = before.rows({ did, charges: charges(20), at: T });
    const after = createCounters(rows);
    expect(free(after, T + step)[0]).toBe(hour);
    // What the clock's error locks out lasts for a window and the time that a message may be paced.
    expect(free(after, T + step + HOUR + 10 * MINUTE)[0]).toBe(60);
  });

  test("what was moved is written with the next message", () => {
    const counters = createCounters([]);
    take(counters, 20, T);
    counters.view(did, T - HOUR);
    const rows = counters.rows({ did, charges: [], at: T });
    expect(rows.map(({ bucket }) => bucket).sort()).toEqual(["day", "hour"]);
    expect(free(createCounters(rows), T - HOUR)).toEqual([40, 124]);
  });
});
