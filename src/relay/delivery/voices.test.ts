import { describe, expect, test } from "vitest";
import { DAY_MS } from "../../lib/clock.ts";
import { createVoices, type Said } from "./voices.ts";

const said = (change: Partial<Said> = {}): Said => ({
  provider: "gmail",
  phase: "body",
  domain: "a.test",
  mailboxOf: undefined,
  about: "pause-provider 192.0.2.1 gmail",
  ...change,
});

describe("who speaks for a provider", () => {
  test.each<[string, Partial<Said>, boolean]>([
    ["a customer's domain, at the end of the message", {}, false],
    ["a customer's domain, at RCPT", { phase: "rcpt" }, false],
    ["its mailboxes", { domain: "gmail.com", mailboxOf: "gmail" }, true],
    ["the mailboxes of another one that lead to it", { mailboxOf: "yahoo" }, false],
    ["itself, in its greeting", { phase: "connect" }, true],
    ["itself, before it knows for whom", { phase: "mail" }, true],
    ["hosts of nobody known, for themselves", { provider: "other" }, true],
  ])("%s: %s", (_name, change, expected) => {
    expect(createVoices()(said(change), 0)).toBe(expected);
  });

  test.each<[string, [domain: string, about: string, at: number][], boolean[]]>([
    ["three customers", ["a.test", "b.test", "c.test"].map((d, i) => [d, "x", i]), [false, false, true]],
    ["one, again and again", [1, 2, 3, 4].map((at) => ["a.test", "x", at]), [false, false, false, false]],
    [
      "names below one domain",
      ["1.a.test", "2.a.test", "3.a.test", "a.test"].map((d, i) => [d, "x", i]),
      [false, false, false, false],
    ],
    [
      "of different measures",
      [
        ["a.test", "x", 0],
        ["b.test", "y", 0],
        ["c.test", "x", 0],
      ],
      [false, false, false],
    ],
    [
      "over more than a day",
      [
        ["a.test", "x", 0],
        ["b.test", "x", 1],
        ["c.test", "x", DAY_MS],
        ["d.test", "x", DAY_MS],
      ],
      [false, false, false, true],
    ],
    [
      "and whoever comes behind the third",
      ["a.test", "b.test", "c.test", "d.test", "a.test"].map((d, i) => [d, "x", i]),
      [false, false, true, true, true],
    ],
  ])("%s", (_name, rows, expected) => {
    const speaksForAll = createVoices();
    expect(rows.map(([domain, about, at]) => speaksForAll(said({ domain, about }), at))).toEqual(expected);
  });
});
