import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { InspectedTlsReport } from "../inspect/types.ts";
import { readMail } from "../mime/index.ts";
import { MOST_FAILURES, MOST_POLICIES, parseTlsReport, readTlsReport } from "./index.ts";

const policy = {
  policy: {
    "policy-type": "sts",
    "policy-string": ["version: STSv1"],
    "policy-domain": "Member.test.",
    "mx-host": ["*.member.test"],
  },
  summary: { "total-successful-session-count": 12, "total-failure-session-count": 3 },
  "failure-details": [
    {
      "result-type": "certificate-expired",
      "sending-mta-ip": "192.0.2.7",
      "receiving-mx-hostname": "mx.member.test",
      "receiving-ip": "192.0.2.9",
      "failed-session-count": 3,
      "failure-reason-code": "10",
    },
  ],
};
const report = {
  "organization-name": "Provider",
  "date-range": { "start-datetime": "2026-01-01T00:00:00Z", "end-datetime": "2026-01-01T23:59:59Z" },
  "contact-info": "tls@provider.test",
  "report-id": "r-1",
  policies: [policy],
};
const parse = (json: unknown) => parseTlsReport(Buffer.from(JSON.stringify(json)));

test("a report as RFC 8460 has it", () => {
  expect(parse(report)).toEqual({
    report: {
      kind: "tls",
      organization: "Provider",
      contact: "tls@provider.test",
      reportId: "r-1",
      begin: Date.UTC(2026, 0, 1),
      end: Date.UTC(2026, 0, 1, 23, 59, 59),
      policies: [
        {
          type: "sts",
          domain: "member.test",
          mxHosts: ["*.member.test"],
          succeeded: 12,
          failed: 3,
          failures: [
            {
              type: "certificate-expired",
              sessions: 3,
              sendingIp: "192.0.2.7",
              receivingMx: "mx.member.test",
              receivingIp: "192.0.2.9",
              reason: "10",
            },
          ],
        },
      ],
      truncated: false,
    } satisfies InspectedTlsReport,
  });
});

describe("oddities", () => {
  const one = (changed: object) => ({ ...report, policies: [{ ...policy, ...changed }] });
  const cases: [string, unknown, Partial<InspectedTlsReport["policies"][number]>][] = [
    [
      "counts as text",
      one({ summary: { "total-successful-session-count": "12", "total-failure-session-count": " 3 " } }),
      { succeeded: 12, failed: 3 },
    ],
    [
      "counts that are none",
      one({ summary: { "total-successful-session-count": -1, "total-failure-session-count": {} } }),
      { succeeded: 0, failed: 0 },
    ],
    [
      "counts over every bound",
      one({ summary: { "total-successful-session-count": 1e300 } }),
      { succeeded: 1e12, failed: 0 },
    ],
    [
      "one host in the place of a list",
      one({ policy: { "policy-type": "tlsa", "policy-domain": "m.test", "mx-host": "mx.m.test" } }),
      { type: "tlsa", mxHosts: ["mx.m.test"] },
    ],
    [
      "one failure in the place of a list",
      one({ "failure-details": policy["failure-details"][0] }),
      { failures: [expect.objectContaining({ sessions: 3 }) as never] },
    ],
    ["no failures", one({ "failure-details": null }), { failures: [] }],
    ["nothing in it", { ...report, policies: [null] }, { type: "", domain: "", succeeded: 0, failures: [] }],
    [
      "one policy in the place of a list",
      { ...report, policies: policy },
      { domain: "member.test", succeeded: 12 },
    ],
  ];
  test.each(cases)("%s", (_, json, expected) => {
    expect(parse(json).report?.policies[0]).toMatchObject(expected);
  });

  test("a byte order mark, times in seconds, no contact", () => {
    const json = {
      ...report,
      "contact-info": undefined,
      "date-range": { "start-datetime": 1767225600, "end-datetime": "soon" },
    };
    expect(parseTlsReport(Buffer.from(`\uFEFF${JSON.stringify(json)}`)).report).toMatchObject({
      contact: "",
      begin: Date.UTC(2026, 0, 1),
      end: 0,
    });
  });

  test("policies and failures over the bounds are left out, and it is said", () => {
    const many = parse({
      ...report,
      policies: Array.from({ length: MOST_POLICIES + 1 }, () => policy),
    }).report;
    expect([many?.policies.length, many?.truncated]).toEqual([MOST_POLICIES, true]);
    const failing = Array.from({ length: MOST_FAILURES + 1 }, () => policy["failure-details"][0]);
    const failures = parse({ ...report, policies: [{ ...policy, "failure-details": failing }] }).report;
    expect([failures?.policies[0]?.failures.length, failures?.truncated]).toEqual([MOST_FAILURES, true]);
  });
});

describe("what is none", () => {
  const cases: [string, string, RegExp][] = [
    ["no JSON", "hello", /no JSON/],
    ["a number", "7", /no policies/],
    ["a list", "[]", /no policies/],
    ["another object", '{"policies":[]}', /nobody who reports/],
    ["lists without end", "[".repeat(1_000_000), /no JSON/],
    ["too much", " ".repeat(2 * 1024 * 1024 + 1), /larger than 2 MiB/],
  ];
  test.each(cases)("%s", (_, text, problem) => {
    expect(parseTlsReport(Buffer.from(text))).toEqual({ problem: expect.stringMatching(problem) as string });
  });
});

describe("in mail", () => {
  const gzip = gzipSync(JSON.stringify(report));
  const mailOf = (type: string, content: Uint8Array, head = "TLS-Report-Domain: member.test\r\n") =>
    Buffer.from(
      `${head}MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=tlsrpt; boundary="=b"\r\n\r\n--=b\r\nContent-Type: text/plain\r\n\r\nA report.\r\n--=b\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(content).toString("base64")}\r\n--=b--\r\n`,
    );
  const read = async (raw: Uint8Array) => readTlsReport(await readMail(raw));
  const plain = Buffer.from(JSON.stringify(report));

  const cases: [string, Uint8Array][] = [
    ["gzip", mailOf("application/tlsrpt+gzip", gzip)],
    ["JSON", mailOf("application/tlsrpt+json", plain)],
    ["gzip that says it is JSON", mailOf("application/tlsrpt+json", gzip)],
    ["JSON that says it is gzip", mailOf("application/tlsrpt+gzip", plain)],
    ["no type, no field", mailOf("application/octet-stream", gzip, "")],
    ["application/gzip", mailOf("application/gzip; name=a.json.gz", gzip, "")],
  ];
  test.each(cases)("%s", async (_, raw) => {
    expect((await read(raw))?.report).toMatchObject({ organization: "Provider", reportId: "r-1" });
  });

  test("a bomb is refused, what is broken said, a letter none", async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x20));
    expect(await read(mailOf("application/tlsrpt+gzip", bomb))).toEqual({
      problem: expect.stringMatching(/2 MiB/) as string,
    });
    expect(await read(mailOf("application/tlsrpt+gzip", gzip.subarray(0, 40)))).toHaveProperty("problem");
    expect(await read(mailOf("application/octet-stream", gzipSync("{}"), ""))).toBeUndefined();
  });
});
