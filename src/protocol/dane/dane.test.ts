import { createHash, X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Presented } from "./anchor.ts";
import { certificates } from "./certificates.fixture.ts";
import { formatTlsa, isUsable, matches, strongest, tlsaName, tlsaOf } from "./index.ts";

/** A certificate for mx.x.test, made with OpenSSL, and the digests that OpenSSL gives of it and of its key. */
const certificate = Buffer.from(
  "MIIBfzCCASWgAwIBAgIUFOCoS+VYWzAwuVmkPVKuwCgGteIwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJbXgueC50ZXN0MCAXDTI2" +
    "MTEyMjE1MDkxOVoYDzIxMjYxMDI5MTUwOTE5WjAUMRIwEAYDVQQDDAlteC54LnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC" +
    "AAQ0K0EPDS7d88QU/CaCay8UGxO+RyFnErWUs/KAkqesjEKdT7f9lVg03KNvqtyuzJAk4UF4pU5egQ6YhFhYkY/1o1MwUTAdBgNV" +
    "HQ4EFgQU4pWBwOY90K7Yih4lWq1dSYBYkIswHwYDVR0jBBgwFoAU4pWBwOY90K7Yih4lWq1dSYBYkIswDwYDVR0TAQH/BAUwAwEB" +
    "/zAKBggqhkjOPQQDAgNIADBFAiAYNVXocCJ0k01wHBrRpbVi93vthuvL8reoehSmIK4chQIhAIle6aeqCxr/TXApSZw8e0bJuILT" +
    "7gL81YdsHf9YgFTo",
  "base64",
);
const FULL = "524c8bfcb5afb87a571f181f99159d2596ce99fe48835a41cd8f2aa66bf4059f";
const KEY = "7f4ece24b75b1ce2a64ff60aff278e68dbe9d744626c3dda7a418171c2bf0eaa";
const KEY_512 =
  "bf7889d3873129be0ae6601dea40d9c9f2e38ba8b8c0ad819a29f80862e75de9158b9ce761200a5de2399d5e55bee5a82c1aff502d26b6f2da13424bea2369c7";
const NOW = Date.parse("2027-01-01T00:00:00Z");
const LATE = Date.parse("2127-01-01T00:00:00Z");
const other = Buffer.from("another certificate");

const tlsa = (usage: number, selector: number, matchingType: number, hex: string) => ({
  usage,
  selector,
  matchingType,
  certificate: Buffer.from(hex, "hex"),
});

const shown = (...chain: Uint8Array[]): Presented => ({ chain, names: ["mx.x.test"], at: NOW });

describe("the server's own certificate (DANE-EE)", () => {
  const cases: [string, ReturnType<typeof tlsa>, Presented, boolean][] = [
    ["the key's SHA-256", tlsa(3, 1, 1, KEY), shown(certificate), true],
    ["the key's SHA-512", tlsa(3, 1, 2, KEY_512), shown(certificate), true],
    ["the whole's SHA-256", tlsa(3, 0, 1, FULL), shown(certificate), true],
    ["the whole itself", tlsa(3, 0, 0, certificate.toString("hex")), shown(certificate), true],
    ["under another name", tlsa(3, 1, 1, KEY), { ...shown(certificate), names: ["y.test"] }, true],
    ["after its end", tlsa(3, 1, 1, KEY), { ...shown(certificate), at: LATE }, true],
    ["another key", tlsa(3, 1, 1, FULL), shown(certificate), false],
    ["an anchor is no leaf", tlsa(3, 1, 1, KEY), shown(other, certificate), false],
    ["a usage that SMTP does not use", tlsa(1, 1, 1, KEY), shown(certificate), false],
    ["no certificate", tlsa(3, 1, 1, KEY), shown(), false],
    ["what is no certificate", tlsa(3, 1, 1, KEY), shown(other), false],
  ];
  test.each(cases)("%s", (_, record, presented, yes) => expect(matches(record, presented)).toBe(yes));
});

