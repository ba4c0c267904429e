import { expect, test } from "vitest";
import { readPasted } from "./header.ts";

const FROM = "From: Ada <noreply@alder.example>";
const signature = (domain: string) =>
  `DKIM-Signature: v=1; a=rsa-sha256; d=${domain}; s=s1;\r\n\th=from:to; bh=AAAA;\r\n\tb=BBBB`;
const aligned = { domain: "alder.example", selector: "s1", isAligned: true };

test.each<[string, string, object | undefined]>([
  ["one, aligned", `${signature("alder.example")}\r\n${FROM}`, { from: "alder.example", signers: [aligned] }],
  [
    "a third party",
    `${signature("relay.example")}\n${FROM}`,
    { signers: [{ domain: "relay.example", isAligned: false }] },
  ],
  ["a name below From:", `${signature("mail.alder.example")}\n${FROM}`, { signers: [{ isAligned: false }] }],
  ["upper case", `${signature("ALDER.Example")}\nFROM: noreply@Alder.EXAMPLE`, { signers: [aligned] }],
  ["no signature", `${FROM}\nSubject: x`, { from: "alder.example", signers: [] }],
  [
    "two From:",
    `${signature("alder.example")}\n${FROM}\n${FROM}`,
    { from: null, signers: [{ isAligned: false }] },
  ],
  [
    "a display name that is an address",
    `From: "ada@bank.example" <x@alder.example>`,
    { from: "alder.example" },
  ],
  ["a signature without a domain", `DKIM-Signature: v=1; s=x\n${FROM}`, { signers: [] }],
  ["a signature that is none", `DKIM-Signature: nonsense\n${FROM}`, { signers: [] }],
  ["white space first", `\n\n  \n${FROM}`, { from: "alder.example" }],
  [
    "a whole mail",
    `${signature("alder.example")}\n${FROM}\n\nFrom: x@other.example\n`,
    { from: "alder.example", signers: [aligned] },
  ],
  ["a message id", `${FROM}\nMessage-ID: <1@alder.example>`, { messageId: "<1@alder.example>" }],
  ["no header", "Hello, where are you?", undefined],
  ["nothing", "", undefined],
])("%s", (_, text, expected) => {
  const found = readPasted(text);
  if (expected === undefined) expect(found).toBeUndefined();
  else expect(found).toMatchObject(expected);
});

test.each<[string, string, object]>([
  [
    "passes and a failure",
    "mx.here.example; spf=pass smtp.mailfrom=x; dkim=pass (2048-bit key) header.d=alder.example header.s=s1; dkim=fail header.d=evil.example",
    { by: "mx.here.example", domains: ["alder.example"] },
  ],
  ["by its identity", "mx 1; dkim=pass header.i=@alder.example", { by: "mx", domains: ["alder.example"] }],
  [
    "a pass in a comment",
    "mx; dkim=fail (dkim=pass header.d=evil.example) header.d=evil.example",
    { domains: [] },
  ],
  ["none", "mx; none", { by: "mx", domains: [] }],
])("Authentication-Results: %s", (_, value, expected) => {
  expect(
    readPasted(
      `Authentication-Results: ${value}\nAuthentication-Results: x; dkim=pass header.d=late.example\n${FROM}`,
    )!.verified,
  ).toEqual(expect.objectContaining(expected));
});

test("thousands of fields and long lines end soon", () => {
  const many = `${signature("alder.example")}\n`.repeat(400) + FROM;
  expect(readPasted(many)!.signers).toHaveLength(10);
  expect(readPasted(`From: ${"(".repeat(60_000)}`)).toMatchObject({ from: null });
  expect(readPasted(`Authentication-Results: ${"(".repeat(60_000)}\n${FROM}`)!.verified).toMatchObject({
    domains: [],
  });
});
