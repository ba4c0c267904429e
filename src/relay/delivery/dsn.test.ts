import PostalMime from "postal-mime";
import { expect, test } from "vitest";
import { composeDsn, dsnWords, type DsnFacts, type DsnRecipient } from "./dsn.ts";

const bob: DsnRecipient = {
  address: "bob@a.test",
  orcpt: null,
  status: "5.1.1",
  remote: "mx.a.test",
  diagnostic: "550 5.1.1 User unknown",
  class: "bad-mailbox",
};
const facts: DsnFacts = {
  id: "abcdefghijklmnop",
  hostname: "relay.pool.test",
  poolDomain: "pool.test",
  now: Date.UTC(2026, 0, 1),
  to: "alice@member.test",
  kind: "failed",
  recipients: [bob],
  envid: null,
  messageId: "messageaaaaaaaaa",
  receivedAt: Date.UTC(2025, 11, 31),
  triedUntil: Date.UTC(2026, 0, 5),
  original: { head: Buffer.from("From: alice@member.test\r\nSubject: x\r\n\r\n") },
};

const text = (change: Partial<DsnFacts> = {}): string => {
  const { head, body } = composeDsn({ ...facts, ...change });
  return Buffer.concat([head, body]).toString("latin1");
};

test("it is a report that mail software reads (RFC 3464)", async () => {
  const mail = await PostalMime.parse(text(), { forceRfc822Attachments: true });
  expect(mail.to?.[0]?.address).toBe("alice@member.test");
  expect(mail.from?.address).toBe("mailer-daemon@pool.test");
  expect(mail.text).toMatch(/bob@a\.test[^]*refused it for good[^]*mx\.a\.test[^]*550 5\.1\.1 User unknown/);
  expect(mail.headers.find((h) => h.key === "content-type")?.value).toMatch(/report-type=delivery-status/);
  const parts = mail.attachments.map((a) => [a.mimeType, Buffer.from(a.content as ArrayBuffer).toString()]);
  expect(parts).toMatchObject([
    [
      "message/delivery-status",
      expect.stringMatching(/Final-Recipient: rfc822; bob@a\.test\r?\nAction: failed\r?\nStatus: 5\.1\.1/),
    ],
    ["text/rfc822-headers", expect.stringMatching(/^From: alice@member\.test\r?\nSubject: x/)],
  ]);
});

test("an expiry says so", () => {
  const expired = text({
    kind: "expired",
    recipients: [{ ...bob, status: "4.4.7", remote: "", diagnostic: "no answer within 30 s (connect)" }],
  });
  expect(expired).toMatch(/five days/);
  expect(expired).not.toMatch(/Remote-MTA/);
});

test("of mail that was held no attempt is claimed", () => {
  const held = { ...bob, status: "4.4.7", remote: "", diagnostic: "it was held for five days" };
  expect(text({ kind: "returned", recipients: [held] })).not.toMatch(/Last-Attempt-Date/);
  expect(text()).toMatch(/^Last-Attempt-Date: Thu, 01 Jan 2026 00:00:00 \+0000\r$/m);
});

test("the words of a hostile server stay words", () => {
  const hostile = text({
    recipients: [
      {
        ...bob,
        diagnostic: `550 \r\nBcc: x@y.test\r\n\r\n--=_abcdefghijklmnop\u00fc${"z".repeat(5_000)}`,
      },
    ],
  });
  expect(hostile).not.toMatch(/^Bcc:/m);
  expect(hostile.match(/^--=_abcdefghijklmnop/gm)).toHaveLength(4);
  expect(Math.max(...Buffer.from(hostile, "latin1"))).toBeLessThan(128);
  expect(Math.max(...hostile.split("\r\n").map((line) => line.length))).toBeLessThan(600);
});

test("so does the name of its host, which the DNS may make of anything", () => {
  const remote = "mx.a.test\r\nAction: delivered\r\n\r\nx\u00fc";
  const hostile = text({ recipients: [{ ...bob, remote }] });
  expect(hostile.match(/^Action: .*$/gm)).toEqual(["Action: failed"]);
  expect(hostile).toMatch(/^Remote-MTA: dns; mx\.a\.test\?Action:\?delivered\?x\?\r$/m);
});

