import PostalMime from "postal-mime";
import { expect, test } from "vitest";
import { composeDsn, type DsnFacts } from "./dsn.ts";

const facts: DsnFacts = {
  id: "abcdefghijklmnop",
  hostname: "relay.pool.test",
  poolDomain: "pool.test",
  now: Date.UTC(2026, 0, 1),
  to: "alice@member.test",
  recipient: "bob@a.test",
  kind: "failed",
  status: "5.1.1",
  remote: "mx.a.test",
  diagnostic: "550 5.1.1 User unknown",
  envid: null,
  orcpt: null,
  receivedAt: Date.UTC(2025, 11, 31),
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
    status: "4.4.7",
    remote: "",
    diagnostic: "no answer within 30 s (connect)",
  });
  expect(expired).toMatch(/five days/);
  expect(expired).not.toMatch(/Remote-MTA/);
});

test("the words of a hostile server stay words", () => {
  const hostile = text({
    diagnostic: `550 \r\nBcc: x@y.test\r\n\r\n--=_abcdefghijklmnop\u00fc${"z".repeat(5_000)}`,
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
