import { describe, expect, test } from "vitest";
import { pick } from "../../src/devnet/random.ts";
import { AMAZON_CASES } from "../../src/protocol/inspect/fixtures/amazon.ts";
import { LANGUAGE_CASES } from "../../src/protocol/inspect/fixtures/languages.ts";
import { NO_BOUNCE_CASES } from "../../src/protocol/inspect/fixtures/no-bounces.ts";
import { REPLY_CASES } from "../../src/protocol/inspect/fixtures/replies.ts";
import { SHAPE_CASES } from "../../src/protocol/inspect/fixtures/shapes.ts";
import { inspect, INSPECT_CLASSES } from "../../src/protocol/inspect/index.ts";
import { fuzz, mutate, TOKENS } from "./fuzz.ts";

const SEEDS = [...REPLY_CASES, ...LANGUAGE_CASES, ...SHAPE_CASES, ...AMAZON_CASES, ...NO_BOUNCE_CASES].map(
  ({ raw }) => raw.toString("latin1"),
);
const MEANINGFUL = [
  "Final-Recipient: rfc822; ",
  "Original-Recipient: utf-8; \\x{D800}@",
  "Diagnostic-Code: ",
  "X-Failed-Recipients: ",
  "Content-Type: message/delivery-status\r\n\r\n",
  'Content-Type: multipart/report; boundary="b1"\r\n\r\n--b1\r\n',
  "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n",
  "Content-Transfer-Encoding: base64\r\n",
  "Content-Transfer-Encoding: quoted-printable\r\n",
  "charset=iso-2022-jp",
  "\x1b$B",
  "=?iso-2022-jp?b?GyRC?=",
  "550 5.1.1 ",
  "<anna@far.test>: ",
  "(".repeat(500),
  "a@".repeat(500),
];
const KINDS = ["bounce", "complaint", "dmarc-report", "tls-report", "auto-reply", "message"];

test("mutated bounces are read in time, and always to an answer of the form that is promised", async () => {
  let worst = 0;
  const cases = await fuzz("inspect", 5, async (random) => {
    const raw = Buffer.from(
      mutate(random, pick(random, SEEDS), [...SEEDS, ...MEANINGFUL, ...TOKENS]),
      "latin1",
    );
    const began = performance.now();
    const found = await inspect(raw);
    worst = Math.max(worst, performance.now() - began);
    expect(KINDS).toContain(found.kind);
    expect(found.kind === "bounce").toBe(found.recipients.length > 0);
    for (const one of found.recipients) {
      expect(INSPECT_CLASSES).toContain(one.class);
      expect(one.status).toMatch(/^(?:[245]\.\d{1,3}\.\d{1,3})?$/);
      expect(one.diagnostic.length).toBeLessThanOrEqual(1_000);
      expect(one.diagnostic).not.toMatch(/[\r\n]/);
      expect(one.permanent && one.action === "delayed").toBe(false);
    }
    JSON.stringify(found);
  });
  expect(cases).toBeGreaterThan(50);
  expect(worst).toBeLessThan(5_000);
}, 60_000);

const bounce = "From: MAILER-DAEMON@x.test\r\nSubject: Returned mail\r\n";
const nested = (depth: number) =>
  Array.from(
    { length: depth },
    (_, i) => `Content-Type: multipart/mixed; boundary="b${i}"\r\n\r\n--b${i}\r\n`,
  ).join("");

/** Each is a few megabytes that a careless reader takes minutes for. */
const HOSTILE: readonly [string, () => string][] = [
  ["parts within parts", () => bounce + nested(10_000)],
  ["header fields", () => `${"X-A: b\r\n".repeat(1_000_000)}\r\nx`],
  ["one long line", () => `${bounce}\r\n${"a".repeat(8_000_000)}`],
  [
    "boundaries",
    () => `Content-Type: multipart/mixed; boundary=b\r\n\r\n${"--b\r\n\r\nx\r\n".repeat(300_000)}`,
  ],
  [
    "boundaries in one line",
    () => `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n${"--b".repeat(1_000_000)}`,
  ],
  ["base64", () => `${bounce}Content-Transfer-Encoding: base64\r\n\r\n${"QUFB".repeat(2_000_000)}`],
  ["comments", () => `From: ${"(".repeat(100_000)}a@b.test\r\nTo: ${"(a".repeat(60_000)}\r\n\r\nx`],
  ["encoded words", () => `Subject: ${"=?utf-8?q?=41?= ".repeat(15_000)}\r\n\r\nx`],
  ["addresses", () => `${bounce}\r\n${"anna@far.test bert@far.test ".repeat(30_000)}`],
  ["lines of addresses", () => `${bounce}\r\n${"<anna@far.test>: no\r\n".repeat(100_000)}`],
  ["words without an end", () => `${bounce}\r\n${`${"a".repeat(990)}\n`.repeat(5_000)}`],
  ["at signs", () => `${bounce}\r\n${`${"a@".repeat(480)}\n`.repeat(2_000)}`],
  [
    "sentences",
    () =>
      `${bounce}\r\nYour message could not be delivered to\n${`${"to user for address ".repeat(45)}\n`.repeat(2_000)}`,
  ],
  [
    "recipients",
    () =>
      `${bounce}Content-Type: message/delivery-status\r\n\r\n${"Final-Recipient: rfc822; a@b.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n".repeat(30_000)}`,
  ],
  [
    "a diagnostic",
    () =>
      `${bounce}Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@b.test\r\nAction: failed\r\nDiagnostic-Code: smtp; ${"user exceeded ".repeat(60_000)}`,
  ],
  [
    "tags",
    () =>
      `${bounce}Content-Type: text/html\r\n\r\n${"<p".repeat(200_000)}${"<style>".repeat(50_000)}${"&#".repeat(100_000)}`,
  ],
  ["blanks between tags", () => `${bounce}Content-Type: text/html\r\n\r\n${"<b> </b>".repeat(500_000)}`],
  ["line breaks", () => `${bounce}Content-Type: text/html\r\n\r\n${" <br>\n".repeat(500_000)}`],
  ["colons", () => `${bounce}\r\n${`${":".repeat(900)}\n`.repeat(2_000)}`],
  ["spaces", () => `${bounce}\r\n${`${" ".repeat(990)}x\n`.repeat(3_000)}`],
];

describe("hostile messages", () => {
  test.each(HOSTILE)(
    "%s",
    async (_, make) => {
      const raw = Buffer.from(make(), "latin1");
      const began = performance.now();
      await inspect(raw);
      expect(performance.now() - began).toBeLessThan(5_000);
    },
    20_000,
  );
});