test("words in other languages are kept, and need no 8BITMIME", async () => {
  const said =
    "550 5.1.1 \u041f\u043e\u0447\u0442\u043e\u0432\u044b\u0439 \u044f\u0449\u0438\u043a \u202e\u001b[31m";
  const change = { recipients: [{ ...bob, diagnostic: said }] };
  const mail = await PostalMime.parse(text(change));
  expect(mail.text).toMatch(
    /550 5\.1\.1 \u041f\u043e\u0447\u0442\u043e\u0432\u044b\u0439 \u044f\u0449\u0438\u043a \[31m/,
  );
  expect(text(change)).toMatch(/^Diagnostic-Code: smtp; 550 5\.1\.1 +\[31m\r$/m);
  expect(composeDsn({ ...facts, ...change })).toMatchObject({ eightBit: false, smtpUtf8: false });
});

test.each([
  ["550 5.1.1 User unknown", "smtp"],
  ["451", "smtp"],
  ["it was held for five days", "X-Atmos"],
  ["no answer within 30 s (connect)", "X-Atmos"],
])("what a host said is told from what we say: %s is %s", (diagnostic, type) => {
  expect(text({ recipients: [{ ...bob, diagnostic }] })).toContain(
    `\r\nDiagnostic-Code: ${type}; ${diagnostic}\r\n`,
  );
});

test("about an address in UTF-8 it is one of RFC 6533, and in ASCII itself", async () => {
  const address = `${"j\u00fcrgen.".repeat(5)}x@a.test`;
  const recipients = [
    { ...bob, address, orcpt: `utf-8;${address}` },
    { ...bob, address: "eve@a.test" },
  ];
  const original = { head: Buffer.from("Subject: \u00fc\r\n\r\n"), body: Buffer.from("caf\u00e9\r\n") };
  const dsn = composeDsn({ ...facts, recipients, original });
  expect(dsn).toMatchObject({ eightBit: false, smtpUtf8: false });
  const raw = Buffer.concat([dsn.head, dsn.body]);
  expect(Math.max(...raw)).toBeLessThan(128);
  expect(
    Math.max(
      ...raw
        .toString("latin1")
        .split("\r\n")
        .map((line) => line.length),
    ),
  ).toBeLessThan(100);
  const mail = await PostalMime.parse(raw, { forceRfc822Attachments: true });
  expect(mail.subject).toBe(`Undeliverable: your message to ${address} and 1 more`);
  const parts = mail.attachments.map((a) => [a.mimeType, Buffer.from(a.content as ArrayBuffer).toString()]);
  expect(parts).toEqual([
    ["message/global-delivery-status", expect.stringContaining(`Final-Recipient: utf-8; ${address}\r\n`)],
    ["message/global", "Subject: \u00fc\r\n\r\ncaf\u00e9\r\n"],
  ]);
  expect(parts[0]![1]).toContain(`Original-Recipient: utf-8; ${address}\r\n`);
  expect(parts[0]![1]).toContain("Final-Recipient: rfc822; eve@a.test\r\n");
  expect(composeDsn({ ...facts, to: "j\u00fcrgen@member.test" }).smtpUtf8).toBe(true);
});

test("of a long header only the beginning is repeated", () => {
  const original = { head: Buffer.from("X: y\r\n".repeat(10_000)) };
  expect(text({ original }).length).toBeLessThan(12_000);
});

test("people read what was said, what it means and what to do", () => {
  expect(dsnWords(facts)).toBe(
    [
      "Your message to",
      "",
      "  bob@a.test",
      "",
      "was not delivered. The receiving side refused it for good.",
      "",
      "The last answer of mx.a.test was:",
      "",
      "  550 5.1.1 User unknown",
      "",
      "There is no such mailbox, or it is closed. Check the address, or ask the",
      "person for another.",
      "",
      "It is message messageaaaaaaaaa, handed in on 2025-12-31 00:00 UTC.",
      "",
    ].join("\n"),
  );
});

test("one notice of a delay is for all recipients that wait", async () => {
  const carol = { ...bob, address: "carol@b.test", remote: "mx.b.test", diagnostic: "451 4.7.1 Later" };
  const delayed = text({ kind: "delayed", recipients: [bob, { ...carol, class: "greylisted" }] });
  const mail = await PostalMime.parse(delayed, { forceRfc822Attachments: true });
  expect(mail.subject).toBe("Delayed: your message to bob@a.test and 1 more");
  expect(mail.text).toMatch(/The last answer of mx\.b\.test about carol@b\.test was:\s+451 4\.7\.1 Later/);
  expect(delayed.match(/^Action: delayed\r$/gm)).toHaveLength(2);
  expect(delayed.match(/^Will-Retry-Until: Mon, 05 Jan 2026 00:00:00 \+0000\r$/gm)).toHaveLength(2);
  expect(delayed).not.toMatch(/given back/);
});

test("of a message that requires TLS nothing is given back", () => {
  expect(text({ original: { head: new Uint8Array() } })).not.toMatch(/rfc822-headers/);
});
