import { mailDate } from "../submission/header.ts";

export type DsnFacts = {
  /** Id of the new message. */
  id: string;
  hostname: string;
  poolDomain: string;
  now: number;
  to: string;
  recipient: string;
  /** `failed` after a refusal, `expired` after five days, `returned` when it was held and never left. */
  kind: "failed" | "expired" | "returned";
  /** RFC 3463. */
  status: string;
  /** The receiving server, or empty. */
  remote: string;
  /** Its words. */
  diagnostic: string;
  /** Header block of the message that failed. */
  originalHead: Uint8Array;
};

const MAX_ORIGINAL = 8_192;

const WHAT: Record<DsnFacts["kind"], string> = {
  failed: "The receiving side refused it for good.",
  expired: "It could not be delivered within five days, and is given up.",
  returned: "The pool held it, and gives it back unsent.",
};

/** A delivery status notification (RFC 3464) in English and plain words; 7-bit, CRLF. */
export function composeDsn(facts: DsnFacts): { head: Uint8Array; body: Uint8Array } {
  const boundary = `=_${facts.id}`;
  const head = [
    `From: Mail Delivery System <mailer-daemon@${facts.poolDomain}>`,
    `To: <${facts.to}>`,
    `Subject: Undeliverable: your message to ${facts.recipient}`,
    `Date: ${mailDate(facts.now)}`,
    `Message-ID: <${facts.id}@${facts.poolDomain}>`,
    "Auto-Submitted: auto-replied",
    "MIME-Version: 1.0",
    `Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary}"`,
    "",
    "",
  ].join("\r\n");
  const body = [
    `--${boundary}`,
    "Content-Type: text/plain; charset=us-ascii",
    "",
    "Your message to",
    "",
    `  ${facts.recipient}`,
    "",
    `was not delivered. ${WHAT[facts.kind]}`,
    "",
    facts.remote ? `The last answer of ${facts.remote} was:` : "The reason:",
    "",
    ...wrap(ascii(facts.diagnostic)).map((line) => `  ${line}`),
    "",
    `--${boundary}`,
    "Content-Type: message/delivery-status",
    "",
    `Reporting-MTA: dns; ${facts.hostname}`,
    "",
    `Final-Recipient: rfc822; ${facts.recipient}`,
    "Action: failed",
    `Status: ${facts.status}`,
    ...(facts.remote ? [`Remote-MTA: dns; ${facts.remote}`] : []),
    `Diagnostic-Code: smtp; ${ascii(facts.diagnostic)}`,
    `Last-Attempt-Date: ${mailDate(facts.now)}`,
    "",
    `--${boundary}`,
    "Content-Type: text/rfc822-headers",
    "",
    ...originalLines(facts.originalHead),
    "",
    `--${boundary}--`,
    "",
  ].join("\r\n");
  return { head: Buffer.from(head, "latin1"), body: Buffer.from(body, "latin1") };
}

function originalLines(head: Uint8Array): string[] {
  const text = Buffer.from(head).toString("latin1").slice(0, MAX_ORIGINAL);
  const end = text.lastIndexOf("\r\n");
  return text
    .slice(0, Math.max(0, end))
    .split("\r\n")
    .filter((line) => line !== "");
}

function ascii(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, " ").slice(0, 500);
}

function wrap(text: string): string[] {
  return text.match(/.{1,72}(?:\s|$)|.{72}/g)?.map((line) => line.trim()) ?? [""];
}
