import { isIP } from "node:net";
import { addressesIn, domainOf, readAddress } from "../inspect/address.ts";
import { readBlocks, typedValue, type Fields } from "../inspect/fields.ts";
import { readOriginal } from "../inspect/original.ts";
import type { InspectedComplaint } from "../inspect/types.ts";
import { headerOf, type Mail, type MailPart } from "../mime/index.ts";
import { providerOf } from "./provider.ts";
import { readXarf } from "./xarf.ts";

const MOST_INCIDENTS = 1_000_000;
const MOST_RETURN_PATHS = 50;
const MOST_REPORT = 64 * 1024;
const ORIGINALS =
  /^(message\/(rfc822|global|rfc822-headers|global-headers|partial)|text\/rfc822(-headers?)?)$/;
const MICROSOFT_STAFF = /^staff@(hotmail|outlook|live)\.com$/i;
const REDACTED = /redact|undisclosed|anonymi[sz]ed|^<?(hidden|removed|masked|unknown)@/i;
/** Authenticators say in their results which sender they saw. */
const SENDER_SEEN = ["authentication-results", "arc-authentication-results", "received-spf"];

/** What says that a message is a complaint: the fields of the report, and the mail that it shows. */
type Found = { fields: Fields; reporter: string; original: MailPart | undefined };

/**
 * A feedback report (RFC 5965, RFC 6591), or what providers send in its place: Microsoft's mail of before June 2026, XARF,
 * SpamCop's text. Undefined: the message is none. What is redacted (RFC 6590) is empty. Whether a type counts against a
 * sender is for the caller: `not-spam`, `opt-out` and `auth-failure` do not. Never throws.
 */
export function readComplaint(mail: Mail): InspectedComplaint | undefined {
  const found = fromFeedbackReport(mail) ?? fromMicrosoft(mail) ?? readXarf(mail) ?? fromSpamCop(mail);
  if (!found) return undefined;
  const { fields, reporter } = found;
  const quoted = readOriginal(
    {
      headers: mail.headers,
      text: "",
      parts: found.original ? [{ ...found.original, type: "message/rfc822" }] : [],
    },
    "",
  );
  const { original } = quoted;
  const from = readAddress(headerOf(mail, "from"));
  return {
    type: typeOf(fields.get("feedback-type") ?? ""),
    provider: providerOf({
      agents: [fields.get("source") ?? "", fields.get("user-agent") ?? ""],
      domains: [reporter, from, typedValue(fields.get("reporting-mta"))].map((said) =>
        domainOf(said).toLowerCase(),
      ),
    }),
    recipient: firstAddress([
      fields.get("original-rcpt-to"),
      original["x-hmxmroriginalrecipient"],
      fields.get("removal-recipient"),
      original["delivered-to"],
      original["x-original-to"],
      onlyOne(original["to"]),
    ]),
    originalMailFrom: firstAddress([
      fields.get("original-mail-from"),
      original["return-path"],
      original["x-envelope-from"],
    ]),
    messageId: REDACTED.test(quoted.messageId) ? "" : quoted.messageId,
    feedbackId: REDACTED.test(quoted.feedbackId) ? "" : quoted.feedbackId,
    sourceIp: ipIn(fields.get("source-ip") ?? ""),
    arrivedAt: timeOf(fields.get("arrival-date") ?? fields.get("received-date") ?? ""),
    incidents: incidentsOf(fields.get("incidents") ?? ""),
    returnPaths: returnPathsOf(fields, original, quoted.returnPaths),
    original,
  };
}

/** The part may have lost its type: then it is known by its first field. */
function fromFeedbackReport(mail: Mail): Found | undefined {
  const at = mail.parts.findIndex(({ type }) =>
    /^(message|text|application)\/(x-)?feedback-report$/.test(type),
  );
  const part = mail.parts[at] ?? mail.parts.slice(0, 5).find(looksLikeReport);
  if (!part) return undefined;
  const text = new TextDecoder().decode(part.content.subarray(0, MOST_REPORT));
  const fields: Fields = new Map();
  for (const block of readBlocks(text))
    for (const [name, value] of block) if (!fields.has(name)) fields.set(name, value);
  // XARF's version 3 and 4 say no more here than that they come.
  const xarf = /^x-?arf/i.test(fields.get("feedback-type") ?? "") ? readXarf(mail) : undefined;
  for (const [name, value] of xarf?.fields ?? []) if (value !== "") fields.set(name, value);
  const behind = mail.parts.slice(mail.parts.indexOf(part) + 1);
  return {
    fields,
    reporter: xarf?.reporter ?? "",
    original:
      mail.parts.find(({ type }) => ORIGINALS.test(type)) ?? xarf?.original ?? behind.find(looksLikeHeader),
  };
}

function looksLikeReport({ content }: MailPart): boolean {
  return (
    /^\s*(feedback-type|user-agent|version):[^\n]*\n((?!\n)[^\n]*\n){0,20}/i
      .exec(frontOf(content))?.[0]
      .toLowerCase()
      .includes("feedback-type:") ?? false
  );
}

function looksLikeHeader({ type, content }: MailPart): boolean {
  return (
    /^text\/plain$|octet-stream$/.test(type) &&
    /^(received|return-path|from|date|message-id):/im.test(frontOf(content))
  );
}

