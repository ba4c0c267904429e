import { describe, expect, test } from "vitest";
import type { InspectedComplaint } from "../inspect/types.ts";
import { readMail } from "../mime/index.ts";
import { readComplaint } from "./index.ts";

const TOKEN = "b+a1b2c3@bounce.member.test";

type Shape = {
  from?: string;
  subject?: string;
  extra?: readonly string[];
  /** The whole content type. */
  type?: string;
  /** Type and content of each part. */
  parts: readonly (readonly [type: string, content: string])[];
};

function mailOf({ from = "fbl@provider.test", subject = "FW: hello", extra = [], type, parts }: Shape) {
  const lines = [
    `From: ${from}`,
    "To: fbl@pool.test",
    `Subject: ${subject}`,
    ...extra,
    "MIME-Version: 1.0",
    `Content-Type: ${type ?? "multipart/report; report-type=feedback-report"}; boundary="=b"`,
    "",
    ...parts.flatMap(([partType, content]) => ["--=b", `Content-Type: ${partType}`, "", content]),
    "--=b--",
    "",
  ];
  return readMail(Buffer.from(lines.join("\r\n")));
}

const fields = (...lines: string[]) => ["message/feedback-report", lines.join("\r\n")] as const;
const HUMAN = ["text/plain", "This is a report about a message."] as const;
const HEADER = [
  `Return-Path: <${TOKEN}>`,
  "Received: from a by b; Thu, 1 Jan 2026 10:00:00 +0000",
  "Message-ID: <m1@member.test>",
  "Feedback-ID: m7:pool",
  "From: A <a@member.test>",
  "To: <reader@provider.test>",
  "Subject: hello",
].join("\r\n");
const original = (type = "message/rfc822", header = HEADER) => [type, `${header}\r\n\r\nHello.`] as const;
const arf = ["Feedback-Type: abuse", "User-Agent: X/1.0", "Version: 1"];

const read = async (shape: Shape) => readComplaint(await mailOf(shape));

