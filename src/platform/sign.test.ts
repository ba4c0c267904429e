import { expect, test } from "vitest";
import {
  exportVerifyingKey,
  importVerifyingKey,
  isSignedBy,
  sign,
  signingKeyFrom,
  verifyingKeyOf,
} from "./sign.ts";

const secret = new Uint8Array(
  Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex"),
);
const key = signingKeyFrom(secret);
const open = verifyingKeyOf(key);

test("the public key of RFC 8032 section 7.1, test 1, there and back", () => {
  const text = exportVerifyingKey(open);
  expect(Buffer.from(text, "base64url").toString("hex")).toBe(
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
  );
  expect(exportVerifyingKey(importVerifyingKey(text))).toBe(text);
  expect(() => importVerifyingKey("AAAA")).toThrow();
});

const signature = sign(key, "policy", "text");
test.each([
  ["as it was signed", "policy", "text", signature, open, true],
  ["another text", "policy", "texts", signature, open, false],
  ["for another purpose", "pulse", "text", signature, open, false],
  ["another key", "policy", "text", signature, verifyingKeyOf(signingKeyFrom(new Uint8Array(32))), false],
  ["no signature", "policy", "text", "", open, false],
  ["half of one", "policy", "text", signature.slice(0, 40), open, false],
])("%s", (_, purpose, text, given, by, expected) => {
  expect(isSignedBy(by, purpose, text, given)).toBe(expected);
});
