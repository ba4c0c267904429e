import { oneLine } from "../../lib/one-line.ts";
import { explain, type ReplyClass } from "../../protocol/smtp-reply/index.ts";
import type { ToldKind } from "../../spool/index.ts";
import { mailDate } from "../submission/header.ts";

/** What is told of one recipient. */
export type DsnRecipient = {
  address: string;
  /** ORCPT of RFC 3461, decoded, or null. */
  orcpt: string | null;
  /** RFC 3463. */
  status: string;
  /** The receiving server, or empty. */
  remote: string;
  /** Its words. */
  diagnostic: string;
  /** What they mean; undefined: they are no reply. */
  class?: ReplyClass | undefined;
};

export type DsnFacts = {
  /** Id of the new message. */
  id: string;
  hostname: string;
  poolDomain: string;
  now: number;
  to: string;
  kind: ToldKind;
  /** Of one message, all with the same fate; one at least. */
  recipients: readonly DsnRecipient[];
  /** ENVID of RFC 3461, decoded, or null. */
  envid: string | null;
  /** Id of the message in the spool. */
  messageId: string;
  /** When the message came in, and until when it is tried; ms since the epoch. */
  receivedAt: number;
  triedUntil: number;
  /** Header block of the message, and all of it when that is asked for. Empty: nothing of it is given back. */
  original: { head: Uint8Array; body?: Uint8Array };
};

const MAX_HEAD = 8_192;
/** Of the other side's words. */
const MAX_SAID = 500;

const WHAT: Record<ToldKind, { action: string; subject: string; words: string }> = {
  failed: {
    action: "failed",
    subject: "Undeliverable: your message to",
    words: "was not delivered. The receiving side refused it for good.",
  },
  expired: {
    action: "failed",
    subject: "Undeliverable: your message to",
    words: "was not delivered. It could not be delivered within five days, and is given up.",
  },
  returned: {
    action: "failed",
    subject: "Undeliverable: your message to",
    words: "was not delivered. The pool held it, and gives it back unsent.",
  },
  delayed: {
    action: "delayed",
    subject: "Delayed: your message to",
    words: "is not delivered yet. It is tried again for five days; you need not send it again.",
  },
  relayed: {
    action: "relayed",
    subject: "Handed over: your message to",
    words: "was taken by the receiving server, which does not tell what becomes of it.",
  },
  delivered: {
    action: "delivered",
    subject: "Delivered: your message to",
    words: "was delivered, says the receiving side.",
  },
};

/** For people: what became of the message, what the other side said, and what that means. Lines end with LF. */
export function dsnWords({
  kind,
  recipients,
  messageId,
  receivedAt,
}: Pick<DsnFacts, "kind" | "recipients" | "messageId" | "receivedAt">): string {
  const parts = [
    "Your message to",
    recipients.map(({ address }) => `  ${address}`).join("\n"),
    wrap(WHAT[kind].words).join("\n"),
  ];
  for (const { address, remote, diagnostic, class: means } of recipients) {
    const whose = recipients.length > 1 ? ` about ${address}` : "";
    if (diagnostic) {
      parts.push(remote ? `The last answer of ${hostName(remote)}${whose} was:` : `The reason${whose}:`);
      parts.push(
        wrap(oneLine(diagnostic, MAX_SAID))
          .map((line) => `  ${line}`)
          .join("\n"),
      );
    }
    if (means !== undefined && means !== "ok") parts.push(wrap(meaning(means)).join("\n"));
  }
  parts.push(wrap(`It is message ${messageId}, handed in on ${minuteOf(receivedAt)}.`).join("\n"));
  return `${parts.join("\n\n")}\n`;
}

/** What a reply means and what to do, without what follows: that was said. */
function meaning(kind: ReplyClass): string {
  return explain({ class: kind, permanent: true }).replace(/ The message is given back.*$/, "");
}

export type Dsn = { head: Uint8Array; body: Uint8Array; eightBit: boolean; smtpUtf8: boolean };

/**
 * A delivery status notification (RFC 3464) in English and plain words, CRLF. About mail with addresses or a header in
 * UTF-8 it is one of RFC 6533, whose parts are in base64 then: it reaches mailboxes whose hosts know nothing of UTF-8.
 */
