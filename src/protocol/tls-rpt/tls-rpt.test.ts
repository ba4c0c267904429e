import PostalMime from "postal-mime";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  destinationsOf,
  makeReport,
  parseTlsRpt,
  reportFileName,
  reportId,
  reportMail,
  reportToken,
  type PolicyCount,
} from "./index.ts";

test.each([
  [
    "v=TLSRPTv1; rua=mailto:a@x.test,https://x.test/tls",
    { status: "record", rua: ["mailto:a@x.test", "https://x.test/tls"] },
  ],
  ["v=TLSRPTv1;rua=mailto:a@x.test; ext=1", { status: "record", rua: ["mailto:a@x.test"] }],
  ["v=TLSRPTv1;", { status: "syntax" }],
  ["v=TLSRPTv1; rua=a@x.test", { status: "syntax" }],
  ["v=TLSRPTv1; rua=http://x.test/", { status: "syntax" }],
  ["v=TLSRPTv2; rua=mailto:a@x.test", { status: "not-tls-rpt" }],
])("%s", (text, parsed) => expect(parseTlsRpt(text)).toMatchObject(parsed));

const five = Array.from({ length: 9 }, (_, i) => `mailto:a${i}@x.test`).join(",");

test.each<[string, string[], { https: string[]; mailto: string[] } | undefined]>([
  ["nothing", [], undefined],
  ["something else", ["v=spf1 -all"], undefined],
  ["mail", ["v=TLSRPTv1; rua=mailto:a@x.test"], { https: [], mailto: ["a@x.test"] }],
  ["beside another text", ["x", "v=TLSRPTv1; rua=mailto:a@x.test"], { https: [], mailto: ["a@x.test"] }],
  [
    "both",
    ["v=TLSRPTv1;rua=mailto:a@x.test, https://x.test/r?a=1"],
    { https: ["https://x.test/r?a=1"], mailto: ["a@x.test"] },
  ],
  ["two records", ["v=TLSRPTv1; rua=mailto:a@x.test", "v=TLSRPTv1; rua=mailto:b@x.test"], undefined],
  [
    "what cannot be used beside what can",
    ["v=TLSRPTv1; rua=http://x.test/,ftp://x,mailto:a@x.test"],
    { https: [], mailto: ["a@x.test"] },
  ],
  ["nothing that can be used", ["v=TLSRPTv1; rua=http://x.test/"], undefined],
  ["no address", ["v=TLSRPTv1;"], undefined],
  ["an encoded comma", ["v=TLSRPTv1; rua=mailto:a%2Cb@x.test"], { https: [], mailto: ["a,b@x.test"] }],
  [
    "a user name and what cannot be decoded",
    ["v=TLSRPTv1; rua=https://%zz@x.test/,https://a:b@x.test/,mailto:a@x.test"],
    { https: [], mailto: ["a@x.test"] },
  ],
  ["an address with a second header", ["v=TLSRPTv1; rua=mailto:a%0D%0ABcc:b%40y.test@x.test"], undefined],
  [
    "the same one again and again",
    [`v=TLSRPTv1; rua=${"https://x.test/r,".repeat(4)}mailto:a@x.test,mailto:A@x.test`],
    { https: ["https://x.test/r"], mailto: ["a@x.test", "A@x.test"] },
  ],
  [
    "many",
    [`v=TLSRPTv1; rua=${five}`],
    { https: [], mailto: ["a0@x.test", "a1@x.test", "a2@x.test", "a3@x.test", "a4@x.test"] },
  ],
])("where reports are wanted: %s", (_, texts, wanted) => expect(destinationsOf(texts)).toEqual(wanted));

