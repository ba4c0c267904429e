import { expect, test } from "vitest";
import { randomId } from "../../lib/ids.ts";
import { makeReturnPath, makeToken, readToken } from "./index.ts";

const key = Buffer.alloc(32, 1);
const id = "abcdefghijklmnop";
const path = makeReturnPath(makeToken(id, key), "bounce.member.test");

test("a return path gives its id back, whatever happened to its case", () => {
  expect(path).toMatch(/^b\+[a-z2-7]{32}@bounce\.member\.test$/);
  expect(readToken(path, key)).toBe(id);
  expect(readToken(path.toUpperCase(), key)).toBe(id);
  expect(readToken(path.split("@")[0]!, key)).toBe(id);
  for (let i = 0; i < 50; i++) {
    const other = randomId(10);
    expect(readToken(makeReturnPath(makeToken(other, key), "x.test"), key)).toBe(other);
  }
});

test("it is the same on every retry", () => {
  expect(makeToken(id, key)).toBe(makeToken(id, key));
});

test.each([
  ["another id", path.replace("abcdefgh", "bbcdefgh")],
  ["an altered code", path.replace(/(.)@/, (_all, c: string) => (c === "a" ? "b@" : "a@"))],
  ["too short", path.replace(/..@/, "@")],
  ["too long", path.replace("@", "aa@")],
  ["no prefix", path.slice(2)],
  ["not base32", path.replace("abcdefgh", "abcd!fgh")],
  ["empty", ""],
  ["a megabyte", "b+".padEnd(1_000_000, "a")],
])("%s is not ours", (_name, address) => {
  expect(readToken(address, key)).toBeUndefined();
});

test("another key is another pool", () => {
  expect(readToken(path, Buffer.alloc(32, 2))).toBeUndefined();
});
