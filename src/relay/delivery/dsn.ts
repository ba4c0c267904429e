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
      parts.push(remote ? `The last answer of ${remote}${whose} was:` : `The reason${whose}:`);
      parts.push(
        wrap(ascii(diagnostic))
          .map((line) => `  ${line}`)
          .join("\n"),
      );
    }
    if (means !== undefined && means !== "ok") parts.push(wrap(meaning(means)).join("\n"));
  }
  parts.push(wrap(`It is message ${messageId}, handed in on ${mailDate(receivedAt)}.`).join("\n"));
  return `${parts.join("\n\n")}\n`;
}

/** What a reply means and what to do, without what follows: that was said. */
function meaning(kind: ReplyClass): string {
  return explain({ class: kind, permanent: true }).replace(/ The message is given back.*$/, "");
}

export type Dsn = { head: Uint8Array; body: Uint8Array; eightBit: boolean; smtpUtf8: boolean };

/**
 * A delivery status notification (RFC 3464) in English and plain words, CRLF. About mail with addresses or a header in
 * UTF-8 it is one of RFC 6533, which needs SMTPUTF8 itself.
 */
export function composeDsn(facts: DsnFacts): Dsn {
  const { kind, recipients, original } = facts;
  const { action, subject } = WHAT[kind];
  const originalHead = headLines(original);
  const addresses = recipients.flatMap(({ address, orcpt }) => [address, orcpt ?? ""]);
  const utf8 = /[\u0080-\u{10ffff}]/u.test([facts.to, ...addresses, originalHead].join());
  const boundary = `=_${facts.id}`;
  const more = recipients.length > 1 ? ` and ${recipients.length - 1} more` : "";
  const head = [
    `From: Mail Delivery System <mailer-daemon@${facts.poolDomain}>`,
    `To: <${facts.to}>`,
    `Subject: ${subject} ${recipients[0]!.address}${more}`,
    `Date: ${mailDate(facts.now)}`,
    `Message-ID: <${facts.id}@${facts.poolDomain}>`,
    "Auto-Submitted: auto-replied",
    "MIME-Version: 1.0",
    `Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="${boundary}"`,
    "",
    "",
  ].join("\r\n");
  const about = [
    `--${boundary}`,
    `Content-Type: text/plain; charset=${utf8 ? "utf-8" : "us-ascii"}`,
    ...eightBitPart(utf8),
    "",
    ...dsnWords(facts).split("\n"),
    `--${boundary}`,
    `Content-Type: message/${utf8 ? "global-" : ""}delivery-status`,
    ...eightBitPart(utf8),
    "",
    ...(facts.envid ? [`Original-Envelope-Id: ${ascii(facts.envid)}`] : []),
    `Reporting-MTA: dns; ${facts.hostname}`,
    `Arrival-Date: ${mailDate(facts.receivedAt)}`,
    "",
    ...recipients.flatMap(({ address, orcpt, status, remote, diagnostic }) => [
      ...(orcpt ? [`Original-Recipient: ${orcpt.replace(";", "; ")}`] : []),
      `Final-Recipient: ${utf8 ? "utf-8" : "rfc822"}; ${address}`,
      `Action: ${action}`,
      `Status: ${status}`,
      ...(remote ? [`Remote-MTA: dns; ${remote}`] : []),
      ...(diagnostic ? [`Diagnostic-Code: smtp; ${ascii(diagnostic)}`] : []),
      `Last-Attempt-Date: ${mailDate(facts.now)}`,
      ...(kind === "delayed" ? [`Will-Retry-Until: ${mailDate(facts.triedUntil)}`] : []),
      "",
    ]),
    "",
  ].join("\r\n");
  const third = original.body ? whole(original, original.body) : onlyHead(originalHead, utf8);
  const parts = original.head.length > 0 ? [Buffer.from(`--${boundary}\r\n`), third.content, CRLF] : [];
  const body = Buffer.concat([
    Buffer.from(about, "utf8"),
    ...parts,
    Buffer.from(`--${boundary}--\r\n`, "latin1"),
  ]);
  return { head: Buffer.from(head, "utf8"), body, eightBit: utf8 || third.eightBit, smtpUtf8: utf8 };
}

const CRLF = Buffer.from("\r\n");
const eightBitPart = (eightBit: boolean) => (eightBit ? ["Content-Transfer-Encoding: 8bit"] : []);

function onlyHead(head: string, utf8: boolean) {
  const type = utf8 ? "message/global-headers" : "text/rfc822-headers";
  const lines = [`Content-Type: ${type}`, ...eightBitPart(utf8), "", head];
  return { content: Buffer.from(lines.join("\r\n"), "utf8"), eightBit: utf8 };
}

function whole({ head }: DsnFacts["original"], body: Uint8Array) {
  const eightBit = [head, body].some((part) => part.some((byte) => byte > 127));
  const utf8 = head.some((byte) => byte > 127);
  const type = utf8 ? "message/global" : "message/rfc822";
  const before = [`Content-Type: ${type}`, ...eightBitPart(eightBit), "", ""].join("\r\n");
  return { content: Buffer.concat([Buffer.from(before, "latin1"), head, body]), eightBit };
}

/** Whole lines of the header, at most 8 KiB, each with its CRLF. */
function headLines({ head }: DsnFacts["original"]): string {
  const text = Buffer.from(head).subarray(0, MAX_HEAD).toString("utf8");
  const lines = text.slice(0, Math.max(0, text.lastIndexOf("\r\n"))).split("\r\n");
  return lines.filter((line) => line !== "").join("\r\n") + "\r\n";
}

function ascii(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, " ").slice(0, 500);
}

function wrap(text: string): string[] {
  return text.match(/.{1,72}(?:\s|$)|.{72}/g)?.map((line) => line.trim()) ?? [];
}
