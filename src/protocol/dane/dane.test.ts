import { describe, expect, test } from "vitest";
import { formatTlsa, isUsable, matches, tlsaName, tlsaOf } from "./index.ts";

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
const other = Buffer.from("another certificate");

const tlsa = (usage: number, selector: number, matchingType: number, hex: string) => ({
  usage,
  selector,
  matchingType,
  certificate: Buffer.from(hex, "hex"),
});

describe("a certificate and a record", () => {
  const cases: [string, ReturnType<typeof tlsa>, Uint8Array[], boolean][] = [
    ["the key's SHA-256", tlsa(3, 1, 1, KEY), [certificate], true],
    ["the key's SHA-512", tlsa(3, 1, 2, KEY_512), [certificate], true],
    ["the whole's SHA-256", tlsa(3, 0, 1, FULL), [certificate], true],
    ["the whole itself", tlsa(3, 0, 0, certificate.toString("hex")), [certificate], true],
    ["another key", tlsa(3, 1, 1, FULL), [certificate], false],
    ["a leaf is no anchor", tlsa(2, 1, 1, KEY), [certificate], false],
    ["an anchor above the leaf", tlsa(2, 1, 1, KEY), [other, certificate], true],
    ["an anchor is no leaf", tlsa(3, 1, 1, KEY), [other, certificate], false],
    ["a usage that SMTP does not use", tlsa(1, 1, 1, KEY), [certificate], false],
    ["no certificate", tlsa(3, 1, 1, KEY), [], false],
    ["what is no certificate", tlsa(3, 1, 1, KEY), [other], false],
  ];
  test.each(cases)("%s", (_, record, chain, yes) => expect(matches(record, chain)).toBe(yes));
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
