import { randomId } from "../../lib/ids.ts";

export type ReportSubject = {
  /** Name of the server that writes. */
  reporter: string;
  /** From: of the report, such as `feedback@bigmail.test`. */
  from: string;
  to: string;
  /** ms since the epoch. */
  now: number;
  /** The message it is about. */
  raw: Buffer;
  mailFrom: string;
  recipient: string;
  client: string;
};

/** A complaint in the Abuse Reporting Format (RFC 5965), with the headers of the message. */
export function abuseReport(about: ReportSubject, reportedDomain: string): string {
  return report(about, "feedback-report", "Complaint about a message", [
    `This is an e-mail abuse report for a message received from ${about.client} on ${date(about.now)}.`,
    [
      "Content-Type: message/feedback-report",
      "",
      "Feedback-Type: abuse",
      "User-Agent: Sandbox-FBL/1.0",
      "Version: 1",
      `Original-Mail-From: <${about.mailFrom}>`,
      `Arrival-Date: ${date(about.now)}`,
      `Source-IP: ${about.client}`,
      `Reported-Domain: ${reportedDomain}`,
      `Original-Rcpt-To: <${about.recipient}>`,
    ],
  ]);
}

/** A delivery status notification (RFC 3464) for a message that was accepted and could not be delivered after all. */
export function failureNotice(about: ReportSubject): string {
  return report(about, "delivery-status", "Undelivered Mail Returned to Sender", [
    `Your message to ${about.recipient} could not be delivered. The mailbox does not exist.`,
    [
      "Content-Type: message/delivery-status",
      "",
      `Reporting-MTA: dns; ${about.reporter}`,
      `Arrival-Date: ${date(about.now)}`,
      "",
      `Final-Recipient: rfc822; ${about.recipient}`,
      "Action: failed",
      "Status: 5.1.1",
      `Diagnostic-Code: smtp; 550 5.1.1 <${about.recipient}>: Recipient address rejected: User unknown`,
    ],
  ]);
}

function report(about: ReportSubject, type: string, subject: string, parts: [string, string[]]): string {
  const boundary = `=_${randomId()}`;
  const [text, machine] = parts;
  return [
    `From: ${about.from}`,
    `To: ${about.to}`,
    `Subject: ${subject}`,
    `Date: ${date(about.now)}`,
    `Message-ID: <${randomId()}@${about.reporter}>`,
    "Auto-Submitted: auto-generated",
    "MIME-Version: 1.0",
    `Content-Type: multipart/report; report-type=${type}; boundary="${boundary}"`,
    "",
    `--${boundary}`,
    "Content-Type: text/plain; charset=utf-8",
    "",
    text,
    "",
    `--${boundary}`,
    ...machine,
    "",
    `--${boundary}`,
    "Content-Type: text/rfc822-headers",
    "",
    headersOf(about.raw),
    "",
    `--${boundary}--`,
    "",
  ].join("\r\n");
}

/** The header section, without the blank line behind it. */
export function headersOf(raw: Buffer): string {
  const end = raw.indexOf("\r\n\r\n");
  return raw.subarray(0, end < 0 ? raw.length : end).toString("latin1");
}

/** RFC 5322 section 3.3. */
function date(now: number): string {
  return new Date(now).toUTCString().replace("GMT", "+0000");
}
