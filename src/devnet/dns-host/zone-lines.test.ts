import { describe, expect, it } from "vitest";
import { lineOf, parseZoneLines, recordFrom, type KeptType } from "./zone-lines.ts";

const ZONE = "willow.test";
const lines = (text: string) => {
  const read = parseZoneLines(text, ZONE);
  return read.ok ? read.records.map(lineOf) : read.faults.map(({ line, why }) => `${line}: ${why}`);
};

describe("lines of a zone file", () => {
  it.each<[string, string, string[]]>([
    [
      "a whole name with its dot",
      `_dmarc.willow.test. TXT "v=DMARC1; p=none"`,
      [`_dmarc.willow.test. TXT "v=DMARC1; p=none"`],
    ],
    ["a whole name without it", `_dmarc.Willow.test IN TXT "x"`, [`_dmarc.willow.test. TXT "x"`]],
    ["a short name", `_dmarc 3600 IN TXT "x"`, [`_dmarc.willow.test. TXT "x"`]],
    ["the zone itself", `@ MX 10 mx.mail.test`, [`willow.test. MX 10 mx.mail.test.`]],
    [
      "a target without its dot",
      `bounce CNAME bounce.coop.test`,
      [`bounce.willow.test. CNAME bounce.coop.test.`],
    ],
    ["a target in the zone", `www CNAME @`, [`www.willow.test. CNAME willow.test.`]],
    ["strings that belong together", `k TXT "one" "two"`, [`k.willow.test. TXT "onetwo"`]],
    ["quotes and backslashes", `k TXT "a\\"b\\\\c\\059"`, [`k.willow.test. TXT "a\\"b\\\\c;"`]],
    ["comments and empty lines", `; mine\n\na A 127.0.0.9 ; here`, [`a.willow.test. A 127.0.0.9`]],
    [
      "parentheses",
      `k TXT ( "one"\n  "two" )\nb AAAA ::1`,
      [`k.willow.test. TXT "onetwo"`, `b.willow.test. AAAA ::1`],
    ],
    [
      "the same owner again",
      `a A 127.0.0.9\n  AAAA ::1`,
      [`a.willow.test. A 127.0.0.9`, `a.willow.test. AAAA ::1`],
    ],
    ["an origin", `$TTL 60\n$ORIGIN sub.willow.test.\na A 127.0.0.9`, [`a.sub.willow.test. A 127.0.0.9`]],
    ["a wildcard", `* MX 0 mx`, [`*.willow.test. MX 0 mx.willow.test.`]],
    ["a key of DANE", `_25._tcp.mx TLSA 3 1 1 ABcd`, [`_25._tcp.mx.willow.test. TLSA 3 1 1 abcd`]],
    [
      "a text without quotes that ends at its semicolon",
      `_dmarc TXT v=DMARC1; p=none`,
      [`1: put the text in quotes: without them everything after ";" is a comment`],
    ],
    ["a name elsewhere", `x.other.test. TXT "x"`, [`1: x.other.test is not in the zone willow.test`]],
    [
      "a type that is not kept",
      `\n@ CAA 0 issue "x"`,
      [`2: CAA is no type that is kept here (A, AAAA, CNAME, MX, TLSA, TXT)`],
    ],
    ["no type", `a`, [`1: nothing is no type that is kept here (A, AAAA, CNAME, MX, TLSA, TXT)`]],
    ["an address that is none", `a A 1.2.3.400`, [`1: A takes an IPv4 address`]],
    [
      "an exchange without its number",
      `@ MX mx`,
      [`1: MX takes a number and a name, such as: 10 mx.example.test`],
    ],
    ["a name that is none", `b..c TXT "x"`, [`1: b..c.willow.test is no name`]],
  ])("%s", (_what, text, expected) => expect(lines(text)).toEqual(expected));

  it("name what they name when they are read again", () => {
    const text = `k TXT "${"x".repeat(300)}"`;
    expect(lines(lines(text).join("\n"))).toEqual(lines(text));
  });
});

describe("a record from fields", () => {
  it.each<[{ name: string; type: KeptType; value: string }, string]>([
    [
      { name: "_dmarc", type: "TXT", value: " v=DMARC1; p=none " },
      `_dmarc.willow.test. TXT "v=DMARC1; p=none"`,
    ],
    [{ name: "", type: "TXT", value: `"v=spf1" " -all"` }, `willow.test. TXT "v=spf1 -all"`],
    [{ name: "@", type: "MX", value: "10  mx.mail.test." }, "willow.test. MX 10 mx.mail.test."],
    [{ name: "b.willow.test", type: "CNAME", value: "c.test" }, "b.willow.test. CNAME c.test."],
    [{ name: "x y", type: "TXT", value: "x" }, "x y.willow.test is no name"],
  ])("%o", (fields, expected) => {
    const read = recordFrom(fields, ZONE);
    expect(typeof read === "string" ? read : lineOf(read)).toBe(expected);
  });
});
