import { readBlocks, type Fields } from "../inspect/fields.ts";
import { headerOf, type Mail, type MailPart } from "../mime/index.ts";

/** What an XARF report says, in the names of RFC 5965; `original`: the mail that it shows. */
export type Xarf = { fields: Fields; reporter: string; original: MailPart | undefined };

const LARGEST_JSON = 1024 * 1024;
const MOST_JSON = 5;

/** XARF's names of what happened; the others stay as they are. */
const TYPES: Readonly<Record<string, string>> = {
  spam: "abuse",
  messaging: "abuse",
  phishing: "fraud",
  "phishing-website": "fraud",
  fraud: "fraud",
  malware: "virus",
  virus: "virus",
};

/**
 * An XARF report (xarf.org): JSON of version 4 or 3 in a part of its own, or the YAML lines of versions 0.1 and 0.2 in a mail
 * with `X-XARF` or `X-ARF`. Undefined: it is none.
 */
export function readXarf(mail: Mail): Xarf | undefined {
  const candidates = mail.parts.filter(
    ({ type, filename, content }) =>
      content.length <= LARGEST_JSON &&
      (/json/.test(type) || /\.json$/i.test(filename) || content[0] === 0x7b),
  );
  for (const { content } of candidates.slice(0, MOST_JSON)) {
    const found = fromJson(content);
    if (found) return found;
  }
  if (headerOf(mail, "x-xarf") === "" && headerOf(mail, "x-arf") === "") return undefined;
  for (const { type, content } of mail.parts.slice(0, 5)) {
    if (!type.startsWith("text/")) continue;
    const text = new TextDecoder().decode(content.subarray(0, 64 * 1024)).replace(/^\s*---[^\n]*\n/, "");
    const [given] = readBlocks(text);
    if (given?.has("report-type") || given?.has("category")) return fromLines(given);
  }
  return undefined;
}

function fromLines(given: Fields): Xarf {
  const get = (name: string) => (given.get(name) ?? "").replace(/^(["'])(.*)\1$/, "$2");
  const source = /^ip/i.test(get("source-type")) || get("source-type") === "" ? get("source") : "";
  return {
    fields: fieldsOf({ type: get("report-type"), source, date: get("date"), mailFrom: "", rcptTo: "" }),
    reporter: get("reported-from"),
    original: undefined,
  };
}

type Json = Readonly<Record<string, unknown>>;

function fromJson(content: Uint8Array): Xarf | undefined {
  let given: unknown;
  try {
    given = JSON.parse(new TextDecoder().decode(content));
  } catch {
    return undefined;
  }
  const json = objectOf(given);
  const reporter = objectOf(json["reporter"] ?? json["ReporterInfo"]);
  if (textOf(json["xarf_version"]).startsWith("4"))
    return {
      fields: fieldsOf({
        type: textOf(json["type"]),
        source: textOf(json["source_identifier"]),
        date: textOf(json["timestamp"]),
        mailFrom: textOf(json["smtp_from"]),
        rcptTo: textOf(json["smtp_to"]),
      }),
      reporter: textOf(reporter["domain"]) || textOf(reporter["contact"]),
      original: evidence(listOf(json["evidence"]).map(objectOf), ["content_type", "payload"], true),
    };
  if (!("ReporterInfo" in json) || !("Report" in json)) return undefined;
  const report = objectOf(json["Report"]);
  const samples = listOf(report["Samples"]).map(objectOf);
  return {
    fields: fieldsOf({
      type: textOf(report["ReportType"]) || textOf(report["ReportClass"]),
      source: textOf(report["SourceIp"]),
      date: textOf(report["Date"]),
      mailFrom: textOf(report["SmtpMailFromAddress"]),
      rcptTo: textOf(report["SmtpRcptToAddress"]),
    }),
    reporter: textOf(reporter["ReporterOrgDomain"]) || textOf(reporter["ReporterOrgEmail"]),
    original: evidence(
      samples.filter((sample) => sample["Base64Encoded"] === true || "Payload" in sample),
      ["ContentType", "Payload"],
      samples.some((sample) => sample["Base64Encoded"] === true),
    ),
  };
}

function fieldsOf(said: Record<"type" | "source" | "date" | "mailFrom" | "rcptTo", string>): Fields {
  const type = said.type.toLowerCase().replaceAll("_", "-");
  return new Map([
    ["feedback-type", Object.hasOwn(TYPES, type) ? TYPES[type]! : type],
    ["source-ip", said.source],
    ["arrival-date", said.date],
    ["original-mail-from", said.mailFrom],
    ["original-rcpt-to", said.rcptTo],
  ]);
}

function evidence(
  items: readonly Json[],
  [type, payload]: [string, string],
  base64: boolean,
): MailPart | undefined {
  const shown = items.slice(0, 20).find((item) => /rfc822|plain/.test(textOf(item[type])));
  const text = shown?.[payload];
  if (typeof text !== "string") return undefined;
  return { type: "message/rfc822", filename: "", content: Buffer.from(text, base64 ? "base64" : "utf8") };
}

const objectOf = (value: unknown): Json =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string => (typeof value === "string" ? value.trim().slice(0, 1_000) : "");
