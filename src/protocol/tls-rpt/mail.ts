export type ReportMail = {
  reportId: string;
  /** Of this mail, without brackets. */
  messageId: string;
  /** Mail address of our own, in `submitter`. */
  from: string;
  to: string;
  /** As the `Date` field has it. */
  date: string;
  /** Whose recipients it is about, and who reports. */
  domain: string;
  submitter: string;
  fileName: string;
  /** The report, gzipped. */
  gzip: Uint8Array;
};

/** A report as mail, unsigned (RFC 8460 section 5.3). Lines end with CRLF; the head has its empty line. ASCII. */
export function reportMail(mail: ReportMail): { head: Buffer; body: Buffer } {
  const { reportId, messageId, from, to, date, domain, submitter, fileName, gzip } = mail;
  const boundary = `=_${messageId.replace(/[^a-z0-9]/gi, "").slice(0, 40)}`;
  const head = [
    `From: ${from}`,
    `To: <${to}>`,
    // Folded where it may be: two domains of full length make it long.
    `Subject: Report Domain: ${domain}`,
    ` Submitter: ${submitter}`,
    ` Report-ID: <${reportId}>`,
    `Date: ${date}`,
    `Message-ID: <${messageId}>`,
    `TLS-Report-Domain: ${domain}`,
    `TLS-Report-Submitter: ${submitter}`,
    "Auto-Submitted: auto-generated",
    "MIME-Version: 1.0",
    'Content-Type: multipart/report; report-type="tlsrpt";',
    ` boundary="${boundary}"`,
    "",
    "",
  ];
  const body = [
    `--${boundary}`,
    "Content-Type: text/plain; charset=us-ascii",
    "",
    "This is a report about TLS sessions with the mail hosts of",
    `${domain}, as the record`,
    `_smtp._tls.${domain} asks for (RFC 8460).`,
    `It was made by ${submitter}.`,
    "",
    `--${boundary}`,
    "Content-Type: application/tlsrpt+gzip;",
    ` name="${fileName}"`,
    "Content-Transfer-Encoding: base64",
    "Content-Disposition: attachment;",
    ` filename="${fileName}"`,
    "",
    ...(Buffer.from(gzip)
      .toString("base64")
      .match(/.{1,76}/g) ?? []),
    `--${boundary}--`,
    "",
  ];
  return { head: Buffer.from(head.join("\r\n"), "latin1"), body: Buffer.from(body.join("\r\n"), "latin1") };
}