const instant = z.iso.datetime();
const count = z.int().min(0);
/** The fields of RFC 8460 section 4.4, and no others. */
const schema = z.strictObject({
  "organization-name": z.string().min(1),
  "date-range": z.strictObject({ "start-datetime": instant, "end-datetime": instant }),
  "contact-info": z.email(),
  "report-id": z.string().min(1),
  policies: z
    .array(
      z.strictObject({
        policy: z.strictObject({
          "policy-type": z.enum(["tlsa", "sts", "no-policy-found"]),
          "policy-string": z.array(z.string()).min(1).optional(),
          "policy-domain": z.string().min(1),
          "mx-host": z.array(z.string()).min(1).optional(),
        }),
        summary: z.strictObject({
          "total-successful-session-count": count,
          "total-failure-session-count": count,
        }),
        "failure-details": z
          .array(
            z.strictObject({
              "result-type": z.enum([
                "starttls-not-supported",
                "certificate-host-mismatch",
                "certificate-expired",
                "certificate-not-trusted",
                "validation-failure",
                "tlsa-invalid",
                "dnssec-invalid",
                "dane-required",
                "sts-policy-fetch-error",
                "sts-policy-invalid",
                "sts-webpki-invalid",
              ]),
              "sending-mta-ip": z.union([z.ipv4(), z.ipv6()]).optional(),
              "receiving-mx-hostname": z.string().min(1).optional(),
              "receiving-mx-helo": z.string().min(1).optional(),
              "receiving-ip": z.union([z.ipv4(), z.ipv6()]).optional(),
              "failed-session-count": z.int().min(1),
              "additional-information": z.string().optional(),
              "failure-reason-code": z.string().optional(),
            }),
          )
          .min(1)
          .optional(),
      }),
    )
    .min(1),
});

/** Appendix B of RFC 8460, but for a URL with more words, which we do not send. */
const example = {
  "organization-name": "Company-X",
  "date-range": { "start-datetime": "2016-04-01T00:00:00Z", "end-datetime": "2016-04-01T23:59:59Z" },
  "contact-info": "sts-reporting@company-x.example",
  "report-id": "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
  policies: [
    {
      policy: {
        "policy-type": "sts",
        "policy-string": [
          "version: STSv1",
          "mode: testing",
          "mx: *.mail.company-y.example",
          "max_age: 86400",
        ],
        "policy-domain": "company-y.example",
        "mx-host": ["*.mail.company-y.example"],
      },
      summary: { "total-successful-session-count": 5326, "total-failure-session-count": 303 },
      "failure-details": [
        {
          "result-type": "certificate-expired",
          "sending-mta-ip": "2001:db8:abcd:0012::1",
          "receiving-mx-hostname": "mx1.mail.company-y.example",
          "failed-session-count": 100,
        },
        {
          "result-type": "starttls-not-supported",
          "sending-mta-ip": "2001:db8:abcd:0013::1",
          "receiving-mx-hostname": "mx2.mail.company-y.example",
          "receiving-ip": "203.0.113.56",
          "failed-session-count": 200,
        },
        {
          "result-type": "validation-failure",
          "sending-mta-ip": "198.51.100.62",
          "receiving-ip": "203.0.113.58",
          "receiving-mx-hostname": "mx-backup.mail.company-y.example",
          "failed-session-count": 3,
          "failure-reason-code": "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED",
        },
      ],
    },
  ],
};

const DAY = Date.UTC(2016, 3, 1) / 86_400_000;
const nothing = { reason: "", sendingIp: "", mxHost: "", mxHelo: "", receivingIp: "" };

const companyY: PolicyCount = {
  policy: {
    type: "sts",
    strings: ["version: STSv1", "mode: testing", "mx: *.mail.company-y.example", "max_age: 86400"],
    mxHosts: ["*.mail.company-y.example"],
  },
  succeeded: 5326,
  failed: 303,
  failures: [
    {
      failure: {
        ...nothing,
        type: "certificate-expired",
        sendingIp: "2001:db8:abcd:0012::1",
        mxHost: "mx1.mail.company-y.example",
      },
      sessions: 100,
    },
    {
      failure: {
        ...nothing,
        type: "starttls-not-supported",
        sendingIp: "2001:db8:abcd:0013::1",
        mxHost: "mx2.mail.company-y.example",
        receivingIp: "203.0.113.56",
      },
      sessions: 200,
    },
    {
      failure: {
        ...nothing,
        type: "validation-failure",
        reason: "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED",
        sendingIp: "198.51.100.62",
        mxHost: "mx-backup.mail.company-y.example",
        receivingIp: "203.0.113.58",
      },
      sessions: 3,
    },
  ],
};
const facts = {
  id: "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
  organization: "Company-X",
  contact: "sts-reporting@company-x.example",
  domain: "company-y.example",
  day: DAY,
};

