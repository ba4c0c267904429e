import { describe, expect, test } from "vitest";
import { contains, MAX_TEXT, readPhrase, wordsOf } from "./phrase.ts";

function finds(phrase: string, text: string): boolean {
  const read = readPhrase(phrase);
  if (!read.ok) throw new Error(read.why);
  return contains(wordsOf(text), read.phrase);
}

describe("a phrase", () => {
  test.each([
    ["Too many spams", "421 TOO MANY\r\n  spams from your IP", true],
    ["[TSS04]", "421 4.7.0 [TSS04] Messages", true],
    ["[TSS04]", "421 4.7.0 [TSS05] Messages", false],
    ["[BL##]", "553 [BL21] no", true],
    ["[BL##]", "553 [BL2] no", false],
    ["[BL##]", "553 [BL2x] [BL99]", true],
    ["unusual rate*DKIM domain", "an unusual rate of mail from your DKIM domain", true],
    ["DKIM domain*unusual rate", "an unusual rate of mail from your DKIM domain", false],
    ["abc*abc", "abc", false],
    ["abc*abc", "abcabc", true],
    ["*abc*", "xabcx", true],
    ["a.c", "abc", false],
    ["S3140)", "list (S3140).", true],
  ])("%s in %s: %s", (phrase, text, found) => expect(finds(phrase, text)).toBe(found));

  test.each([
    ["ab", /at least 3 characters/],
    ["**#**", /at least 3 characters/],
    ["  ", /at least 3 characters/],
    ["x".repeat(201), /longer than the 200/],
    ["rate.*limit", /looks like a regular expression/],
    ["\\d+ messages", /looks like a regular expression/],
    ["(?:one|two)", /looks like a regular expression/],
    ["[a-z]+ refused", /looks like a regular expression/],
  ])("%s is none", (phrase, why) => {
    const read = readPhrase(phrase);
    expect(read.ok ? "it was read" : read.why).toMatch(why);
  });
});

describe("attacks", () => {
  const longest = "a".repeat(1_000_000);

  test.each([
    ["what makes a regular expression explode", "a*".repeat(100), "ab"],
    ["digits at every place", `${"#".repeat(190)}abc`, "1"],
    ["a piece that nearly fits at every place", `${"a".repeat(199)}b`, "a"],
    ["many pieces that nearly fit", "aaab*".repeat(40).slice(0, 199), "aaa"],
  ])("%s is answered at once", (_name, phrase, unit) => {
    const text = unit.repeat(500_000);
    const started = performance.now();
    for (let i = 0; i < 100; i++) finds(phrase, text);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test("no more of a text is looked at than a reply may have", () => {
    expect(wordsOf(longest)).toHaveLength(MAX_TEXT);
    expect(finds("end", `${"x".repeat(MAX_TEXT)} end`)).toBe(false);
  });
});
