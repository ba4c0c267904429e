import { expect, test } from "vitest";
import { hasMoreValues } from "./json-size.ts";

const MOST = 4;

test.each<[string, string, boolean]>([
  ["a value", "1", false],
  ["as many as there may be", "[1,2,3]", false],
  ["one more", "[1,2,3,4]", true],
  ["members of an object", '{"a":1,"b":2,"c":3}', false],
  ["one more member", '{"a":1,"b":2,"c":3,"d":4}', true],
  ["nested", "[[[]]]", false],
  ["nested deeper", "[[[[]]]]", true],
  ["nested, and never closed", "[[[[", true],
  ["what is in a string is text", '["[[[[,,,,{{{{"]', false],
  ["after an escaped quote too", '["\\",,,,,,"]', false],
  ["a string that ends with a backslash", '["\\\\",1,2,3]', true],
  ["a string without an end", '"[,,,,,', false],
  ["nothing", "", false],
])("%s: %s", (_, json, more) => {
  expect(hasMoreValues(Buffer.from(json), MOST)).toBe(more);
});

test("holds nobody up, whatever 26 MiB hold", () => {
  for (const piece of ['\\"', "\\\\", "a", " "]) {
    const json = Buffer.from(`["${piece.repeat((26 * 1024 * 1024) / piece.length)}"]`);
    const begun = performance.now();
    expect(hasMoreValues(json, MOST)).toBe(false);
    expect(performance.now() - begun).toBeLessThan(2_000);
  }
});
