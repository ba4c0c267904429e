import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { zipOf } from "../archive/zip.fixture.ts";
import type { DmarcRow, InspectedDmarcReport } from "../inspect/types.ts";
import { readMail } from "../mime/index.ts";
import { dmarcXml, recordOf, type Words } from "./dmarc.fixture.ts";
import { MOST_ROWS, MOST_UNPACKED, parseDmarcXml, readDmarcReport } from "./index.ts";

const parse = async (xml: string | Uint8Array) =>
  parseDmarcXml(typeof xml === "string" ? Buffer.from(xml) : xml);

test("a report as RFC 7489 has it", async () => {
  const results = recordOf({
    evaluated:
      "<disposition>quarantine</disposition><dkim>fail</dkim><spf>fail</spf><reason><type>forwarded</type><comment>by a list</comment></reason>",
    identifiers:
      "<envelope_to>provider.test</envelope_to><envelope_from>list.test</envelope_from><header_from>Member.test.</header_from>",
  });
  expect(await parse(dmarcXml({ records: [recordOf(), results] }))).toEqual({
    report: {
      kind: "dmarc",
      namespace: "",
      organization: "Provider",
      email: "dmarc@provider.test",
      reportId: "r-1",
      domain: "member.test",
      begin: Date.UTC(2026, 0, 1),
      end: Date.UTC(2026, 0, 1, 23, 59, 59),
      policy: { adkim: "r", aspf: "r", p: "reject", sp: "reject", pct: "100" },
      generator: "",
      errors: [],
      messages: 4,
      aligned: 2,
      truncated: false,
      rows: [
        {
          sourceIp: "192.0.2.7",
          count: 2,
          disposition: "none",
          dkim: "pass",
          spf: "fail",
          headerFrom: "member.test",
          envelopeFrom: "",
          envelopeTo: "",
          dkimResults: [{ domain: "member.test", selector: "s1", result: "pass" }],
          spfResults: [{ domain: "bounce.test", scope: "mfrom", result: "pass" }],
          overrides: [],
        },
        {
          sourceIp: "192.0.2.7",
          count: 2,
          disposition: "quarantine",
          dkim: "fail",
          spf: "fail",
          headerFrom: "member.test",
          envelopeFrom: "list.test",
          envelopeTo: "provider.test",
          dkimResults: [{ domain: "member.test", selector: "s1", result: "pass" }],
          spfResults: [{ domain: "bounce.test", scope: "mfrom", result: "pass" }],
          overrides: [{ type: "forwarded", comment: "by a list" }],
        },
      ],
    } satisfies InspectedDmarcReport,
  });
});

