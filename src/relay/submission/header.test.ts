import { describe, expect, test } from "vitest";
import { prepareHeader, type HeaderContext } from "./header.ts";

const context: HeaderContext = {
  id: "abcdefghijklmnop",
  token: "tok",
  hostname: "relay.pool.test",
  protocol: "ESMTPSA",
  smtpUtf8: false,
  now: Date.UTC(2026, 0, 1, 12),
  handle: "m7",
  region: "eu",
  sender: "atmos",
};
const prepare = (head: string) =>
  prepareHeader(Buffer.from(head.replaceAll("\n", "\r\n"), "latin1"), context);

function linesOf(head: string): string[] {
  const result = prepare(head);
  if ("refusal" in result) throw new Error(result.refusal.text);
  const text = Buffer.from(result.head).toString("latin1");
  expect(text.endsWith("\r\n\r\n")).toBe(true);
  return text
    .trimEnd()
    .replace(/\r\n[ \t]/g, " ")
    .split("\r\n");
}

test("what is missing is added", () => {
  expect(linesOf("From: a@B.test\nSubject: x\n\n")).toEqual([
    "Received: by relay.pool.test (Atmosphere Mail) with ESMTPSA id abcdefghijklmnop; Thu, 01 Jan 2026 12:00:00 +0000",
    "X-Atmos-Message: tok",
    "Feedback-ID: transactional:m7:eu:atmos",
    "Message-ID: <abcdefghijklmnop@b.test>",
    "Date: Thu, 01 Jan 2026 12:00:00 +0000",
    "Auto-Submitted: auto-generated",
    "From: a@B.test",
    "Subject: x",
  ]);
});

test("what is there stays; what is ours or nobody's goes", () => {
  const lines = linesOf(
    "Return-Path: <x@y.test>\nReceived: from [192.168.1.5] by a.test; now\nReceived: by b.test; now\nMessage-ID: <1@a.test>\n" +
      "Date: Fri, 02 Jan 2026 00:00:00 +0000\nAuto-Submitted: no\nBcc: secret@c.test,\n other@c.test\nX-Atmos-Message: forged\n" +
      "Feedback-ID: a:b:c:d\nSender: ceo@evil.test\nResent-From: ceo@evil.test\nResent-Sender: x@evil.test\nFrom: a@b.test\nDKIM-Signature: v=1\n\n",
  );
  expect(lines.slice(3)).toEqual([
    "Received: by b.test; now",
    "Message-ID: <1@a.test>",
    "Date: Fri, 02 Jan 2026 00:00:00 +0000",
    "Auto-Submitted: no",
    "From: a@b.test",
    "DKIM-Signature: v=1",
  ]);
});

test("bulk mail says so itself, and is not called automatic", () => {
  const head = "From: a@b.test\nList-Unsubscribe: <https://b.test/u>\n\n";
  expect(prepare(head)).toMatchObject({ stream: "bulk", fromDomain: "b.test" });
  expect(linesOf(head).join()).toMatch(/Feedback-ID: bulk:/);
  expect(linesOf(head).join()).not.toMatch(/Auto-Submitted/);
});

describe("refused", () => {
  test.each<[string, string, RegExp]>([
    ["no From", "Subject: x\n\n", /no From/],
    ["two From", "From: a@b.test\nFrom: c@d.test\n\n", /more than one from/],
    ["two Subject", "From: a@b.test\nSubject: 1\nSubject: 2\n\n", /more than one subject/],
    ["two senders in From", "From: a@b.test, c@d.test\n\n", /one plain address/],
    ["a line that is no field", "From: a@b.test\nhello\n\n", /not a field/],
    ["a field that begins with a fold", " x\nFrom: a@b.test\n\n", /not a field/],
    ["a space in a name", "From: a@b.test\nSub ject: x\n\n", /not a field/],
    ["a space before the colon", "From : a@b.test\n\n", /not a field/],
    ["eight-bit octets", "From: a@b.test\nSubject: \u00fc\n\n", /over 127/],
    ["31 hops", "Received: by x.test; now\n".repeat(31) + "From: a@b.test\n\n", /loop/],
    ["an empty header", "\n", /no From/],
  ])("%s", (_name, head, why) => {
    const result = prepare(head);
    expect("refusal" in result && result.refusal.text).toMatch(why);
  });
});

