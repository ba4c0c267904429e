import { parseHeader, valueOf, type HeaderField } from "../../protocol/dkim/index.ts";
import type { Refusal } from "./intake.ts";
import { domainOfMailbox } from "./mailbox.ts";

export type HeaderContext = {
  /** Id of the message in the spool. */
  id: string;
  /** Opaque, authenticated: `X-Atmos-Message`. */
  token: string;
  hostname: string;
  /** `ESMTPSA` or the like. */
  protocol: string;
  now: number;
  /** Member, region and sender of Feedback-ID. */
  handle: string;
  region: string;
  sender: string;
};

export type PreparedHeader = {
  /** With CRLF and the empty line, ready to be signed. */
  head: Uint8Array;
  /** Domain of `From:`, lower case. */
  fromDomain: string;
  stream: "transactional" | "bulk";
};

/** At most once (RFC 5322 section 3.6). */
const SINGLE = [
  "from",
  "reply-to",
  "to",
  "cc",
  "message-id",
  "in-reply-to",
  "references",
  "subject",
  "date",
  "mime-version",
  "content-type",
  "content-transfer-encoding",
];

/**
 * Ours to write, or nobody's business. `Sender` and a block of `Resent-*` show readers another sender than `From`, whose
 * domain alone is judged and signed for.
 */
const REMOVED = ["bcc", "return-path", "feedback-id", "sender"];
const REMOVED_PREFIXES = ["x-atmos-", "resent-"];
const MAX_HOPS = 30;

/** Judges the header of a submitted message and makes it ready to leave. */
export function prepareHeader(
  head: Uint8Array,
  context: HeaderContext,
): PreparedHeader | { refusal: Refusal } {
  const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString("latin1");
  if (/[\x80-\xff]/.test(text)) {
    return refused("malformed", "5.6.7", "its header has octets over 127; encode them (RFC 2047)");
  }
  const fields = parseHeader(text);
  if (fields.some(({ name }) => !/^[!-9;-~]+$/.test(name))) {
    return refused("malformed", "5.6.0", "a line of its header is not a field");
  }
  const count = (name: string) => fields.filter((field) => field.name === name).length;
  const repeated = SINGLE.find((name) => count(name) > 1);
  if (repeated) return refused("malformed", "5.6.0", `it has more than one ${repeated} field`);
  if (count("received") > MAX_HOPS)
    return refused("loop", "5.4.6", "it passed too many hosts, this is a loop");
  const from = fields.find((field) => field.name === "from");
  if (!from) return refused("malformed", "5.6.0", "it has no From field");
  const fromDomain = domainOfMailbox(valueOf(from));
  if (!fromDomain) return refused("malformed", "5.6.0", "its From field is not one plain address");
  const stream = streamOf(fields);
  const kept = fields.filter((field) => !isRemoved(field));
  const lines = [...additions(fields, context, fromDomain, stream), ...kept.map((field) => field.raw)];
  return { head: Buffer.from(lines.join("\r\n") + "\r\n\r\n", "latin1"), fromDomain, stream };
}

function refused(reason: string, enhanced: string, what: string): { refusal: Refusal } {
  return { refusal: { code: 550, enhanced, reason, text: `Message refused: ${what}` } };
}

function streamOf(fields: HeaderField[]): "transactional" | "bulk" {
  const bulk = fields.some(
    (field) =>
      field.name === "list-unsubscribe" ||
      (field.name === "precedence" && /^(?:bulk|list|junk)$/i.test(valueOf(field))),
  );
  return bulk ? "bulk" : "transactional";
}

/** Received fields are kept, for loops are seen by them, but those that tell of a private network are not. */
function isRemoved(field: HeaderField): boolean {
  if (REMOVED.includes(field.name)) return true;
  if (REMOVED_PREFIXES.some((prefix) => field.name.startsWith(prefix))) return true;
  return field.name === "received" && PRIVATE.test(field.raw);
}

const PRIVATE =
  /\blocalhost\b|\b127\.\d+\.\d+\.\d+|\b10\.\d+\.\d+\.\d+|\b192\.168\.\d+\.\d+|\b172\.(?:1[6-9]|2\d|3[01])\.\d+\.\d+|\bIPv6:(?:::1\b|f[cd]|fe80)|\[(?:::1|f[cd][0-9a-f]{2}:|fe80:)/i;

function additions(
  fields: HeaderField[],
  context: HeaderContext,
  fromDomain: string,
  stream: string,
): string[] {
  const has = (name: string) => fields.some((field) => field.name === name);
  const date = mailDate(context.now);
  const lines = [
    `Received: by ${context.hostname} (Atmosphere Mail) with ${context.protocol} id ${context.id};\r\n\t${date}`,
    `X-Atmos-Message: ${context.token}`,
    `Feedback-ID: ${stream}:${context.handle}:${context.region}:${context.sender}`,
  ];
  if (!has("message-id")) lines.push(`Message-ID: <${context.id}@${fromDomain}>`);
  if (!has("date")) lines.push(`Date: ${date}`);
  if (!has("auto-submitted") && stream === "transactional") lines.push("Auto-Submitted: auto-generated");
  return lines;
}

/** RFC 5322 section 3.3, in UTC. */
export function mailDate(now: number): string {
  return new Date(now).toUTCString().replace("GMT", "+0000");
}
