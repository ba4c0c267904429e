import { mailDate } from "../submission/header.ts";

/** What is told of a recipient. RFC 3464 knows three actions for it (`ACTION`). */
export type DsnKind =
  /** A refusal for good, five days without success, held and never sent. */
  | "failed"
  | "expired"
  | "returned"
  /** It is still tried. */
  | "delayed"
  /** The next host took it and tells no more, or told that it is in the mailbox. */
  | "relayed"
  | "delivered";

export type DsnFacts = {
  /** Id of the new message. */
  id: string;
  hostname: string;
  poolDomain: string;
  now: number;
  to: string;
  recipient: string;
  kind: DsnKind;
  /** RFC 3463. */
  status: string;
  /** The receiving server, or empty. */
  remote: string;
  /** Its words. */
  diagnostic: string;
  /** ENVID and ORCPT of RFC 3461, decoded, or null. */
  envid: string | null;
  orcpt: string | null;
  /** When the message came in, ms since the epoch. */
  receivedAt: number;
  /** Header block of the message, and all of it when that is asked for. */
  original: { head: Uint8Array; body?: Uint8Array };
};

const MAX_HEAD = 8_192;

const WHAT: Record<DsnKind, { action: string; subject: string; words: string }> = {
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

export type Dsn = { head: Uint8Array; body: Uint8Array; eightBit: boolean; smtpUtf8: boolean };

/**
 * A delivery status notification (RFC 3464) in English and plain words, CRLF. About mail with addresses or a header in
 * UTF-8 it is one of RFC 6533, which needs SMTPUTF8 itself.
 */
export function composeDsn(facts: DsnFacts): Dsn {
  const { kind, recipient, remote, original } = facts;
  const { action, subject, words } = WHAT[kind];
  const originalHead = headLines(original);
  const utf8 = /[\u0080-\u{10ffff}]/u.test([facts.to, recipient, facts.orcpt ?? "", originalHead].join());
  const boundary = `=_${facts.id}`;
  const head = [
    `From: Mail Delivery System <mailer-daemon@${facts.poolDomain}>`,
    `To: <${facts.to}>`,
    `Subject: ${subject} ${recipient}`,
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
    "Your message to",
    "",
    `  ${recipient}`,
    "",
    words,
    "",
    ...(facts.diagnostic ? [remote ? `The last answer of ${remote} was:` : "The reason:", ""] : []),
    ...wrap(ascii(facts.diagnostic)).map((line) => `  ${line}`),
    "",
    `--${boundary}`,
    `Content-Type: message/${utf8 ? "global-" : ""}delivery-status`,
    ...eightBitPart(utf8),
    "",
    ...(facts.envid ? [`Original-Envelope-Id: ${ascii(facts.envid)}`] : []),
    `Reporting-MTA: dns; ${facts.hostname}`,
    `Arrival-Date: ${mailDate(facts.receivedAt)}`,
    "",
    ...(facts.orcpt ? [`Original-Recipient: ${facts.orcpt.replace(";", "; ")}`] : []),
    `Final-Recipient: ${utf8 ? "utf-8" : "rfc822"}; ${recipient}`,
    `Action: ${action}`,
    `Status: ${facts.status}`,
    ...(remote ? [`Remote-MTA: dns; ${remote}`] : []),
    ...(facts.diagnostic ? [`Diagnostic-Code: smtp; ${ascii(facts.diagnostic)}`] : []),
    `Last-Attempt-Date: ${mailDate(facts.now)}`,
    "",
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
