import { expect, it } from "vitest";
import { behaviourOf, refusal } from "./script.ts";

it.each([
  ["bounce@bigmail.test", "bounce"],
  ["Bounce7@bigmail.test", "bounce"],
  ["bounce+anna@bigmail.test", "bounce"],
  ["defer12@post.test", "defer"],
  ["ok@post.test", "accept"],
  ["anna@post.test", "accept"],
  ["spamela@post.test", "accept"],
  ["slowly@post.test", "accept"],
  ['"a@b"@post.test', "accept"],
])("%s is %s", (address, behaviour) => expect(behaviourOf(address)).toBe(behaviour));

it.each([
  ["accept", 0, undefined],
  ["slow", 0, undefined],
  ["bounce", 9, "550 5.1.1"],
  ["defer", 0, "451 4.7.1"],
  ["defer", 1, "451 4.7.1"],
  ["defer", 2, undefined],
  ["full", 1, "452 4.2.2"],
  ["full", 2, "552 5.2.2"],
] as const)("%s after %i tries answers %s", (behaviour, tries, expected) => {
  const reply = refusal(behaviour, tries);
  expect(reply && `${reply.code} ${reply.text.slice(0, 5)}`).toBe(expected);
});
