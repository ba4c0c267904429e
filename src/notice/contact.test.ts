import { expect, test } from "vitest";
import { mailAddressOf, maskedAddress } from "./contact.ts";

test.each<[string, string | undefined]>([
  ["ada@ada.test", "ada@ada.test"],
  [" Ada.Post@ADA.test ", "Ada.Post@ada.test"],
  ["mailto:ada@ada.test", "ada@ada.test"],
  ["ada@münchen.test", "ada@xn--mnchen-3ya.test"],
  ["", undefined],
  ["@ada.bsky.social", undefined],
  ["https://ada.test/contact", undefined],
  ["Ada <ada@ada.test>", undefined],
  ["ada@ada.test, bob@bob.test", undefined],
  ["ada@ada.test\r\nBcc: bob@bob.test", undefined],
  ["ada@localhost", undefined],
  ["ada@127.0.0.1", undefined],
  ["ada@@ada.test", undefined],
  [`${"a".repeat(65)}@ada.test`, undefined],
])("%j", (contact, address) => {
  expect(mailAddressOf(contact)).toBe(address);
});

test("an address is shown by its first letter and its domain", () => {
  expect(maskedAddress("contact@example.org")).toBe("c...@example.org");
});
