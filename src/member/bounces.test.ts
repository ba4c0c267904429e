import { expect, test } from "vitest";
import { bounceChoice, isOwnAddress } from "./bounces.ts";

const own = { domains: ["ada.test"], contacts: ["mailto:ada@mail.test", "@ada:matrix.test"] };

test.each([
  ["ops@ada.test", true],
  ["ops@lists.ada.test", true],
  ["ada@mail.test", true],
  ["eve@mail.test", false],
  ["ops@notada.test", false],
  ["ops@ada.test.evil.test", false],
  ["@ada:matrix.test", false],
])("%s is the member's: %s", (address, expected) => expect(isOwnAddress(address, own)).toBe(expected));

test.each([
  ["sender", { to: "sender" }],
  ["nobody", { to: "nobody" }],
  ["ops@ada.test", { to: "address", address: "ops@ada.test" }],
  ["ops@left.test", { to: "nobody" }],
])("%s stands for %j", (stored, expected) => expect(bounceChoice(stored, own)).toEqual(expected));
