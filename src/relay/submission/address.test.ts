import { expect, test } from "vitest";
import { parseAddress } from "./address.ts";

test.each<[string, [address: string, smtpUtf8: boolean] | undefined]>([
  ["a.b+c@B.Test", ["a.b+c@b.test", false]],
  ['"a b"@b.test', ['"a b"@b.test', false]],
  ["a@münchen.test", ["a@xn--mnchen-3ya.test", false]],
  ["a@xn--mnchen-3ya.test", ["a@xn--mnchen-3ya.test", false]],
  ["jürgen@b.test", ["jürgen@b.test", true]],
  ["用户@例子.test", ["用户@xn--fsqu00a.test", true]],
  ["a\u200bb@b.test", undefined],
  ["a\u202eb@b.test", undefined],
  ["a\u00a0ä@b.test", undefined],
  ['"ä"@b.test', undefined],
  ["a b@b.test", undefined],
  ["a..b@b.test", undefined],
  [".a@b.test", undefined],
  ["a@[192.0.2.1]", ["a@[192.0.2.1]", false]],
  ["a@[IPv6:2001:DB8::1]", ["a@[IPv6:2001:db8::1]", false]],
  ["a@[192.0.2.999]", undefined],
  ["a@[x]", undefined],
  ["a@localhost", undefined],
  ["a@b..test", undefined],
  ["postmaster", undefined],
  ["@b.test", undefined],
  ["", undefined],
  [`${"x".repeat(65)}@b.test`, undefined],
  [`${"ä".repeat(33)}@b.test`, undefined],
  [`a@${"x".repeat(64)}.test`, undefined],
])("%j -> %j", (text, expected) => {
  const parsed = parseAddress(text);
  expect(parsed && [parsed.address, parsed.smtpUtf8]).toEqual(expected);
});