const frontOf = (content: Uint8Array) =>
  Buffer.from(content.subarray(0, 2_000)).toString("latin1").replaceAll("\r", "");

/** The mail itself from staff@hotmail.com, with the complainant in a field of its own. */
function fromMicrosoft(mail: Mail): Found | undefined {
  const within = mail.headers.findIndex(({ name }) => name === "x-hmxmroriginalrecipient");
  const sender = readAddress(headerOf(mail, "return-path")) || readAddress(headerOf(mail, "from"));
  // Before 2011 it was the mail itself with a field more, and not within another.
  if (within >= 0 && MICROSOFT_STAFF.test(sender)) {
    const shown = mail.headers.slice(within).map(({ name, value }) => `${name}: ${value}`);
    return {
      fields: new Map([["feedback-type", "abuse"]]),
      reporter: sender,
      original: {
        type: "text/rfc822-headers",
        filename: "",
        content: Buffer.from(shown.join("\r\n"), "utf8"),
      },
    };
  }
  const original = mail.parts.find(({ type }) => ORIGINALS.test(type));
  const about = /^complaint about message from\s+(\S+)/i.exec(headerOf(mail, "subject"));
  const front = original ? Buffer.from(original.content.subarray(0, 8_000)).toString("latin1") : "";
  const from = readAddress(headerOf(mail, "from"));
  if (!original || !MICROSOFT_STAFF.test(from)) return undefined;
  if (!about && !/^x-hmxmroriginalrecipient:/im.test(front)) return undefined;
  return {
    fields: new Map([
      ["feedback-type", "abuse"],
      ["source-ip", about?.[1] ?? ""],
    ]),
    reporter: from,
    original,
  };
}

/** A text that shows the mail behind a line, from an address that takes the answer. */
function fromSpamCop(mail: Mail): Found | undefined {
  const from = readAddress(headerOf(mail, "from"));
  if (!/(^|\.)spamcop\.net$/.test(domainOf(from))) return undefined;
  const shown = /^\[ Offending message \]\s*$/im.exec(mail.text);
  const about = /\[SpamCop \(([^)\s]{3,45})\)/i.exec(headerOf(mail, "subject"));
  if (!shown && !about) return undefined;
  const text = shown ? mail.text.slice(shown.index + shown[0].length).trimStart() : "";
  return {
    fields: new Map([
      ["feedback-type", "abuse"],
      ["source-ip", about?.[1] ?? ""],
    ]),
    reporter: from,
    original: { type: "text/rfc822-headers", filename: "", content: Buffer.from(text, "utf8") },
  };
}

/** RFC 5965 section 7.3, as senders write it. */
function typeOf(value: string): string {
  const type = /[a-z][a-z0-9_-]{0,40}/.exec(value.toLowerCase())?.[0].replaceAll("_", "-") ?? "";
  if (/^(not-?spam|non-?spam|ham)$/.test(type)) return "not-spam";
  return type === "" || type === "spam" || type === "complaint" ? "abuse" : type;
}

function firstAddress(values: readonly (string | undefined)[]): string {
  for (const value of values) {
    const address = value === undefined ? "" : readAddress(value);
    if (address !== "" && !redacted(address)) return address;
  }
  return "";
}

const onlyOne = (value: string | undefined) =>
  value !== undefined && addressesIn(value.slice(0, 2_000), 2).length === 1 ? value : undefined;

/** Left out by a provider: a word that says so, a row of one letter, or a digest in the place of a name (RFC 6590). */
function redacted(value: string): boolean {
  const local = /^<?([^@]*)@/.exec(value)?.[1] ?? "";
  return REDACTED.test(value) || /^(?:[x*#.-]+|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/i.test(local);
}

function returnPathsOf(
  fields: Fields,
  original: Readonly<Record<string, string>>,
  quoted: readonly string[],
): string[] {
  const said = [
    fields.get("original-mail-from") ?? "",
    original["return-path"] ?? "",
    ...SENDER_SEEN.flatMap((name) => [fields.get(name), original[name]]).map((value = "") =>
      [...value.slice(0, 8_000).matchAll(/\b(?:smtp\.mail(?:from)?|envelope-from)\s*=\s*"?([^\s;"]+)/gi)]
        .map((match) => match[1])
        .join("\n"),
    ),
    ...quoted,
  ];
  return addressesIn(said.join("\n"), MOST_RETURN_PATHS).filter((address) => !redacted(address));
}

function ipIn(value: string): string {
  const text = (value.trim().split(/[\s;,(]/, 1)[0] ?? "").replace(/^\[|\]$/g, "").replace(/^ipv6:/i, "");
  return isIP(text) ? text.toLowerCase() : "";
}

function timeOf(value: string): number | null {
  const time = Date.parse(
    value
      .replace(/\([^)]*\)/g, " ")
      .trim()
      .slice(0, 100),
  );
  return Number.isFinite(time) && time > 0 ? time : null;
}

function incidentsOf(value: string): number {
  const count = /^\d{1,12}/.exec(value.trim())?.[0];
  return count === undefined ? 1 : Math.min(Math.max(Number(count), 1), MOST_INCIDENTS);
}
