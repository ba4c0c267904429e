import { isUtf8 } from "node:buffer";
import { parseHeader, valueOf, type HeaderField } from "../../protocol/dkim/index.ts";
import type { Stream } from "../../policy/index.ts";
import { domainOfMailbox } from "./mailbox.ts";
import { refusal, type Refusal } from "./refusal.ts";
import { showsPrivateNetwork } from "./trace.ts";

export type HeaderContext = {
  /** Id of the message in the spool. */
  id: string;
  /** Opaque, authenticated: `X-Atmos-Message`. */
  token: string;
  hostname: string;
  /** `ESMTPSA` or the like. */
  protocol: string;
  /** As the submitter called it; a header that says bulk makes it bulk. */
  stream?: Stream | undefined;
  /** The submitter said SMTPUTF8: the header may be UTF-8 (RFC 6532). */
  smtpUtf8: boolean;
  now: number;
  /** Member, region and sender of Feedback-ID. */
  handle: string;
  region: string;
  sender: string;
  /**
   * Where the recipient unsubscribes with one click, for bulk mail that has no List-Unsubscribe of its own (RFC 8058).
   * `several`: there is more than one recipient, so there is no such place. Absent: nothing is added.
   */
  unsubscribe?: ((fromDomain: string) => string) | "several" | undefined;
};

export type PreparedHeader = {
  /** With CRLF and the empty line, ready to be signed. */
  head: Uint8Array;
  /** Domain of `From:`, lower case. */
  fromDomain: string;
  stream: Stream;
  /** It has UTF-8: only hosts with SMTPUTF8 take it. */
  utf8: boolean;
  /** It says `TLS-Required: No` (RFC 8689 section 3): what the recipient's domain asks of TLS is not to hold it up. */
  tlsOptional: boolean;
  /** What its sender should mend, although it is taken: a clause in ASCII. */
  hint?: string;
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
  const utf8 = /[\x80-\xff]/.test(text);
  if (utf8 && !context.smtpUtf8) {
    return refused(
      "malformed",
      "5.6.7",
      "its header has octets over 127; encode them (RFC 2047), or send it with SMTPUTF8",
    );
  }
  if (utf8 && !isUtf8(head)) return refused("malformed", "5.6.0", "its header is not UTF-8");
  const fields = parseHeader(text);
  // Some programs read `From :` as another field than From.
  if (fields.some(({ name, raw }) => !/^[!-9;-~]+$/.test(name) || raw[name.length] !== ":")) {
    return refused("malformed", "5.6.0", "a line of its header is not a field");
  }
  const count = (name: string) => fields.filter((field) => field.name === name).length;
  const repeated = SINGLE.find((name) => count(name) > 1);
  if (repeated) return refused("malformed", "5.6.0", `it has more than one ${repeated} field`);
  if (count("received") > MAX_HOPS)
    return refused("loop", "5.4.6", "it passed too many hosts, this is a loop");
  const from = fields.find((field) => field.name === "from");
  if (!from) return refused("malformed", "5.6.0", "it has no From field");
  const fromDomain = domainOfMailbox(Buffer.from(valueOf(from), "latin1").toString("utf8"));
  if (!fromDomain) return refused("malformed", "5.6.0", "its From field is not one plain address");
  const stream = context.stream === "bulk" ? "bulk" : streamOf(fields);
  const wantsUnsubscribe = stream === "bulk" && count("list-unsubscribe") === 0;
  if (wantsUnsubscribe && context.unsubscribe === "several") return { refusal: ONE_EACH };
  const kept = fields.filter(
    (field) => !isRemoved(field) && !(wantsUnsubscribe && field.name === "list-unsubscribe-post"),
  );
  const lines = [
    ...additions(fields, context, fromDomain, stream),
    ...kept.map((field) => field.raw),
    "",
    "",
  ];
  const out = lines.join("\r\n");
  const valueOfAll = (name: string) =>
    fields.flatMap((field) => (field.name === name ? [valueOf(field).replace(/\s+/g, "")] : []));
  const lacksOneClick =
    stream === "bulk" &&
    !wantsUnsubscribe &&
    !(
      valueOfAll("list-unsubscribe-post").some((value) => /^List-Unsubscribe=One-Click$/i.test(value)) &&
      valueOfAll("list-unsubscribe").some((value) => /<https:/i.test(value))
    );
  const tls = fields.filter(({ name }) => name === "tls-required").map((field) => valueOf(field));
  return {
    head: Buffer.from(out, "latin1"),
    fromDomain,
    stream,
    utf8: /[\x80-\xff]/.test(out),
    tlsOptional: tls.length === 1 && /^no$/i.test(tls[0]!.trim()),
    ...(lacksOneClick && { hint: NO_ONE_CLICK }),
  };
}

const NO_ONE_CLICK =
  "but Gmail and Yahoo want one click from bulk mail: List-Unsubscribe with an https address, and List-Unsubscribe-Post (RFC 8058)";

const ONE_EACH = refusal(
  "one-each",
  550,
  "5.5.3",
  "Bulk mail is one recipient a message, so that each can unsubscribe with one click: send it to each alone, or with a List-Unsubscribe field of your own",
);

/** RFC 8058 section 3.1; both are signed. The address stands on a line of its own, which 998 octets bound. */
function oneClick(url: string): string[] {
  return [`List-Unsubscribe:\r\n <${url}>`, "List-Unsubscribe-Post: List-Unsubscribe=One-Click"];
}

function refused(reason: string, enhanced: string, what: string): { refusal: Refusal } {
  const code = reason === "loop" ? 554 : 550;
  return { refusal: refusal(reason, code, enhanced, `Message refused: ${what}`) };
}

function streamOf(fields: HeaderField[]): Stream {
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
  return field.name === "received" && showsPrivateNetwork(field.raw);
}

function additions(
  fields: HeaderField[],
  context: HeaderContext,
  fromDomain: string,
  stream: string,
): string[] {
  const has = (name: string) => fields.some((field) => field.name === name);
  const date = mailDate(context.now);
  const lines = [
    `Received: by ${context.hostname} (Atmosphere Mail) with ${withProtocol(context)} id ${context.id};\r\n\t${date}`,
    `X-Atmos-Message: ${context.token}`,
    `Feedback-ID: ${stream}:${context.handle}:${context.region}:${context.sender}`,
  ];
  if (!has("message-id")) lines.push(`Message-ID: <${context.id}@${fromDomain}>`);
  if (!has("date")) lines.push(`Date: ${date}`);
  if (stream === "bulk" && !has("list-unsubscribe") && typeof context.unsubscribe === "function") {
    lines.push(...oneClick(context.unsubscribe(fromDomain)));
  }
  if (!has("auto-submitted") && stream === "transactional") lines.push("Auto-Submitted: auto-generated");
  return lines;
}

/** RFC 6531 section 3.7.3. */
function withProtocol({ protocol, smtpUtf8 }: HeaderContext): string {
  return smtpUtf8 ? protocol.replace(/^ESMTP/, "UTF8SMTP") : protocol;
}

/** RFC 5322 section 3.3, in UTC. */
export function mailDate(now: number): string {
  return new Date(now).toUTCString().replace("GMT", "+0000");
}