describe("feedback reports", () => {
  const cases: [what: string, shape: Shape, expected: Partial<InspectedComplaint>][] = [
    [
      "with everything that RFC 5965 has",
      {
        parts: [
          HUMAN,
          fields(
            ...arf,
            "Original-Mail-From: <A@Member.test>",
            "Original-Rcpt-To: <Reader@Provider.test>",
            "Arrival-Date: Thu, 1 Jan 2026 10:00:00 +0000 (UTC)",
            "Source-IP: 192.0.2.7",
            "Incidents: 3",
          ),
          original(),
        ],
      },
      {
        type: "abuse",
        provider: "provider.test",
        recipient: "Reader@provider.test",
        originalMailFrom: "A@member.test",
        messageId: "<m1@member.test>",
        feedbackId: "m7:pool",
        sourceIp: "192.0.2.7",
        arrivedAt: Date.UTC(2026, 0, 1, 10),
        incidents: 3,
      },
    ],
    [
      "with the header alone",
      { parts: [HUMAN, fields(...arf), original("text/rfc822-headers")] },
      { feedbackId: "m7:pool", originalMailFrom: TOKEN },
    ],
    [
      "with the header under another name",
      { parts: [HUMAN, fields(...arf), original("message/rfc822-headers")] },
      { feedbackId: "m7:pool" },
    ],
    [
      "with the header in the singular",
      { parts: [HUMAN, fields(...arf), original("text/rfc822-header")] },
      { feedbackId: "m7:pool" },
    ],
    [
      "with the header as plain text",
      { parts: [HUMAN, fields(...arf), original("text/plain")] },
      { feedbackId: "m7:pool" },
    ],
    ["without the mail", { parts: [HUMAN, fields(...arf)] }, { type: "abuse", messageId: "", original: {} }],
    ["with the mail first", { parts: [original(), fields(...arf)] }, { feedbackId: "m7:pool" }],
    ["without a version", { parts: [fields("Feedback-Type: fraud")] }, { type: "fraud" }],
    ["without a type", { parts: [fields("User-Agent: X/1.0", "Version: 1")] }, { type: "abuse" }],
    [
      "with fields twice: the first holds",
      { parts: [fields(...arf, "Feedback-Type: virus", "Source-IP: 192.0.2.1", "Source-IP: 192.0.2.2")] },
      { type: "abuse", sourceIp: "192.0.2.1" },
    ],
    [
      "folded, in capitals, with a comment",
      {
        parts: [
          fields(
            "FEEDBACK-TYPE:",
            "  Abuse (by a person)",
            "Original-Rcpt-To:",
            " rfc822;reader@provider.test",
          ),
        ],
      },
      { type: "abuse", recipient: "reader@provider.test" },
    ],
    [
      "with empty lines in front and between",
      { parts: [fields("", "Feedback-Type: abuse", "", "Source-IP: 192.0.2.9")] },
      { sourceIp: "192.0.2.9" },
    ],
    ["not spam", { parts: [fields("Feedback-Type: not-spam"), original()] }, { type: "not-spam" }],
    [
      "not spam, written otherwise",
      { parts: [fields("Feedback-Type: Not_Spam"), original()] },
      { type: "not-spam" },
    ],
    [
      "opting out",
      { parts: [fields("Feedback-Type: opt-out", "Removal-Recipient: reader@provider.test")] },
      { type: "opt-out", recipient: "reader@provider.test" },
    ],
    [
      "of failed authentication (RFC 6591)",
      { parts: [fields("Feedback-Type: auth-failure", "Auth-Failure: dmarc")] },
      { type: "auth-failure" },
    ],
    ["with a type of its own", { parts: [fields("Feedback-Type: x-greyish")] }, { type: "x-greyish" }],
    ["incidents without sense", { parts: [fields(...arf, "Incidents: -4")] }, { incidents: 1 }],
    [
      "incidents without bound",
      { parts: [fields(...arf, "Incidents: 99999999999")] },
      { incidents: 1_000_000 },
    ],
    ["a source that is none", { parts: [fields(...arf, "Source-IP: x.x.x.x")] }, { sourceIp: "" }],
    [
      "a source of IPv6",
      { parts: [fields(...arf, "Source-IP: [IPv6:2001:DB8::1]")] },
      { sourceIp: "2001:db8::1" },
    ],
    ["a date that is none", { parts: [fields(...arf, "Arrival-Date: yesterday")] }, { arrivedAt: null }],
    [
      "the report's type lost on the way",
      { parts: [HUMAN, ["text/plain", arf.join("\r\n")], original()] },
      { type: "abuse", feedbackId: "m7:pool" },
    ],
    [
      "the envelope sender in what was authenticated",
      { parts: [fields(...arf, `Authentication-Results: mx.test; spf=pass smtp.mailfrom=${TOKEN}`)] },
      { returnPaths: [TOKEN, "fbl@pool.test"] },
    ],
    [
      "a recipient that is redacted",
      {
        parts: [
          fields(...arf, "Original-Rcpt-To: redacted-user@provider.test"),
          original("message/rfc822", "To: undisclosed-recipients:;\r\nMessage-ID: <m1@member.test>"),
        ],
      },
      { recipient: "", messageId: "<m1@member.test>" },
    ],
    [
      "a recipient that is a digest",
      { parts: [fields(...arf, "Original-Rcpt-To: cb4a01a48251d4765f489076aa81e2a4@provider.test")] },
      { recipient: "" },
    ],
  ];
  test.each(cases)("%s", async (_, shape, expected) => {
    expect(await read(shape)).toMatchObject(expected);
  });
});