export function composeDsn(facts: DsnFacts): Dsn {
  const { kind, recipients, original } = facts;
  const { action, subject } = WHAT[kind];
  const originalHead = headLines(original);
  const addresses = recipients.flatMap(({ address, orcpt }) => [address, orcpt ?? ""]);
  const global = OUTSIDE_ASCII.test([...addresses, originalHead].join());
  const boundary = `=_${facts.id}`;
  const more = recipients.length > 1 ? ` and ${recipients.length - 1} more` : "";
  const head = [
    `From: Mail Delivery System <mailer-daemon@${facts.poolDomain}>`,
    `To: <${facts.to}>`,
    `Subject: ${subject}\r\n ${encodedWords(recipients[0]!.address)}${more}`,
    `Date: ${mailDate(facts.now)}`,
    `Message-ID: <${facts.id}@${facts.poolDomain}>`,
    "Auto-Submitted: auto-replied",
    "MIME-Version: 1.0",
    `Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="${boundary}"`,
    "",
    "",
  ].join("\r\n");
  const words = dsnWords(facts);
  const status = [
    ...(facts.envid ? [`Original-Envelope-Id: ${ascii(facts.envid)}`] : []),
    `Reporting-MTA: dns; ${facts.hostname}`,
    `Arrival-Date: ${mailDate(facts.receivedAt)}`,
    "",
    ...recipients.flatMap(({ address, orcpt, status: code, remote, diagnostic }) => [
      ...(orcpt ? [`Original-Recipient: ${orcpt.replace(";", "; ")}`] : []),
      `Final-Recipient: ${OUTSIDE_ASCII.test(address) ? "utf-8" : "rfc822"}; ${address}`,
      `Action: ${action}`,
      `Status: ${code}`,
      ...(remote ? [`Remote-MTA: dns; ${hostName(remote)}`] : []),
      ...(diagnostic ? [`Diagnostic-Code: ${typeOf(diagnostic)}; ${ascii(diagnostic)}`] : []),
      // What was held was not tried when it was given back.
      ...(kind === "returned" ? [] : [`Last-Attempt-Date: ${mailDate(facts.now)}`]),
      ...(kind === "delayed" ? [`Will-Retry-Until: ${mailDate(facts.triedUntil)}`] : []),
      "",
    ]),
  ];
  const third = original.body ? whole(original, original.body) : onlyHead(originalHead, global);
  const parts = [
    part(`text/plain; charset=${OUTSIDE_ASCII.test(words) ? "utf-8" : "us-ascii"}`, lines(words)),
    part(`message/${global ? "global-" : ""}delivery-status`, lines(status.join("\n"))),
    ...(original.head.length > 0 ? [third] : []),
  ];
  const body = Buffer.concat([
    ...parts.flatMap(({ content }) => [Buffer.from(`--${boundary}\r\n`), content, CRLF]),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
  return {
    head: Buffer.from(head, "utf8"),
    body,
    eightBit: third.eightBit,
    smtpUtf8: OUTSIDE_ASCII.test(facts.to),
  };
}

const OUTSIDE_ASCII = /[\u0080-\u{10ffff}]/u;
const CRLF = Buffer.from("\r\n");
const lines = (text: string) => Buffer.from(text.replaceAll("\n", "\r\n"), "utf8");
const isAscii = (bytes: Uint8Array) => bytes.every((byte) => byte < 128);

type Part = { content: Buffer; eightBit: boolean };

/** As it is when it is ASCII, else in base64. */
function part(type: string, content: Uint8Array): Part {
  const plain = isAscii(content);
  const fields = [`Content-Type: ${type}`, ...(plain ? [] : ["Content-Transfer-Encoding: base64"]), "", ""];
  const rows = plain
    ? []
    : (Buffer.from(content)
        .toString("base64")
        .match(/.{1,76}/g) ?? []);
  const inside = plain ? content : Buffer.from(rows.join("\r\n"), "latin1");
  return { content: Buffer.concat([Buffer.from(fields.join("\r\n"), "latin1"), inside]), eightBit: false };
}

function onlyHead(head: string, global: boolean): Part {
  return part(global ? "message/global-headers" : "text/rfc822-headers", Buffer.from(head, "utf8"));
}

/** `message/rfc822` may not be in base64 (RFC 2046 section 5.2.1), `message/global` may (RFC 6532 section 3.7). */
function whole({ head }: DsnFacts["original"], body: Uint8Array): Part {
  const content = Buffer.concat([head, body]);
  if (!isAscii(head)) return part("message/global", content);
  if (isAscii(body)) return part("message/rfc822", content);
  const before = "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
  return { content: Buffer.concat([Buffer.from(before, "latin1"), content]), eightBit: true };
}

/** Whole lines of the header, at most 8 KiB, each with its CRLF. */
function headLines({ head }: DsnFacts["original"]): string {
  const text = Buffer.from(head).subarray(0, MAX_HEAD).toString("utf8");
  const found = text.slice(0, Math.max(0, text.lastIndexOf("\r\n"))).split("\r\n");
  return found.filter((line) => line !== "").join("\r\n") + "\r\n";
}

/** For a header field: what is not ASCII as encoded words of RFC 2047, each on a line. */
function encodedWords(text: string): string {
  if (!OUTSIDE_ASCII.test(text)) return text;
  // Of ten characters, 40 octets at most, a word has no more than 68.
  const pieces = text.match(/.{1,10}/gsu) ?? [];
  return pieces.map((piece) => `=?utf-8?B?${Buffer.from(piece).toString("base64")}?=`).join("\r\n ");
}

/** What a host said, or what we say of ourselves (RFC 3464 section 2.3.6). */
const typeOf = (diagnostic: string) => (/^[2-5]\d\d(?:[ -]|$)/.test(diagnostic) ? "smtp" : "X-Atmos");

/** A name out of the DNS may be of any octets. */
const hostName = (name: string) => name.replace(/[^!-~]+/g, "?").slice(0, 255);

const ascii = (text: string) => oneLine(text.replace(/[^\x20-\x7e]+/g, " "), MAX_SAID);

const minuteOf = (at: number) => `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;

function wrap(text: string): string[] {
  return text.match(/.{1,72}(?:\s|$)|.{72}/gu)?.map((line) => line.trim()) ?? [];
}