describe("the report", () => {
  test("is the example of RFC 8460, appendix B, of its facts", () => {
    expect(makeReport({ ...facts, policies: [companyY] })).toEqual(example);
    expect(() => schema.parse(example)).not.toThrow();
  });

  test.each<[string, PolicyCount, object]>([
    [
      "no policy, all well",
      {
        policy: { type: "no-policy-found", strings: [], mxHosts: [] },
        succeeded: 7,
        failed: 0,
        failures: [],
      },
      {
        policy: { "policy-type": "no-policy-found", "policy-domain": "company-y.example" },
        summary: { "total-successful-session-count": 7, "total-failure-session-count": 0 },
      },
    ],
    [
      "DANE: the policy is the host's",
      {
        policy: { type: "tlsa", strings: ["3 1 1 AB"], mxHosts: ["mx.company-y.example"] },
        succeeded: 1,
        failed: 0,
        failures: [],
      },
      {
        policy: {
          "policy-type": "tlsa",
          "policy-string": ["3 1 1 AB"],
          "policy-domain": "mx.company-y.example",
          "mx-host": ["mx.company-y.example"],
        },
        summary: { "total-successful-session-count": 1, "total-failure-session-count": 0 },
      },
    ],
    [
      "a policy that could not be fetched: nobody was asked by SMTP",
      {
        policy: { type: "sts", strings: [], mxHosts: [] },
        succeeded: 0,
        failed: 2,
        failures: [
          { failure: { ...nothing, type: "sts-policy-fetch-error", reason: "HTTP status 404" }, sessions: 2 },
        ],
      },
      {
        policy: { "policy-type": "sts", "policy-domain": "company-y.example" },
        summary: { "total-successful-session-count": 0, "total-failure-session-count": 2 },
        "failure-details": [
          {
            "result-type": "sts-policy-fetch-error",
            "failed-session-count": 2,
            "failure-reason-code": "HTTP status 404",
          },
        ],
      },
    ],
  ])("%s", (_, policy, wanted) => {
    const report = makeReport({ ...facts, policies: [policy] });
    expect(report.policies).toEqual([wanted]);
    expect(() => schema.parse(report)).not.toThrow();
  });

  test("has one id and one name, whenever it is made; another node, day or domain has another", () => {
    const id = reportId("relay.coop.example", "x.example", DAY);
    expect(id).toMatch(/^20160401\.[a-z2-7]{16}@relay\.coop\.example$/);
    expect(reportId("relay.coop.example", "x.example", DAY)).toBe(id);
    const others = [
      reportId("two.coop.example", "x.example", DAY),
      reportId("relay.coop.example", "y.example", DAY),
      reportId("relay.coop.example", "x.example", DAY + 1),
    ];
    expect(new Set([id, ...others]).size).toBe(4);
    expect(reportToken("h", "d", 1, "a@x")).not.toBe(reportToken("h", "d", 1, "b@x"));
    // The form of section 5.1: reporter!domain!begin!end!unique.
    expect(reportFileName("coop.example", "x.example", DAY, "abc2")).toBe(
      "coop.example!x.example!1459468800!1459555199!abc2.json.gz",
    );
  });
});

test("as mail: the form of RFC 8460 section 5.3", async () => {
  const gzip = Uint8Array.from({ length: 700 }, (_, i) => i % 256);
  const domain = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}.example`;
  const { head, body } = reportMail({
    reportId: "20160401.abc@relay.coop.example",
    messageId: "abcdefghijklmnop@coop.example",
    from: "Atmosphere Mail <postmaster@coop.example>",
    to: "tls@x.example",
    date: "Fri, 01 Apr 2016 03:00:00 +0000",
    domain,
    submitter: "coop.example",
    fileName: reportFileName("coop.example", domain, DAY, "abc2"),
    gzip,
  });
  const raw = Buffer.concat([head, body]);
  const lines = raw.toString("latin1").split("\r\n");
  expect(lines.every((line) => line.length <= 998 && /^[\t -~]*$/.test(line))).toBe(true);
  const mail = await PostalMime.parse(raw);
  const header = (name: string) => mail.headers.find(({ key }) => key === name)?.value;
  expect(mail.subject).toBe(
    `Report Domain: ${domain} Submitter: coop.example Report-ID: <20160401.abc@relay.coop.example>`,
  );
  expect(header("tls-report-domain")).toBe(domain);
  expect(header("tls-report-submitter")).toBe("coop.example");
  expect(header("content-type")).toMatch(/^multipart\/report; ?report-type="tlsrpt"; ?boundary="/);
  expect(mail.text).toContain("(RFC 8460)");
  expect(mail.attachments).toHaveLength(1);
  const [part] = mail.attachments;
  expect([part?.mimeType, part?.filename, part?.disposition]).toEqual([
    "application/tlsrpt+gzip",
    `coop.example!${domain}!1459468800!1459555199!abc2.json.gz`,
    "attachment",
  ]);
  expect(new Uint8Array(part?.content as ArrayBuffer)).toEqual(gzip);
});
