import { describe, expect, test } from "vitest";
import { prepareHeader, type HeaderContext } from "./header.ts";

const context: HeaderContext = {
  id: "abcdefghijklmnop",
  token: "tok",
  hostname: "relay.pool.test",
  protocol: "ESMTPSA",
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
    ["a space in a name", "From : a@b.test\nSub ject: x\n\n", /not a field/],
    ["eight-bit octets", "From: a@b.test\nSubject: \u00fc\n\n", /over 127/],
    ["31 hops", "Received: by x.test; now\n".repeat(31) + "From: a@b.test\n\n", /loop/],
    ["an empty header", "\n", /no From/],
  ])("%s", (_name, head, why) => {
    const result = prepare(head);
    expect("refusal" in result && result.refusal.text).toMatch(why);
  });
});
