import { isAscii } from "node:buffer";
import type { Address } from "postal-mime";
import { fingerprint, type Fingerprint, type Mime } from "./fingerprint.ts";
import { digest } from "./links.ts";
import { parseMail } from "./parser.ts";

/** So much of a message is looked at, in octets. */
const LOOKED_AT = 65_536;
/** And so many lines of it: to the parser thousands of empty ones are more than their octets. */
const MOST_LINES = 2_000;
const LF = 10;
/** Those that say what the body is, each with its folding. */
const CONTENT_FIELDS = /^content-[^\r\n]*(?:\r\n[ \t][^\r\n]*)*/gim;
const PLAIN_TEXT =
  /^content-(?:type:[ \t]*text\/plain(?:;[ \t]*charset="?(?:us-ascii|utf-8)"?)?|transfer-encoding:[ \t]*[78]bit)[ \t]*$/i;
/** A message within the message is an attachment, equal or not. */
const LIMITS = { maxNestingDepth: 20, maxHeadersSize: LOOKED_AT, maxRfc822NestingDepth: 0 };

/**
 * The fingerprint of a message: `start` is its beginning, header and body (what is over 64 KiB or 2,000 lines is
 * left out), `size` the octets of the whole. A message that cannot be read is like no other.
 */
export async function fingerprintOf(start: Uint8Array, size = start.length): Promise<Fingerprint> {
  const bytes = beginning(start);
  return fingerprint(await readMime(bytes, size > bytes.length));
}

function beginning(start: Uint8Array): Uint8Array {
  const bytes = start.subarray(0, LOOKED_AT);
  let end = -1;
  for (let lines = 0; lines < MOST_LINES; lines++) {
    end = bytes.indexOf(LF, end + 1);
    if (end < 0) return bytes;
  }
  return bytes.subarray(0, end + 1);
}

/** The domains, also of those in a group. */
function repliesTo(addresses: readonly Address[]): string {
  return addresses
    .flatMap((one) => one.group ?? [one])
    .map(({ address = "" }) => address.split("@").at(-1))
    .join();
}

/**
 * A message that is nothing but text in ASCII, as most mail of applications is: the parser needs only its header block, for
 * the rest takes it a turn of the event loop a line.
 */
function plainTextOf(bytes: Uint8Array): { head: Uint8Array; text: string } | undefined {
  const octets = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = octets.indexOf("\r\n\r\n") + 4;
  if (end < 4 || end === octets.length) return undefined;
  const head = octets.subarray(0, end);
  const body = octets.subarray(end);
  const content = head.toString("latin1").match(CONTENT_FIELDS) ?? [];
  if (!content.every((field) => PLAIN_TEXT.test(field)) || !isAscii(body)) return undefined;
  return { head, text: body.toString("latin1") };
}

async function readMime(bytes: Uint8Array, cut: boolean): Promise<Mime> {
  try {
    const plain = plainTextOf(bytes);
    const mail = await parseMail(plain?.head ?? bytes, LIMITS);
    return {
      fromName: mail.from?.name ?? "",
      replyTo: repliesTo(mail.replyTo ?? []),
      subject: mail.subject ?? "",
      text: plain?.text ?? mail.text ?? null,
      html: mail.html ?? null,
      attachments: mail.attachments.map(({ mimeType, content }) => ({
        mimeType,
        content: typeof content === "string" ? Buffer.from(content) : new Uint8Array(content),
      })),
      cut,
    };
  } catch {
    const unread = { fromName: "", subject: "", text: null, html: null, attachments: [], cut };
    return { ...unread, replyTo: `unreadable ${digest(bytes)}` };
  }
}