describe("forms and oddities", () => {
  const cases: [string, Words | string | Uint8Array, Partial<InspectedDmarcReport>][] = [
    [
      "RFC 9990: namespace, np, testing, discovery_method, generator, no pct",
      {
        namespace: ' xmlns="urn:ietf:params:xml:ns:dmarc-2.0"',
        metadata: "<org_name>P</org_name><report_id>r</report_id><generator>G 1.2</generator>",
        policy: "<p>none</p><np>reject</np><testing>y</testing><discovery_method>treewalk</discovery_method>",
      },
      {
        namespace: "urn:ietf:params:xml:ns:dmarc-2.0",
        generator: "G 1.2",
        policy: { p: "none", np: "reject", testing: "y", discovery_method: "treewalk" },
        messages: 2,
      },
    ],
    [
      "RFC 7489's own namespace",
      { namespace: ' xmlns="http://dmarc.org/dmarc-xml/0.1"' },
      { namespace: "http://dmarc.org/dmarc-xml/0.1", messages: 2 },
    ],
    [
      "another namespace",
      { namespace: ' xmlns="https://x.test/"' },
      { namespace: "https://x.test/", messages: 2 },
    ],
    [
      "elements with a prefix",
      dmarcXml()
        .replaceAll(/<(\/?)([a-z])/g, "<$1d:$2")
        .replace("<d:feedback", '<d:feedback xmlns:d="urn:x"'),
      { namespace: "urn:x", messages: 2 },
    ],
    [
      "elements in capitals",
      dmarcXml().replaceAll(/<\/?[a-z_]+>/g, (tag) => tag.toUpperCase()),
      { domain: "member.test", messages: 2 },
    ],
    [
      "within a schema",
      `<xs:schema>${dmarcXml().replace(/<\?.*\?>/, "")}</xs:schema>`,
      { domain: "member.test", messages: 2 },
    ],
    ["the draft of 2011", dmarcXml().replaceAll("identifiers", "identities"), { messages: 2 }],
    [
      "UTF-16 with a mark",
      Buffer.from(`\uFEFF${dmarcXml()}`, "utf16le"),
      { domain: "member.test", messages: 2 },
    ],
    ["UTF-16 without, the other way round", Buffer.from(dmarcXml(), "utf16le").swap16(), { messages: 2 }],
    ["UTF-8 with a mark", `\uFEFF${dmarcXml()}`, { messages: 2 }],
    ["UTF-8 that says UTF-16", dmarcXml().replace("UTF-8", "UTF-16"), { messages: 2 }],
    [
      "Latin-1",
      Buffer.from(
        dmarcXml({ metadata: "<org_name>Bj\xf6rn</org_name>" }).replace("UTF-8", "iso-8859-1"),
        "latin1",
      ),
      { organization: "Björn" },
    ],
    ["an encoding that nobody knows", dmarcXml().replace("UTF-8", "x-none"), { messages: 2 }],
    ["junk in front", `\r\n\r\nHello ${dmarcXml()}`, { messages: 2 }],
    ["junk behind", `${dmarcXml()}<<feedback>&&\0`, { messages: 2 }],
    ["a count with spaces", { records: [recordOf({ count: " 7\n" })] }, { messages: 7 }],
    ["a count with commas", { records: [recordOf({ count: "1,234" })] }, { messages: 1234 }],
    ["no count", { records: [recordOf({ count: "" })] }, { messages: 1 }],
    [
      "a count that is none",
      { records: [recordOf({ count: "many" }), recordOf({ count: "-3" })] },
      { messages: 2 },
    ],
    ["a count over every bound", { records: [recordOf({ count: "1e300" })] }, { messages: 1e9 }],
    ["PASS in capitals", { records: [recordOf({ evaluated: "<dkim>Pass</dkim>" })] }, { aligned: 2 }],
    ["nothing evaluated", { records: [recordOf({ evaluated: "" })] }, { messages: 2, aligned: 0 }],
    ["no records", { records: [] }, { messages: 0, rows: [] }],
    ["no domain: that of the mail", { domain: null }, { domain: "member.test" }],
    [
      "no organisation: that of the address",
      { metadata: "<email>dmarc@provider.test</email>" },
      { organization: "provider.test", reportId: "", begin: 0 },
    ],
    [
      "times in milliseconds",
      { metadata: "<date_range><begin>1767225600000</begin><end>1767225600.9</end></date_range>" },
      { begin: Date.UTC(2026, 0, 1), end: Date.UTC(2026, 0, 1) + 900 },
    ],
    [
      "times as dates",
      { metadata: "<date_range><begin>2026-01-01T00:00:00Z</begin><end>never</end></date_range>" },
      { begin: Date.UTC(2026, 0, 1), end: 0 },
    ],
    [
      "errors",
      { metadata: "<error>one</error><error></error><error>two</error>" },
      { errors: ["one", "two"] },
    ],
    [
      "CDATA and comments",
      { metadata: "<org_name><![CDATA[A & B]]></org_name><!-- <org_name>C</org_name> -->" },
      { organization: "A & B" },
    ],
  ];
  test.each(cases)("%s", async (_, given, expected) => {
    const xml = typeof given === "string" || given instanceof Uint8Array ? given : dmarcXml(given);
    const { report, problem } = await parse(xml);
    expect(problem).toBeUndefined();
    expect(report).toMatchObject(expected);
  });

  const rows: [string, Parameters<typeof recordOf>[0], Partial<DmarcRow>][] = [
    ["no results", { results: "" }, { dkimResults: [], spfResults: [] }],
    [
      "empty results",
      { results: "<dkim/><spf><domain></domain></spf>" },
      { dkimResults: [], spfResults: [] },
    ],
    [
      "several results",
      {
        results:
          "<dkim><domain>a.test</domain><result>fail</result></dkim><dkim><domain>b.test</domain><result>pass</result></dkim>",
      },
      {
        dkimResults: [
          { domain: "a.test", selector: "", result: "fail" },
          { domain: "b.test", selector: "", result: "pass" },
        ],
      },
    ],
    ["no header_from", { identifiers: "" }, { headerFrom: "" }],
    [
      "an empty reason",
      { evaluated: "<dkim>pass</dkim><reason><type></type><comment/></reason>" },
      { overrides: [], dkim: "pass" },
    ],
  ];
  test.each(rows)("a row with %s", async (_, words, expected) => {
    expect((await parse(dmarcXml({ records: [recordOf(words)] }))).report?.rows[0]).toMatchObject(expected);
  });
});

