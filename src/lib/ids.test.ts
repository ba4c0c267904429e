import { expect, test } from "vitest";
import { base32, snowflakes, unbase32 } from "./ids.ts";

test("snowflakes carry the time and never repeat or go back", () => {
  let now = Date.UTC(2026, 0, 1, 12);
  const next = snowflakes(
    () => now,
    (n) => new Uint8Array(n),
  );
  const first = BigInt(next());
  const second = BigInt(next());
  now -= 5_000;
  const third = BigInt(next());
  expect(Number(first >> 22n) + 1_420_070_400_000).toBe(Date.UTC(2026, 0, 1, 12));
  expect(second).toBeGreaterThan(first);
  expect(third).toBeGreaterThan(second);
});

test.each([[[]], [[0]], [[255, 0, 1]], [[1, 2, 3, 4, 5]], [[9, 8, 7, 6, 5, 4, 3]]])(
  "base32 of %j returns",
  (bytes) => {
    const text = base32(Uint8Array.from(bytes));
    expect(text).toMatch(/^[a-z2-7]*$/);
    expect([...unbase32(text)!]).toEqual(bytes);
  },
);

test("what is not base32 is refused", () => {
  expect(unbase32("ab1!")).toBeUndefined();
});
