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
      "It is message messageaaaaaaaaa, handed in on Wed, 31 Dec 2025 00:00:00",
      "+0000.",
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