describe("providers", () => {
  const agent = (name: string, ...more: string[]) => ["Feedback-Type: abuse", `User-Agent: ${name}`, ...more];
  const cases: [provider: string, from: string, lines: readonly string[]][] = [
    ["yahoo", "feedback@arf.mail.yahoo.com", agent("Yahoo!-Mail-Feedback/2.0")],
    ["yahoo", "complaints@email-abuse.amazonses.com", agent("Yahoo!-Mail-Feedback/2.0")],
    ["amazon-ses", "complaints@email-abuse.amazonses.com", agent("Feedback/1.0")],
    ["aol", "scomp@aol.net", agent("AOL SComp")],
    ["microsoft", "staff@hotmail.com", agent("Feedback/1.0")],
    ["microsoft", "noreply@reports.test", agent("Microsoft-JMRP/2.0")],
    ["comcast", "feedbackloop@comcastfbl.senderscore.net", agent("ReturnPathFBL/2.0", "Source: Comcast")],
    ["comcast", "feedbackloop@comcastfbl.senderscore.net", agent("ReturnPathFBL/1.0")],
    ["cox", "feedbackloop@fbl.senderscore.net", agent("ReturnPathFBL/2.0", "Source: Cox")],
    ["validity", "feedbackloop@other.senderscore.net", agent("ReturnPathFBL/2.0")],
    ["fastmail", "fbl@fastmail.com", agent("Feedback/1.0")],
    ["mailru", "fbl@corp.mail.ru", agent("Mail.Ru FBL")],
    ["yandex", "fbl@yandex-team.ru", agent("Feedback/1.0")],
    ["zoho", "fbl@zoho.com", agent("Feedback/1.0")],
    ["synacor", "fbl@reports.test", agent("Synacor-FBL/1.0")],
    ["cloudmark", "fbl@reports.test", agent("Cloudmark Feedback/1.0")],
    ["signal-spam", "fbl@signal-spam.fr", agent("Signal Spam/1.0")],
    ["laposte", "fbl@laposte.net", agent("Feedback/1.0")],
    ["abusix", "reports@reports.test", agent("abusix-py/0.1")],
    ["small.test", "abuse@small.test", agent("Feedback/1.0")],
    ["mx.small.test", "nobody", agent("Feedback/1.0", "Reporting-MTA: dns; mx.small.test")],
    ["", "nobody", agent("Feedback/1.0")],
  ];
  test.each(cases)("%s: from %s", async (provider, from, lines) => {
    expect((await read({ from, parts: [fields(...lines), original()] }))?.provider).toBe(provider);
  });
});

describe("Microsoft", () => {
  const before = `X-HmXmrOriginalRecipient: reader@outlook.test\r\n${HEADER}`;

  test("before June 2026: the mail itself, from its staff", async () => {
    const shape = {
      from: "staff@hotmail.com",
      subject: "complaint about message from 192.0.2.7",
      type: "multipart/mixed",
      parts: [original("message/rfc822", before)],
    };
    expect(await read(shape)).toMatchObject({
      type: "abuse",
      provider: "microsoft",
      recipient: "reader@outlook.test",
      sourceIp: "192.0.2.7",
      messageId: "<m1@member.test>",
      originalMailFrom: TOKEN,
    });
    expect(await read({ ...shape, from: "staff@elsewhere.test" })).toBeUndefined();
    expect(await read({ ...shape, subject: "hello", parts: [original()] })).toBeUndefined();
  });

  test("before 2011: the mail with a field more, not within another", async () => {
    const raw = (from: string) =>
      readMail(
        Buffer.from(
          `Return-Path: ${from}\r\nReceived: x\r\n${before.replace(/\r\nReturn-Path:[^\r]*/, "")}\r\n\r\nHello.`,
        ),
      );
    expect(readComplaint(await raw("<staff@hotmail.com>"))).toMatchObject({
      type: "abuse",
      provider: "microsoft",
      recipient: "reader@outlook.test",
      messageId: "<m1@member.test>",
      feedbackId: "m7:pool",
    });
    expect(readComplaint(await raw("<a@member.test>"))).toBeUndefined();
  });

  test("since: a header without anybody's name, which our own fields still tell apart", async () => {
    const header = [
      "Authentication-Results: spf=pass (sender IP is 192.0.2.7)",
      ` smtp.mailfrom=${TOKEN}; dkim=pass header.d=member.test`,
      "From: redacted@redacted.test",
      "To: anonymized@outlook.test",
      "Message-ID: <m1@member.test>",
      "Feedback-ID: m7:pool",
      "X-Atmosphere-Id: opaque",
    ].join("\r\n");
    const parts = [
      HUMAN,
      fields(...arf, "Source-IP: 192.0.2.7", "Reported-Domain: member.test"),
      original("text/rfc822-headers", header),
    ];
    expect(await read({ from: "staff@hotmail.com", parts })).toMatchObject({
      provider: "microsoft",
      recipient: "",
      messageId: "<m1@member.test>",
      feedbackId: "m7:pool",
      sourceIp: "192.0.2.7",
      returnPaths: [TOKEN, "fbl@pool.test"],
      original: { "x-atmosphere-id": "opaque" },
    });
  });
});

