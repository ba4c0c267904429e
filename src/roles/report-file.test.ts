import { deflateSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { inspect } from "../protocol/inspect/index.ts";
import type { Authentication } from "../protocol/authentication/index.ts";
import { asMail } from "./report-file.ts";
import { proverOf } from "./report-reader.ts";

const xml = `<?xml version="1.0"?><feedback><report_metadata><org_name>A</org_name></report_metadata>
<policy_published><domain>a.test</domain></policy_published></feedback>`;
const bare: [string, Buffer][] = [
  ["XML", Buffer.from(xml)],
  ["XML with a mark of its byte order and space", Buffer.from(`\ufeff \n${xml}`)],
  ["XML in UTF-16", Buffer.from(`\ufeff${xml.replace(/<\?.*?\?>/, "")}`, "utf16le")],
  ["gzip", gzipSync(xml)],
  ["zlib", deflateSync(xml)],
];
test.each(bare)("a file that is %s is read as a report", async (_, file) => {
  expect((await inspect(asMail(file))).report).toMatchObject({ kind: "dmarc", domain: "a.test" });
});

test("a mail stays as it is", () => {
  const mail = Buffer.from("Subject: <report>\r\n\r\n<feedback/>");
  expect(asMail(mail)).toBe(mail);
});

const nothing: Authentication = {
  spf: { result: "none", domain: "" },
  dkim: [],
  dmarc: { result: "none", domain: "", policy: "" },
  arc: { result: "none" },
  results: "none",
};
const spf = { result: "pass", domain: "Spf.test" };
const signed = (result: string) => [{ domain: "dkim.test", selector: "s", result }];
const dmarc = (result: string) => ({ result, domain: "From.test", policy: "" });
const proofs: [string, Partial<Authentication>, string][] = [
  ["nothing", {}, ""],
  ["SPF", { spf }, "spf.test"],
  ["a signature", { spf, dkim: signed("pass") }, "dkim.test"],
  ["a signature that fails", { spf, dkim: signed("fail") }, "spf.test"],
  ["DMARC", { spf, dkim: signed("pass"), dmarc: dmarc("pass") }, "from.test"],
  ["DMARC that fails, whatever else passes", { spf, dkim: signed("pass"), dmarc: dmarc("fail") }, ""],
  ["a DNS that is silent", { dmarc: dmarc("temperror") }, ""],
];
test.each(proofs)("who sent it, by %s", (_, over, expected) =>
  expect(proverOf({ ...nothing, ...over })).toBe(expected),
);
