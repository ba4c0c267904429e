import { describe, expect, test } from "vitest";
import { makeTestAddress, newTestId, readTestAddress, TEST_LIFETIME_MS } from "./address.ts";

const key = new Uint8Array(32).fill(1);
const NOW = Date.UTC(2026, 10, 23, 12);
const random = (n: number) => new Uint8Array(n).fill(7);
const id = newTestId(NOW, random);
const address = makeTestAddress({ handle: "m7abcdef", id }, key, "bounce.coop.test");

test("an address says whose test it is and when it was made, in any case", () => {
  const madeAt = NOW;
  expect(readTestAddress(address, key, NOW)).toEqual({ handle: "m7abcdef", id, madeAt });
  expect(readTestAddress(address.toUpperCase(), key, NOW)).toEqual({ handle: "m7abcdef", id, madeAt });
  expect(address.split("@")[0]!.length).toBeLessThanOrEqual(64);
  expect(newTestId(NOW, random)).toHaveLength(16);
});

describe("not one of ours", () => {
  const later = makeTestAddress(
    { handle: "m7abcdef", id: newTestId(NOW + 3_600_000, random) },
    key,
    "c.test",
  );
  test.each([
    ["made with another key", makeTestAddress({ handle: "m7abcdef", id }, new Uint8Array(32), "c.test"), NOW],
    ["another member's name in it", address.replace("m7abcdef", "m7abcdeg"), NOW],
    [
      "another id",
      address.replace(
        id,
        newTestId(NOW, (n) => new Uint8Array(n)),
      ),
      NOW,
    ],
    ["a day old", address, NOW + TEST_LIFETIME_MS + 1],
    ["of tomorrow", later, NOW],
    ["longer", address.replace("@", "a@"), NOW],
    ["a return path", `b+${id}${id}@bounce.coop.test`, NOW],
    ["nothing", "", NOW],
    ["endless", "test-".padEnd(100_000, "a"), NOW],
  ])("%s", (_, given, now) => expect(readTestAddress(given, key, now)).toBeUndefined());
});
