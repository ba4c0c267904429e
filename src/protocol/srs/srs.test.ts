import { expect, test } from "vitest";
import { readSrs, srsAddress } from "./index.ts";

const key = new Uint8Array(32).fill(1);
const other = new Uint8Array(32).fill(2);
const id = "aaaabbbbccccdddd";
const day = 86_400_000;
const now = Date.UTC(2026, 10, 22);
const address = srsAddress(id, "bounce.pool.test", key, now);

test.each<[string, string, Uint8Array, number, ReturnType<typeof readSrs>]>([
  ["as it was made", address, key, now, { id }],
  ["folded", address.toLowerCase(), key, now, { id }],
  ["with another separator", address.replace("SRS0=", "SRS0+"), key, now, { id }],
  ["three weeks later", address, key, now + 21 * day, { id }],
  ["by a clock that is behind", address, key, now - day, { id }],
  ["later", address, key, now + 22 * day, "expired"],
  ["years later", address, key, now + 700 * day, "expired"],
  ["of another pool", address, other, now, undefined],
  ["with another id", address.replace(id, "aaaabbbbccccddde"), key, now, undefined],
  ["with another day", address.replace(/=(..)=(?=a)/, "=zz="), key, now, undefined],
  ["of the classic form", "SRS0=abcd=ef=example.org=alice@bounce.pool.test", key, now, undefined],
  ["that is no address", "SRS0", key, now, undefined],
  ["that is long", `SRS0=${"a".repeat(400)}@x.test`, key, now, undefined],
])("an address %s", (_, text, secret, at, result) => expect(readSrs(text, secret, at)).toEqual(result));

test("its local part is what every server takes", () => {
  expect(address.split("@")[0]!.length).toBeLessThanOrEqual(64);
  expect(() => srsAddress("x@y", "z", key, now)).toThrow("not an id");
});

test.each(Array.from({ length: 40 }, (_, i) => i * 26))(
  "day %i of the cycle is read as it was written",
  (n) => {
    const at = n * day + 5;
    expect(readSrs(srsAddress(id, "b.test", key, at), key, at)).toEqual({ id });
  },
);