describe("with SMTPUTF8", () => {
  const utf8 = (head: string) =>
    prepareHeader(Buffer.from(head.replaceAll("\n", "\r\n"), "utf8"), { ...context, smtpUtf8: true });

  test("a header in UTF-8 passes as it is, and needs hosts that take it", () => {
    const result = utf8("From: J\u00fcrgen <j\u00fcrgen@b.test>\nSubject: \u4f60\u597d\n\n");
    expect(result).toMatchObject({ fromDomain: "b.test", utf8: true });
    const text = "head" in result ? Buffer.from(result.head).toString("utf8") : "";
    expect(text).toMatch(/^Received: .* with UTF8SMTPSA id /);
    expect(text).toMatch(/^From: J\u00fcrgen <j\u00fcrgen@b\.test>\r\nSubject: \u4f60\u597d\r$/m);
  });

  test("a header that is ASCII needs nothing, whatever was said and removed", () => {
    expect(utf8("From: a@b.test\nBcc: \u00e4@c.test\n\n")).toMatchObject({ utf8: false });
  });

  test("From at a domain in Unicode is its A-label", () => {
    expect(utf8("From: a@m\u00fcnchen.test\n\n")).toMatchObject({ fromDomain: "xn--mnchen-3ya.test" });
  });

  test("octets that are not UTF-8 are refused", () => {
    const head = Buffer.from("From: a@b.test\r\nSubject: \xfc\r\n\r\n", "latin1");
    expect(prepareHeader(head, { ...context, smtpUtf8: true })).toMatchObject({
      refusal: { reason: "malformed", text: expect.stringMatching(/not UTF-8 \[malformed\]$/) as string },
    });
  });
});

test("what the submitter calls bulk is bulk", () => {
  const head = Buffer.from("From: a@b.test\r\n\r\n");
  expect(prepareHeader(head, { ...context, stream: "bulk" })).toMatchObject({ stream: "bulk" });
});

test.each([
  ["TLS-Required: No\n", true],
  ["tls-required: no\n", true],
  ["TLS-Required: Yes\n", false],
  ["TLS-Required: No\nTLS-Required: No\n", false],
  ["", false],
])("what it says of TLS (RFC 8689 section 3) is read, and stays: %j", (field, tlsOptional) => {
  const prepared = prepare(`From: a@b.test\n${field}\n`);
  expect(prepared).toMatchObject({ tlsOptional });
  if ("head" in prepared)
    expect(Buffer.from(prepared.head).toString()).toContain(field.replaceAll("\n", "\r\n"));
});

describe("one click to unsubscribe (RFC 8058)", () => {
  const url = (fromDomain: string) => `https://coop.test/u/of-${fromDomain}`;
  const added = (head: string, change: Partial<HeaderContext>) => {
    const raw = Buffer.from(`From: a@b.test\n${head}\n`.replaceAll("\n", "\r\n"), "latin1");
    const result = prepareHeader(raw, { ...context, unsubscribe: url, ...change });
    if ("refusal" in result) return [result.refusal.reason];
    return Buffer.from(result.head)
      .toString("latin1")
      .replace(/\r\n[ \t]/g, " ")
      .split("\r\n")
      .filter((line) => /^list-/i.test(line));
  };
  const OURS = [
    "List-Unsubscribe: <https://coop.test/u/of-b.test>",
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
  ];

  test.each<[string, string, Partial<HeaderContext>, string[]]>([
    ["bulk by its header", "Precedence: bulk\n", {}, OURS],
    ["bulk as its submitter called it", "", { stream: "bulk" }, OURS],
    ["transactional: never", "", {}, []],
    [
      "a field of the member's own stays",
      "List-Unsubscribe: <mailto:x@b.test>\n",
      {},
      ["List-Unsubscribe: <mailto:x@b.test>"],
    ],
    [
      "a Post field alone means nothing, and is ours then",
      "Precedence: bulk\nList-Unsubscribe-Post: x\n",
      {},
      OURS,
    ],
    ["several recipients: refused", "Precedence: bulk\n", { unsubscribe: "several" }, ["one-each"]],
    ["several recipients, transactional", "", { unsubscribe: "several" }, []],
    [
      "several recipients, a field of their own",
      "List-Unsubscribe: <https://b.test>\n",
      { unsubscribe: "several" },
      ["List-Unsubscribe: <https://b.test>"],
    ],
    ["where nobody serves it", "Precedence: bulk\n", { unsubscribe: undefined }, []],
  ])("%s", (_name, head, change, expected) => expect(added(head, change)).toEqual(expected));

  const POST = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\n";
  test.each<[string, string, boolean]>([
    ["an address alone", "List-Unsubscribe: <https://b.test/u>\n", true],
    ["mail alone", "List-Unsubscribe: <mailto:x@b.test>\n", true],
    ["mail alone, with the Post field", `List-Unsubscribe: <mailto:x@b.test>\n${POST}`, true],
    ["a Post field that is none", "List-Unsubscribe: <https://b.test/u>\nList-Unsubscribe-Post: yes\n", true],
    ["one click", `List-Unsubscribe: <mailto:x@b.test>,\n <https://b.test/u>\n${POST}`, false],
    ["none, for it gets ours", "Precedence: bulk\n", false],
    ["none, and is transactional", "", false],
  ])("bulk mail that has %s: a hint", (_name, head, hinted) => {
    const raw = Buffer.from(`From: a@b.test\n${head}\n`.replaceAll("\n", "\r\n"), "latin1");
    const result = prepareHeader(raw, { ...context, unsubscribe: url });
    expect("hint" in result).toBe(hinted);
  });
});