describe("an authority above it (DANE-TA)", () => {
  const { root, impostor, intermediate, leaf, forged, under, lone } = certificates;
  /** The record of a certificate: whole, or its key; itself (0) or its digest. */
  function anchor(der: Buffer, selector: 0 | 1, matchingType: 0 | 1 | 2) {
    const spki = new X509Certificate(der).publicKey.export({ type: "spki", format: "der" });
    const data = selector === 0 ? der : spki;
    const digest = (name: string) => createHash(name).update(data).digest();
    return {
      usage: 2,
      selector,
      matchingType,
      certificate: [data, digest("sha256"), digest("sha512")][matchingType]!,
    };
  }
  const whole = shown(leaf, intermediate, root);
  const cases: [string, ReturnType<typeof anchor>, Presented, boolean][] = [
    ["two steps up, the whole", anchor(root, 0, 1), whole, true],
    ["two steps up, the key", anchor(root, 1, 2), whole, true],
    ["one step up", anchor(intermediate, 1, 1), whole, true],
    ["one step up, and the root not shown", anchor(intermediate, 0, 1), shown(leaf, intermediate), true],
    [
      "shown in another order, beside others",
      anchor(root, 0, 1),
      shown(leaf, root, impostor, other, intermediate),
      true,
    ],
    [
      "by the name of the mail domain",
      anchor(root, 0, 1),
      { ...whole, names: ["x.test", "mx.x.test"] },
      true,
    ],
    ["not shown, and only its digest known", anchor(root, 0, 1), shown(leaf, intermediate), false],
    ["not shown, and whole in the record", anchor(root, 0, 0), shown(leaf, intermediate), true],
    ["not shown, and its key in the record", anchor(root, 1, 0), shown(leaf, intermediate), true],
    ["a step missing", anchor(root, 0, 0), shown(leaf), false],
    ["a step missing, by the key", anchor(root, 1, 0), shown(leaf), false],
    ["shown, and another of its name has signed", anchor(root, 1, 1), shown(forged, root), false],
    ["shown beside the one that has signed", anchor(root, 1, 1), shown(forged, impostor, root), false],
    ["shown, and nothing of it has signed", anchor(root, 1, 1), shown(lone, intermediate, root), false],
    ["whole in the record, and nothing of it has signed", anchor(root, 0, 0), shown(lone), false],
    [
      "a certificate that is no authority has signed",
      anchor(root, 1, 1),
      shown(under, leaf, intermediate, root),
      false,
    ],
    ["the server's own is no authority above it", anchor(lone, 1, 1), shown(lone, lone), false],
    ["the server's own, whole in the record", anchor(lone, 0, 0), shown(lone), false],
    ["another name", anchor(root, 0, 1), { ...whole, names: ["y.test"] }, false],
    ["no name", anchor(root, 0, 1), { ...whole, names: [] }, false],
    ["after the end", anchor(root, 0, 1), { ...whole, at: LATE }, false],
    ["before the beginning", anchor(root, 0, 1), { ...whole, at: 0 }, false],
    ["no key in the record", { ...anchor(root, 1, 0), certificate: other }, whole, false],
    ["nothing shown", anchor(root, 0, 1), shown(), false],
    ["what is no certificate", anchor(root, 0, 1), shown(other, root), false],
  ];
  test.each(cases)("%s", (_, record, presented, yes) => expect(matches(record, presented)).toBe(yes));
});

test.each([
  [tlsa(3, 1, 1, KEY), true],
  [tlsa(2, 0, 2, KEY_512), true],
  [tlsa(0, 1, 1, KEY), false],
  [tlsa(3, 2, 1, KEY), false],
  [tlsa(3, 1, 3, KEY), false],
  [tlsa(3, 1, 1, "abab"), false],
  [tlsa(3, 1, 0, ""), false],
])("usable or not: %o", (record, yes) => expect(isUsable(record)).toBe(yes));

test("the record to publish", () => {
  expect(formatTlsa(tlsaOf(certificate)!)).toBe(`3 1 1 ${KEY}`);
  expect(tlsaOf(other)).toBeUndefined();
  expect(tlsaName("mx.x.test")).toBe("_25._tcp.mx.x.test");
});

test.each<[string, string[], string[]]>([
  ["of two digests the stronger", ["3 1 1", "3 1 2"], ["3 1 2"]],
  ["in any order", ["3 1 2", "3 1 1"], ["3 1 2"]],
  ["two of the strongest, in a roll-over", ["3 1 2", "3 1 1", "3 1 2"], ["3 1 2", "3 1 2"]],
  ["what is there whole always counts", ["3 1 0", "3 1 1", "3 1 2"], ["3 1 0", "3 1 2"]],
  ["what is there whole displaces nothing", ["3 1 0", "3 1 1"], ["3 1 0", "3 1 1"]],
  ["another selector is another matter", ["3 1 2", "3 0 1"], ["3 1 2", "3 0 1"]],
  ["another usage is another matter", ["3 1 2", "2 1 1"], ["3 1 2", "2 1 1"]],
  ["none", [], []],
])("digests that count (RFC 7671 section 9): %s", (_name, given, expected) => {
  const records = given.map((text) => {
    const [usage, selector, matchingType] = text.split(" ").map(Number);
    return { usage: usage!, selector: selector!, matchingType: matchingType! };
  });
  expect(strongest(records).map((r) => `${r.usage} ${r.selector} ${r.matchingType}`)).toEqual(expected);
});

test("however many records there are, the signatures above a certificate are checked once", () => {
  const { root, intermediate, leaf } = certificates;
  let verified = 0;
  const { verify } = X509Certificate.prototype;
  X509Certificate.prototype.verify = function (key) {
    verified++;
    return verify.call(this, key);
  };
  try {
    const presented = shown(leaf, intermediate, root);
    for (let i = 0; i < 100; i++) matches(tlsa(2, 1, 1, KEY), presented);
    expect(verified).toBeGreaterThan(1);
    expect(verified).toBeLessThanOrEqual(9);
  } finally {
    X509Certificate.prototype.verify = verify;
  }
});
