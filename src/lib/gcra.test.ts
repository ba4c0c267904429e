import { describe, expect, test } from "vitest";
import { gcra, gcraMost, gcraRemaining, gcraSettled, reserve, type Bucket } from "./gcra.ts";

const hourly: Bucket = { limit: 60, periodMs: 3_600_000, burst: 60 };

describe("gcra", () => {
  test("lets the burst through, then one per interval", () => {
    let tat: number | undefined;
    for (let i = 0; i < 60; i++) {
      const result = gcra(hourly, tat, 0);
      expect(result.ok).toBe(true);
      if (result.ok) tat = result.tat;
    }
    expect(gcraRemaining(hourly, tat, 0)).toBe(0);
    expect(gcra(hourly, tat, 0)).toEqual({ ok: false, retryAfterMs: 60_000 });
    expect(gcra(hourly, tat, 60_000).ok).toBe(true);
  });

  test("a batch passes whole or not at all", () => {
    const half = gcra(hourly, undefined, 0, 31);
    expect(half.ok).toBe(true);
    const tat = half.ok ? half.tat : 0;
    expect(gcra(hourly, tat, 0, 30).ok).toBe(false);
    expect(gcra(hourly, tat, 0, 29).ok).toBe(true);
  });

  test("what exceeds the burst can never pass", () => {
    expect(gcra(hourly, undefined, 0, 61)).toEqual({ ok: false, retryAfterMs: Infinity });
  });

  test("an idle bucket fills up again and no further", () => {
    expect(gcraRemaining(hourly, 3_600_000, 0)).toBe(0);
    expect(gcraRemaining(hourly, 3_600_000, 1_800_000)).toBe(30);
    expect(gcraRemaining(hourly, 3_600_000, 9_000_000)).toBe(60);
  });

  test("a time from a clock that was ahead counts as a full bucket, not as a month of waiting", () => {
    const ahead = gcra(hourly, undefined, 30 * 86_400_000);
    const tat = ahead.ok ? ahead.tat : 0;
    expect(gcra(hourly, tat, 0)).toEqual({ ok: false, retryAfterMs: 60_000 });
    const settled = gcraSettled(hourly, tat, 0);
    expect(settled).toBe(3_600_000);
    expect(gcra(hourly, settled, 60_000).ok).toBe(true);
    expect(gcraSettled(hourly, 1_000, 0)).toBe(1_000);
  });
});

describe("reserve", () => {
  const full = 3_600_000;

  test.each<[string, tat: number | undefined, cost: number, maxWait: number, object]>([
    ["an unused bucket", undefined, 60, 0, { ok: true, tat: full, waitMs: 0 }],
    ["a full one", full, 1, 600_000, { ok: true, tat: full + 60_000, waitMs: 60_000 }],
    ["the last place", full + 540_000, 1, 600_000, { ok: true, tat: full + 600_000, waitMs: 600_000 }],
    ["no place any more", full + 600_000, 1, 600_000, { ok: false, retryAfterMs: 60_000 }],
    ["a batch of which a part is too late", full, 11, 600_000, { ok: false, retryAfterMs: 60_000 }],
    ["a batch that fits", full, 10, 600_000, { ok: true, tat: full + 600_000, waitMs: 600_000 }],
    ["without waiting", full, 1, 0, { ok: false, retryAfterMs: 60_000 }],
    ["more than a burst", undefined, 61, 600_000, { ok: false, retryAfterMs: Infinity }],
    ["a clock that was ahead", 30 * full, 1, 600_000, { ok: false, retryAfterMs: 60_000 }],
  ])("%s", (_, tat, cost, maxWait, expected) => {
    expect(reserve(hourly, tat, 0, cost, maxWait)).toEqual(expected);
  });

  test("whoever asks later passes later, no window has more than its limit, and a retry as told succeeds", () => {
    let seed = 1;
    const next = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (let round = 0; round < 50; round++) {
      const bucket = {
        limit: 1 + Math.floor(next() * 100),
        periodMs: 60_000,
        burst: 1 + Math.floor(next() * 100),
      };
      const maxWait = next() * 60_000;
      const passed: number[] = [];
      let tat: number | undefined;
      let now = 1_767_225_600_000;
      for (let i = 0; i < 500; i++) {
        now += Math.floor(next() * next() * 5_000);
        const cost = 1 + Math.floor(next() * Math.min(5, bucket.burst));
        const place = reserve(bucket, tat, now, cost, maxWait);
        if (place.ok) {
          tat = place.tat;
          expect(place.waitMs).toBeLessThanOrEqual(maxWait + 0.02);
          for (let unit = 0; unit < cost; unit++) passed.push(now + place.waitMs);
        } else if (Number.isFinite(place.retryAfterMs)) {
          expect(reserve(bucket, tat, now + place.retryAfterMs, cost, maxWait).ok).toBe(true);
        }
      }
      passed.forEach((at, i) => expect(at).toBeGreaterThanOrEqual((passed[i - 1] ?? 0) - 0.02));
      for (const window of [1_000, 60_000, 600_000]) {
        let first = 0;
        passed.forEach((at, last) => {
          while (at - passed[first]! > window) first++;
          expect(last - first + 1).toBeLessThanOrEqual(gcraMost([bucket], window + 1));
        });
      }
    }
  });
});
