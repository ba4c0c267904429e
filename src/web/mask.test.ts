import { expect, test } from "vitest";
import { maskAddress, maskText } from "./mask.ts";

test.each([
  ["bob@example.com", "b…@example.com"],
  ["b…@example.com", "b…@example.com"],
  ["ünal@exämple.org", "ü…@exämple.org"],
  ['"two words"@example.com', "t…@example.com"],
  ["@example.com", "…"],
  ["no address", "…"],
])("maskAddress %s", (address, masked) => {
  expect(maskAddress(address)).toBe(masked);
});

test.each([
  [
    "C: RCPT TO:<bob@example.com> ORCPT=rfc822;bob@example.com",
    "C: RCPT TO:<b…@example.com> ORCPT=rfc822;b…@example.com",
  ],
  ["550 user bob unknown, Bob!", "550 user b… unknown, b…!"],
  ["550 bobby is somebody else", "550 bobby is somebody else"],
  ["see https://bob.example.com/bounce", "see https://b….example.com/bounce"],
  ['550 <"two words"@example.com> and carol@[192.0.2.1]', "550 <t…@example.com> and c…@[192.0.2.1]"],
  ["250 2.0.0 OK", "250 2.0.0 OK"],
])("maskText %s", (text, masked) => {
  expect(maskText(text, "bob@example.com")).toBe(masked);
});

test("pattern characters in a local part are taken as they are", () => {
  expect(maskText("550 a.b+c(x) unknown, axb fine", "a.b+c(x)@example.com")).toBe("550 a… unknown, axb fine");
});

test("a long line is cut, and costs no more than its length", () => {
  expect(maskText("a".repeat(100_000), "bob@example.com").length).toBe(1_001);
});

test("a line of more addresses than any honest one shows none of them whole, and not the rest", () => {
  const line = Array.from({ length: 40 }, (_, i) => `person${i}@example.org`).join(" ");
  const masked = maskText(line, "");
  expect(masked).not.toMatch(/person\d/);
  expect(masked.endsWith("…")).toBe(true);
});
