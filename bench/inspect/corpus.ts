import { gzipSync } from "node:zlib";
import { zipOf } from "../../src/protocol/archive/zip.fixture.ts";
import { dmarcXml, recordOf } from "../../src/protocol/dmarc-report/dmarc.fixture.ts";
import { LANGUAGE_CASES } from "../../src/protocol/inspect/fixtures/languages.ts";
import { REPLY_CASES } from "../../src/protocol/inspect/fixtures/replies.ts";
import { SHAPE_CASES } from "../../src/protocol/inspect/fixtures/shapes.ts";

export const CORPORA = ["bounces", "DMARC reports"] as const;
export type Corpus = (typeof CORPORA)[number];

/** Messages of one kind, the same in each run. */
export const messagesOf = (corpus: Corpus): Uint8Array[] =>
  corpus === "bounces" ? bounces() : dmarcReports();

/** The bounces that the unit tests have answers for. */
function bounces(): Uint8Array[] {
  return [...REPLY_CASES, ...LANGUAGE_CASES, ...SHAPE_CASES]
    .filter(({ kind = "bounce" }) => kind === "bounce")
    .map(({ raw }) => raw);
}

/** Of 1 to 60 rows; three of four in gzip, as in the world, the others in zip. */
function dmarcReports(): Uint8Array[] {
  return Array.from({ length: 120 }, (_, n) => {
    const records = Array.from({ length: 1 + (n % 60) }, (__, row) =>
      recordOf({ ip: `198.51.${row}.${(n % 250) + 1}`, count: String(1 + ((n * row) % 40)) }),
    );
    const metadata = `<org_name>Provider</org_name><email>dmarc@provider.example</email><report_id>r-${n}</report_id><date_range><begin>1767225600</begin><end>1767311999</end></date_range>`;
    const xml = Buffer.from(dmarcXml({ metadata, domain: "member.example", records }));
    const name = `provider.example!member.example!1767225600!1767311999!${n}`;
    return n % 4 === 3
      ? report(n, "application/zip", `${name}.zip`, zipOf([{ name: `${name}.xml`, content: xml }]))
      : report(n, "application/gzip", `${name}.xml.gz`, gzipSync(xml));
  });
}

function report(n: number, type: string, file: string, packed: Buffer): Buffer {
  return Buffer.from(
    [
      "From: dmarc@provider.example",
      "To: dmarc@pool.example",
      `Subject: Report Domain: member.example Submitter: provider.example Report-ID: <r-${n}>`,
      "Date: Fri, 2 Jan 2026 01:00:00 +0000",
      `Message-ID: <r-${n}@provider.example>`,
      "MIME-Version: 1.0",
      'Content-Type: multipart/mixed; boundary="=b"',
      "",
      "--=b",
      "Content-Type: text/plain; charset=utf-8",
      "",
      "This is an aggregate report.",
      "--=b",
      `Content-Type: ${type}; name="${file}"`,
      `Content-Disposition: attachment; filename="${file}"`,
      "Content-Transfer-Encoding: base64",
      "",
      packed.toString("base64").replace(/.{76}/g, "$&\r\n"),
      "--=b--",
      "",
    ].join("\r\n"),
  );
}
