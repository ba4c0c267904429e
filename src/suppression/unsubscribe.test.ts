import { expect, test } from "vitest";
import { DAY_MS } from "../lib/clock.ts";
import { createUnsubscribeTokens } from "./unsubscribe.ts";

const NOW = Date.UTC(2026, 0, 1);
const who = {
  did: "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
  from: "alder.test",
  key: "k".repeat(22),
  domain: "bigmail.test",
  day: Math.floor(NOW / DAY_MS),
};
const tokens = createUnsubscribeTokens(new Uint8Array(32).fill(4));
const token = tokens.make(who);
const altered = (at: number) => token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);

test("a token says who, and fits into a line of a header", () => {
  expect(tokens.read(token, NOW)).toEqual(who);
  expect(token).toMatch(/^[\w-]+$/);
  expect(token.length).toBeLessThan(300);
  expect(token).not.toContain(Buffer.from("alder").toString("base64url").slice(0, 5));
});

test.each<[string, string, number]>([
  ["altered at its beginning", altered(0), NOW],
  ["altered in its middle", altered(60), NOW],
  ["altered at its end", altered(token.length - 3), NOW],
  ["cut", token.slice(0, -4), NOW],
  ["empty", "", NOW],
  ["long", "A".repeat(100_000), NOW],
  ["of another key", createUnsubscribeTokens(new Uint8Array(32).fill(5)).make(who), NOW],
  ["401 days old", token, NOW + 401 * DAY_MS],
])("nobody is unsubscribed by one that is %s", (_name, given, now) =>
  expect(tokens.read(given, now)).toBeUndefined(),
);

test("it is good for 400 days", () => expect(tokens.read(token, NOW + 400 * DAY_MS)).toEqual(who));
