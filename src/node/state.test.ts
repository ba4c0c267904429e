import { describe, expect, test } from "vitest";
import { createEar, nodeState } from "./state.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const limits = { afterMs: MINUTE, mostMs: 24 * HOUR };

test.each([
  ["core was heard just now", 10_000, false, "serving"],
  ["core missed some", MINUTE - 1, false, "serving"],
  ["core is away", MINUTE, false, "cut-off"],
  ["for a day less a moment", 24 * HOUR - 1, false, "cut-off"],
  ["for a day", 24 * HOUR, false, "silent"],
  ["core was never heard", null, false, "silent"],
  ["it is drained", 0, true, "draining"],
  ["it is drained and cut off", HOUR, true, "draining"],
  ["it is drained, and core is away for a day", 24 * HOUR, true, "silent"],
] as const)("%s", (_, silentFor, draining, expected) => {
  expect(nodeState({ silentFor, draining }, limits)).toBe(expected);
});

describe("how long core is silent", () => {
  let now = 10 * HOUR;
  const ear = () => createEar(() => now);

  test("never heard, heard, and silent since", () => {
    const one = ear();
    expect(one.silentFor()).toBeNull();
    one.heard(now);
    now += HOUR;
    expect(one.silentFor()).toBe(HOUR);
    one.heard(now);
    expect(one.silentFor()).toBe(0);
  });

  test("after a restart the last word is as old as it was", () => {
    const one = ear();
    one.heard(now - 5 * HOUR);
    expect(one.silentFor()).toBe(5 * HOUR);
  });

  test("a word that comes twice, or late, is no news", () => {
    const one = ear();
    one.heard(now);
    now += HOUR;
    one.heard(now - HOUR);
    one.heard(now - 2 * HOUR);
    expect(one.silentFor()).toBe(HOUR);
  });

  test("a clock that is set back makes it no shorter, and core's may be ahead", () => {
    const one = ear();
    one.heard(now + MINUTE);
    now += HOUR;
    expect(one.silentFor()).toBe(HOUR);
    now -= 3 * HOUR;
    expect(one.silentFor()).toBe(HOUR);
    now += 5 * HOUR;
    expect(one.silentFor()).toBe(3 * HOUR);
  });
});
