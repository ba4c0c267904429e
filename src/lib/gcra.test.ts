import { describe, expect, test } from "vitest";
import { gcra, gcraRemaining, gcraSettled, type Bucket } from "./gcra.ts";

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
