import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

test.each([
  ["gmial", "gmail"],
  ["conections", "connections"],
  ["gmail", "gmail"],
  ["abcdefgh", undefined],
  ["ab", undefined],
  ["", undefined],
  ["x".repeat(100_000), undefined],
])("%s -> %s", (name, expected) => expect(nearest(name, ["gmail", "connections", "class"])).toBe(expected));
