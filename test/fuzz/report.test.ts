import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { between, pick, type Random } from "../../src/devnet/random.ts";
import { openArchive } from "../../src/protocol/archive/index.ts";
import { zipOf } from "../../src/protocol/archive/zip.fixture.ts";
import { readComplaint } from "../../src/protocol/arf/index.ts";
import { dmarcXml, recordOf } from "../../src/protocol/dmarc-report/dmarc.fixture.ts";
import { MOST_ROWS, parseDmarcXml, readDmarcReport } from "../../src/protocol/dmarc-report/index.ts";
import { readMail } from "../../src/protocol/mime/index.ts";
import { MOST_POLICIES, parseTlsReport, readTlsReport } from "../../src/protocol/tls-rpt/index.ts";
import { fuzz, mutate } from "./fuzz.ts";

const XML = [
  dmarcXml(),
  dmarcXml({
    namespace: ' xmlns="urn:ietf:params:xml:ns:dmarc-2.0"',
    records: Array.from({ length: 30 }, () => recordOf()),
  }),
  dmarcXml({ domain: null, metadata: "<org_name><![CDATA[A]]></org_name>" }),
  '<?xml version="1.0"?><!DOCTYPE f [<!ENTITY a "ha">]><feedback>&a;&#65;</feedback>',
];
const JSON_TEXTS = [
  '{"organization-name":"P","date-range":{"start-datetime":"2026-01-01T00:00:00Z"},"report-id":"r","policies":[{"policy":{"policy-type":"sts","policy-domain":"m.test","mx-host":["*.m.test"]},"summary":{"total-successful-session-count":1,"total-failure-session-count":"2"},"failure-details":[{"result-type":"certificate-expired","failed-session-count":2}]}]}',
  '{"report-id":1e400,"policies":{"policy":[],"summary":null}}',
];
const COMPLAINTS = [
  "From: staff@hotmail.com\r\nSubject: complaint about message from 192.0.2.1\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nX-HmXmrOriginalRecipient: a@b.test\r\nMessage-ID: <1@b.test>\r\n\r\nx\r\n--b--\r\n",
  "From: a@b.test\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nIncidents: 3\r\nSource-IP: 192.0.2.1\r\nAuthentication-Results: x; spf=pass smtp.mailfrom=c@d.test\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nReturn-Path: <c@d.test>\r\nTo: <e@f.test>\r\n\r\n--b--\r\n",
  'From: a@b.test\r\nX-XARF: PLAIN\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n---\r\nReport-Type: spam\r\nSource: 192.0.2.1\r\n--b\r\nContent-Type: application/json\r\n\r\n{"xarf_version":"4","type":"spam","evidence":[{"content_type":"message/rfc822","payload":"QQ=="}]}\r\n--b--\r\n',
  "From: 1@reports.spamcop.net\r\nSubject: [SpamCop (192.0.2.1) id:1]\r\n\r\n[ Offending message ]\r\nReceived: x\r\n\r\ny",
];

const latin1 = (text: string) => Buffer.from(text, "latin1");

/** Octets changed in place, cut, doubled: for what is packed. */
function mangle(random: Random, packed: Buffer): Buffer {
  let out = Buffer.from(packed);
  for (let left = between(random, 0, 6); left > 0 && out.length > 0; left--) {
    const at = between(random, 0, out.length - 1);
    out = pick(random, [
      () => out.fill(between(random, 0, 255), at, Math.min(out.length, at + between(random, 1, 4))),
      () => out.subarray(0, at),
      () => Buffer.concat([out.subarray(0, at), out]),
      () => Buffer.concat([out, out.subarray(at)]),
      () => Buffer.concat([out.subarray(0, at), out.subarray(Math.min(out.length, at + 9))]),
    ])();
  }
  return out.subarray(0, 200_000);
}

const inMail = (type: string, content: Buffer) =>
  latin1(
    `Subject: Report Domain: m.test\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: base64\r\n\r\n${content.toString("base64")}`,
  );

/** Within what an inspection may take; of the processor, for the machine has other work too. */
async function within<T>(work: () => Promise<T>): Promise<T> {
  const began = process.threadCpuUsage();
  const result = await work();
  const { user, system } = process.threadCpuUsage(began);
  expect((user + system) / 1e6).toBeLessThan(5);
  return result;
}

describe("whatever comes as a report", () => {
  test("XML", { timeout: 600_000 }, async () => {
    let read = 0;
    await fuzz(
      "DMARC XML",
      2,
      async (random) => {
        const xml = latin1(mutate(random, pick(random, XML), XML));
        const { report, problem } = await within(() => parseDmarcXml(xml));
        expect(report ?? problem).toBeDefined();
        expect(report?.rows.length ?? 0).toBeLessThanOrEqual(MOST_ROWS);
        expect(report?.messages ?? 0).toBeGreaterThanOrEqual(report?.aligned ?? 0);
        if (report) read++;
      },
      () => read > 20,
    );
  });

  test("JSON", { timeout: 600_000 }, async () => {
    let read = 0;
    await fuzz(
      "TLS JSON",
      2,
      async (random) => {
        const json = latin1(mutate(random, pick(random, JSON_TEXTS), JSON_TEXTS));
        const { report, problem } = await within(async () => parseTlsReport(json));
        expect(report ?? problem).toBeDefined();
        expect(report?.policies.length ?? 0).toBeLessThanOrEqual(MOST_POLICIES);
        if (report) read++;
      },
      () => read > 5,
    );
  });

  test("archives, by themselves and in mail", { timeout: 600_000 }, async () => {
    const most = 1024 * 1024;
    const xml = Buffer.from(XML[1]!);
    const entry = { name: "a.xml", content: xml };
    const packed = [
      gzipSync(xml),
      gzipSync(Buffer.alloc(most * 4)),
      zipOf([entry]),
      zipOf([
        { ...entry, streamed: true },
        { ...entry, stored: true },
      ]),
      zipOf([{ name: "bomb", content: Buffer.alloc(most * 4), claims: 9 }]),
    ];
    const seen = { opened: 0, refused: 0 };
    await fuzz(
      "archives",
      3,
      async (random) => {
        const bytes = mangle(random, pick(random, packed));
        const opened = await within(() => openArchive(bytes, most));
        seen[opened.status === "opened" ? "opened" : "refused"]++;
        if (opened.status === "opened")
          expect(opened.files.reduce((sum, { content }) => sum + content.length, 0)).toBeLessThanOrEqual(
            most,
          );
        else expect(opened.detail).not.toBe("");
        const mail = await readMail(inMail(pick(random, ["application/gzip", "application/zip"]), bytes));
        await within(() => readDmarcReport(mail));
        await within(() => readTlsReport(mail));
      },
      () => seen.opened > 20 && seen.refused > 20,
    );
  });

  test("complaints", { timeout: 600_000 }, async () => {
    let read = 0;
    await fuzz(
      "complaints",
      3,
      async (random) => {
        const raw = latin1(mutate(random, pick(random, COMPLAINTS), COMPLAINTS));
        const complaint = await within(async () => readComplaint(await readMail(raw)));
        if (!complaint) return;
        read++;
        expect(complaint.incidents).toBeGreaterThanOrEqual(1);
        expect(complaint.type).toMatch(/^[a-z][a-z0-9-]*$/);
        expect(complaint.returnPaths.length).toBeLessThanOrEqual(50);
      },
      () => read > 20,
    );
  });
});