describe("what is hostile", () => {
  test("entities are not expanded", async () => {
    const bomb = `<?xml version="1.0"?><!DOCTYPE f [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>`;
    const { report } = await parse(
      bomb + dmarcXml({ metadata: "<org_name>&b;&c;&amp;</org_name>" }).replace(/<\?.*\?>/, ""),
    );
    expect(report?.organization).toBe("&b;&c;&");
  });

  const refused: [string, string, RegExp][] = [
    ["another root", "<html><body><p><b>x</b></p></body></html>", /\broot\b/],
    ["no XML", "Hello", /no such element/],
    ["nothing", "", /no such element/],
    ["a report without a domain", dmarcXml({ domain: null, records: [] }), /no domain/],
    ["elements without end", `<feedback>${"<a>".repeat(1_000_000)}`, /nested/],
    ["wrappers without end", "<a>".repeat(1_000_000), /\broot\b/],
  ];
  test.each(refused)("%s", async (_, xml, problem) => {
    expect(await parse(xml)).toEqual({ problem: expect.stringMatching(problem) as string });
  });

  test("rows over the bound are counted and not kept", async () => {
    const records = Array.from({ length: MOST_ROWS + 5 }, () => recordOf());
    const { report } = await parse(dmarcXml({ records }));
    expect(report).toMatchObject({
      truncated: true,
      messages: 2 * (MOST_ROWS + 5),
      aligned: 2 * (MOST_ROWS + 5),
    });
    expect(report?.rows).toHaveLength(MOST_ROWS);
  });

  test("a report that is cut off has what came, and says so", async () => {
    const xml = dmarcXml({ records: [recordOf(), recordOf()] });
    const { report, problem } = await parse(xml.slice(0, xml.lastIndexOf("<record>") + 30));
    expect(report).toMatchObject({ domain: "member.test" });
    expect(problem).toMatch(/ends before/);
  });
});

