import MailComposer from "nodemailer/lib/mail-composer";
import { parseHeader, valueOf } from "../../protocol/dkim/index.ts";
import type { Stream } from "../../policy/index.ts";
import { parseMailbox, parseMailboxes, type Mailbox } from "./mailbox.ts";
import { CATEGORIES, MAX_RECIPIENTS, type NewMessage } from "./schemas.ts";

/** A message with its envelope, as a client of SMTP would hand it in. */
export type Envelope = {
  sender: string;
  recipients: string[];
  stream?: Stream;
  priority?: number;
  requireTls?: boolean;
  source: AsyncIterable<Uint8Array>;
};

/** The message that the JSON describes. Bcc is in the envelope only. `date`: ms since the epoch. */
export function composeMessage(message: NewMessage, date: number): Envelope {
  const from = parseMailbox(message.from)!;
  const [to, cc, bcc] = [message.to, message.cc, message.bcc].map((list) =>
    [list].flat().map((text) => parseMailbox(text)!),
  ) as [Mailbox[], Mailbox[], Mailbox[]];
  const node = new MailComposer({
    from,
    to,
    cc,
    subject: message.subject,
    date: new Date(date),
    ...(message.replyTo !== undefined && { replyTo: parseMailbox(message.replyTo)! }),
    ...(message.inReplyTo !== undefined && { inReplyTo: message.inReplyTo }),
    ...(message.references !== undefined && { references: message.references }),
    ...(message.text !== undefined && { text: lines(message.text) }),
    ...(message.html !== undefined && { html: lines(message.html) }),
    headers: Object.entries(message.headers ?? {}).map(([key, value]) => ({ key, value })),
    attachments: message.attachments.map(({ filename, contentType, content, contentId }) => ({
      filename,
      contentType,
      content: Buffer.from(content, "base64"),
      ...(contentId !== undefined && { cid: contentId }),
    })),
    newline: "windows",
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  const named = message.category && CATEGORIES[message.category];
  const stream = message.stream ?? named?.stream;
  return {
    sender: from.address,
    recipients: distinct([...to, ...cc, ...bcc].map(({ address }) => address)),
    ...(stream && { stream }),
    ...(named && { priority: named.priority }),
    ...(message.requireTls && { requireTls: true }),
    source: node.createReadStream(),
  };
}

const MAX_HEAD = 65_536;
const [CR, LF] = [0x0d, 0x0a];
const CRLF = [CR, LF];

/**
 * A raw message (RFC 5322) with its envelope: from the query, or from its header as `sendmail -t` does. A line may end
 * with LF alone, as it does in files. The words are for the client when there is no envelope in it.
 */
export function readRaw(body: Uint8Array, query: URLSearchParams): Envelope | { problem: string } {
  const bytes = withCrlf(body);
  const head = headOf(bytes);
  if (head === undefined) return { problem: "The message has no header, or one over 64 KiB" };
  const fields = parseHeader(head);
  const inHeader = (...names: string[]) =>
    fields.filter(({ name }) => names.includes(name)).map((field) => parseMailboxes(valueOf(field)));
  const sender = query.get("from");
  const from = sender === null ? inHeader("from") : [parseMailboxes(sender)];
  const to = query.getAll("to");
  const recipients = to.length === 0 ? inHeader("to", "cc", "bcc") : to.map(parseMailboxes);
  if (from.length !== 1 || from[0]?.length !== 1)
    return { problem: "The sender is not one address; see the From field, or give ?from=" };
  if (!recipients.every((list) => list !== undefined))
    return { problem: "A recipient is not an address; see To, Cc and Bcc, or give ?to=" };
  const addresses = distinct(recipients.flat().map(({ address }) => address));
  if (addresses.length === 0 || addresses.length > MAX_RECIPIENTS)
    return { problem: `${addresses.length} recipients; a message has 1 to ${MAX_RECIPIENTS}` };
  return { sender: from[0][0]!.address, recipients: addresses, source: piece(bytes) };
}

/** The header block, a character for each octet. */
function headOf(bytes: Buffer): string | undefined {
  const end = bytes.subarray(0, MAX_HEAD + 4).indexOf("\r\n\r\n");
  if (end < 0 && bytes.length > MAX_HEAD) return undefined;
  const head = bytes.subarray(0, end < 0 ? bytes.length : end + 2).toString("latin1");
  return head.trim() === "" ? undefined : head;
}

/** Each LF that stands alone becomes CRLF, and so ends the last line. Octet by octet: a body may be all LF. */
function withCrlf(body: Uint8Array): Buffer {
  let alone = 0;
  for (let at = 0; at < body.length; at++) if (isAlone(body, at)) alone++;
  const ends = body.at(-1) === LF ? 0 : CRLF.length;
  if (alone + ends === 0) return Buffer.from(body.buffer, body.byteOffset, body.length);
  const bytes = Buffer.allocUnsafe(body.length + alone + ends);
  let to = 0;
  for (let at = 0; at < body.length; at++) {
    if (isAlone(body, at)) bytes[to++] = CR;
    bytes[to++] = body[at]!;
  }
  if (ends > 0) bytes.set(CRLF, to);
  return bytes;
}

function isAlone(body: Uint8Array, at: number): boolean {
  return body[at] === LF && (at === 0 || body[at - 1] !== CR);
}

function lines(text: string): string {
  return text.replace(/\r\n|\r|\n/g, "\r\n");
}

/** Nobody gets it twice because two fields name him. Domains know no case (RFC 5321 section 2.4). */
function distinct(addresses: readonly string[]): string[] {
  const seen = new Map(addresses.toReversed().map((a) => [a.replace(/@.*/, (d) => d.toLowerCase()), a]));
  return [...seen.values()].toReversed();
}

async function* piece(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
