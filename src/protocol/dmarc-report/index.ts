import { carriedFiles } from "../archive/index.ts";
import { headerOf, type Mail } from "../mime/index.ts";
import { parseDmarcXml, type ReadDmarc } from "./parse.ts";

export { MOST_ROWS, parseDmarcXml, type ReadDmarc } from "./parse.ts";

/** Octets of what a message carries, unpacked. */
export const MOST_UNPACKED = 25 * 1024 * 1024;

/**
 * The DMARC aggregate report that a message carries (RFC 7489 section 7.2.1.1, RFC 9990 section 3.5): zip, gzip or plain,
 * whatever type and name it is given, also in a forwarded message. Undefined: it carries none. `problem` without a report:
 * it says that it is one, and cannot be read. Never rejects.
 */
export async function readDmarcReport(mail: Mail): Promise<ReadDmarc | undefined> {
  const { files, problems } = await carriedFiles(mail, MOST_UNPACKED);
  // A report on TLS may have the same subject.
  if (files.length > 0 && files.every(({ content }) => isJson(content))) return undefined;
  for (const { content } of files) {
    const read = await parseDmarcXml(content);
    if (read.report) return read;
    problems.push(read.problem ?? "");
  }
  if (!saysSo(mail)) return undefined;
  return { problem: problems[0] ?? "no part of the message is a DMARC report" };
}

function isJson(content: Uint8Array): boolean {
  return /^(?:\xef\xbb\xbf)?\s*\{/.test(Buffer.from(content.subarray(0, 200)).toString("latin1"));
}

/** Its subject or the name of its file are those of RFC 7489 section 7.2.1.1, and not those of a report on TLS. */
function saysSo(mail: Mail): boolean {
  if (headerOf(mail, "tls-report-domain") !== "") return false;
  if (mail.parts.some(({ type, filename }) => /tlsrpt/.test(type) || /\.json(\.gz)?$/i.test(filename)))
    return false;
  return (
    /\breport[- ]domain:/i.test(headerOf(mail, "subject")) ||
    mail.parts.some(({ filename }) => /^[^!]+![^!]+!\d+!\d+(![^!]*)?\.(xml|zip|gz|xml\.gz)$/i.test(filename))
  );
}