describe("in mail", () => {
  const NAME = "provider.test!member.test!1767225600!1767311999";
  const xml = Buffer.from(dmarcXml());
  const packed = { gzip: gzipSync(xml), zip: zipOf([{ name: `${NAME}.xml`, content: xml }]) };
  const mailOf = (type: string, name: string, content: Uint8Array, subject = "Report Domain: member.test") =>
    Buffer.from(
      [
        "From: dmarc@provider.test",
        `Subject: ${subject}`,
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="=b"',
        "",
        "--=b",
        "Content-Type: text/plain",
        "",
        "A report.",
        "--=b",
        `Content-Type: ${type}${name && `; name="${name}"`}`,
        "Content-Transfer-Encoding: base64",
        "",
        Buffer.from(content).toString("base64"),
        "--=b--",
        "",
      ].join("\r\n"),
    );
  const forwarded = Buffer.from(
    `From: a@b.test\r\nContent-Type: multipart/mixed; boundary="=o"\r\n\r\n--=o\r\nContent-Type: message/rfc822\r\n\r\n${mailOf("application/gzip", "", packed.gzip).toString("latin1")}\r\n--=o--\r\n`,
    "latin1",
  );
  const read = async (raw: Uint8Array) => readDmarcReport(await readMail(raw));

  const cases: [string, Uint8Array][] = [
    ["gzip", mailOf("application/gzip", `${NAME}.xml.gz`, packed.gzip)],
    ["gzip of an older name", mailOf("application/x-gzip", `${NAME}.xml.gz`, packed.gzip)],
    ["zip", mailOf("application/zip", `${NAME}.zip`, packed.zip)],
    ["zip of an older name", mailOf("application/x-zip-compressed", `${NAME}.zip`, packed.zip)],
    ["gzip that says it is a zip", mailOf("application/zip", `${NAME}.zip`, packed.gzip)],
    ["zip that says it is gzip", mailOf("application/gzip", `${NAME}.gz`, packed.zip)],
    ["no type", mailOf("application/octet-stream", `${NAME}.xml.gz`, packed.gzip)],
    ["no name", mailOf("application/octet-stream", "", packed.gzip, "hello")],
    ["text/xml", mailOf("text/xml", `${NAME}.xml`, xml)],
    ["application/xml", mailOf("application/xml", "", xml)],
    ["plain text", mailOf("text/plain", "", xml)],
    [
      "zip with other files in front",
      mailOf(
        "application/zip",
        "",
        zipOf([
          { name: "a.txt", content: Buffer.from("hello") },
          { name: "b.xml", content: Buffer.from("<html/>") },
          { name: "c.xml", content: xml },
        ]),
      ),
    ],
    [
      "the mail itself",
      Buffer.concat([
        Buffer.from(
          "Subject: x\r\nContent-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        ),
        Buffer.from(packed.gzip.toString("base64")),
      ]),
    ],
    ["forwarded", forwarded],
  ];
  test.each(cases)("%s", async (_, raw) => {
    expect((await read(raw))?.report).toMatchObject({ domain: "member.test", messages: 2, aligned: 2 });
  });

  const problems: [string, Uint8Array, RegExp][] = [
    [
      "a bomb",
      mailOf("application/gzip", `${NAME}.xml.gz`, gzipSync(Buffer.alloc(MOST_UNPACKED + 1))),
      /25 MiB/,
    ],
    [
      "a broken archive",
      mailOf("application/gzip", `${NAME}.xml.gz`, packed.gzip.subarray(0, 50)),
      /xml\.gz: /,
    ],
    [
      "another file",
      mailOf("application/gzip", `${NAME}.xml.gz`, gzipSync("<html></html>")),
      /no DMARC report/,
    ],
    ["nothing", Buffer.from("Subject: Report Domain: member.test Submitter: x\r\n\r\nHello"), /no part/],
  ];
  test.each(problems)("%s where a report is announced", async (_, raw, problem) => {
    expect(await read(raw)).toEqual({ problem: expect.stringMatching(problem) as string });
  });

  const others: [string, Uint8Array][] = [
    ["a letter", Buffer.from("Subject: hello\r\n\r\nHello")],
    [
      "a letter with a zip",
      mailOf(
        "application/zip",
        "photos.zip",
        zipOf([{ name: "a.svg", content: Buffer.from("<svg/>") }]),
        "photos",
      ),
    ],
    ["a report on TLS with no name of its own", mailOf("application/gzip", "", gzipSync('{"policies":[]}'))],
    ["a report on TLS", mailOf("application/tlsrpt+gzip", `${NAME}.json.gz`, gzipSync('{"policies":[]}'))],
  ];
  test.each(others)("%s is none", async (_, raw) => expect(await read(raw)).toBeUndefined());
});