describe("XARF and SpamCop", () => {
  const evidence = Buffer.from(`${HEADER}\r\n\r\nHello.`).toString("base64");
  const four = {
    xarf_version: "4.0.0",
    report_id: "1",
    timestamp: "2026-01-01T10:00:00Z",
    reporter: { org: "R", contact: "abuse@reporter.test", domain: "reporter.test" },
    source_identifier: "192.0.2.7",
    category: "messaging",
    type: "spam",
    smtp_from: TOKEN,
    evidence: [{ content_type: "message/rfc822", payload: evidence }],
  };
  const three = {
    Version: "3",
    ReporterInfo: { ReporterOrg: "R", ReporterOrgDomain: "reporter.test" },
    Report: {
      ReportType: "Phishing",
      SourceIp: "192.0.2.7",
      Date: "2026-01-01T10:00:00Z",
      SmtpMailFromAddress: TOKEN,
    },
  };
  const cases: [string, Shape, Partial<InspectedComplaint>][] = [
    [
      "version 4",
      { type: "multipart/mixed", parts: [HUMAN, ["application/json; name=xarf.json", JSON.stringify(four)]] },
      {
        type: "abuse",
        provider: "reporter.test",
        originalMailFrom: TOKEN,
        feedbackId: "m7:pool",
        arrivedAt: Date.UTC(2026, 0, 1, 10),
      },
    ],
    [
      "version 4 within a feedback report",
      {
        parts: [
          HUMAN,
          fields("Feedback-Type: xarf", "Version: 1"),
          ["application/json", JSON.stringify(four)],
        ],
      },
      { type: "abuse", sourceIp: "192.0.2.7", feedbackId: "m7:pool" },
    ],
    [
      "version 3",
      { type: "multipart/mixed", parts: [HUMAN, ["application/json", JSON.stringify(three)]] },
      { type: "fraud", sourceIp: "192.0.2.7", returnPaths: [TOKEN, "fbl@pool.test"] },
    ],
    [
      "lines",
      {
        type: "multipart/mixed",
        extra: ["X-XARF: PLAIN"],
        parts: [
          HUMAN,
          [
            "text/plain; name=report.txt",
            "---\r\nReported-From: abuse@reporter.test\r\nCategory: abuse\r\nReport-Type: spam\r\nSource-Type: ip-address\r\nSource: 192.0.2.7",
          ],
        ],
      },
      { type: "abuse", provider: "reporter.test", sourceIp: "192.0.2.7" },
    ],
    [
      "SpamCop",
      {
        from: "1234@reports.spamcop.net",
        subject: "[SpamCop (192.0.2.7) id:1234]hello",
        type: "multipart/mixed",
        parts: [["text/plain", `[ SpamCop V5 ]\r\n\r\n[ Offending message ]\r\n${HEADER}\r\n\r\nHello.`]],
      },
      { type: "abuse", provider: "spamcop", sourceIp: "192.0.2.7", feedbackId: "m7:pool" },
    ],
  ];
  test.each(cases)("%s", async (_, shape, expected) => {
    expect(await read(shape)).toMatchObject(expected);
  });

  const others: [string, Shape][] = [
    ["a letter", { type: "multipart/mixed", parts: [HUMAN] }],
    ["a letter with a mail", { type: "multipart/mixed", parts: [HUMAN, original()] }],
    [
      "a bounce",
      {
        type: "multipart/report; report-type=delivery-status",
        parts: [
          HUMAN,
          [
            "message/delivery-status",
            "Reporting-MTA: dns; a\r\n\r\nFinal-Recipient: rfc822; a@b.test\r\nAction: failed",
          ],
          original(),
        ],
      },
    ],
    ["other JSON", { type: "multipart/mixed", parts: [["application/json", '{"policies":[]}']] }],
    [
      "a letter from SpamCop",
      { from: "x@spamcop.net", subject: "hello", type: "multipart/mixed", parts: [HUMAN] },
    ],
  ];
  test.each(others)("%s is none", async (_, shape) => {
    expect(await read(shape)).toBeUndefined();
  });
});
