import { decodeText } from "./charset.ts";
import { lineEnd, readHeader, readParameters } from "./header.ts";
import { htmlToText } from "./html.ts";
import { LIMITS } from "./limits.ts";
import { decodeTransfer } from "./transfer.ts";
import type { Header, Mail, MailPart } from "./types.ts";

export { decodeText } from "./charset.ts";
export { readHeader } from "./header.ts";
export { htmlToText } from "./html.ts";
export { LIMITS } from "./limits.ts";
export type { Header, Mail, MailPart } from "./types.ts";

type Leaf = MailPart & { charset: string; attached: boolean };
type Budget = { decoded: number; leaves: Leaf[] };

/**
 * Reads a message (RFC 5322, RFC 2045 to 2049) within `LIMITS`: what is over them, or broken, is left out. Never
 * rejects. Takes an mbox line in front, bare line feeds and carriage returns, no header, no end of a multipart.
 */
export async function readMail(raw: Uint8Array): Promise<Mail> {
  const bytes = plainLines(raw.subarray(0, LIMITS.message));
  const { headers: plain, body } = readHeader(bytes);
  const budget: Budget = { decoded: LIMITS.decoded, leaves: [] };
  readPart(plain, bytes.subarray(body), 0, "text/plain", budget);
  const charset = budget.leaves.find((leaf) => leaf.charset !== "")?.charset ?? "";
  const headers =
    charset !== "" && isRaw(bytes.subarray(0, body)) ? readHeader(bytes, charset).headers : plain;
  return {
    headers,
    text: textOf(budget.leaves),
    parts: budget.leaves.map(({ type, filename, content }) => ({ type, filename, content })),
  };
}

/** Octets that stand for letters only in some charset. */
const isRaw = (front: Uint8Array) => front.subarray(0, LIMITS.header).some((octet) => octet > 0x7f);

/** The first value of a header field, or empty. */
export function headerOf(mail: Pick<Mail, "headers">, name: string): string {
  return mail.headers.find((header) => header.name === name)?.value ?? "";
}

/** Octets that are copied of a message whose lines end with a carriage return alone; none of today's is larger. */
const MOST_OLD_MAC = 8 * 1024 * 1024;

/** Without empty lines and an mbox line in front; lines that end with a carriage return alone get a line feed. */
function plainLines(raw: Uint8Array): Uint8Array {
  let bytes = raw;
  const front = bytes.subarray(0, 64 * 1024);
  if (!front.includes(0x0a) && front.includes(0x0d)) {
    bytes = Uint8Array.from(bytes.subarray(0, MOST_OLD_MAC));
    for (let at = bytes.indexOf(0x0d); at >= 0; at = bytes.indexOf(0x0d, at + 1)) bytes[at] = 0x0a;
  }
  let at = 0;
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) at = 3;
  while (at < 10_000 && (bytes[at] === 0x0d || bytes[at] === 0x0a || bytes[at] === 0x20)) at++;
  if (/^>?From /.test(String.fromCharCode(...bytes.subarray(at, at + 6)))) at = lineEnd(bytes, at);
  return bytes.subarray(at);
}

function readPart(
  headers: readonly Header[],
  body: Uint8Array,
  depth: number,
  usual: string,
  budget: Budget,
): void {
  const field = (name: string) => headers.find((header) => header.name === name)?.value ?? "";
  const { main, parameters } = readParameters(field("content-type"));
  const type = /^[\w!#$&+.^-]{1,100}\/[\w!#$&+.^-]{1,100}$/.test(main) ? main : usual;
  if (type.startsWith("multipart/") && depth < LIMITS.depth) {
    const boundary = parameters.get("boundary") || boundaryIn(body);
    const inner = type === "multipart/digest" ? "message/rfc822" : "text/plain";
    const parts = boundary ? split(body, boundary, LIMITS.parts - budget.leaves.length) : [];
    for (const part of parts) {
      const head = readHeader(part);
      readPart(head.headers, part.subarray(head.body), depth + 1, inner, budget);
    }
    if (parts.length > 0) return;
  }
  if (budget.leaves.length >= LIMITS.parts) return;
  const disposition = readParameters(field("content-disposition"));
  const content = decodeTransfer(body, field("content-transfer-encoding"), budget.decoded);
  if (content !== body) budget.decoded -= content.length;
  budget.leaves.push({
    type: type.startsWith("multipart/") ? "text/plain" : type,
    filename: (disposition.parameters.get("filename") ?? parameters.get("name") ?? "").slice(0, 255),
    content,
    charset: parameters.get("charset") ?? "",
    attached: disposition.main === "attachment",
  });
}

/** The boundary of a multipart that names none: its first line that looks like one. */
function boundaryIn(body: Uint8Array): string {
  const front = Buffer.from(body.subarray(0, 16 * 1024)).toString("latin1");
  return /^--([^\s-][^\s]{0,70})[ \t]*\r?$/m.exec(front)?.[1] ?? "";
}

/** What stands between the boundary's lines. The end may be missing. */
function split(body: Uint8Array, boundary: string, most: number): Uint8Array[] {
  const haystack = Buffer.from(body.buffer, body.byteOffset, body.length);
  const delimiter = Buffer.from(`--${boundary}`, "utf8");
  const parts: Uint8Array[] = [];
  let start = -1;
  let at = 0;
  while (parts.length < most) {
    const hit = haystack.indexOf(delimiter, at);
    if (hit < 0) break;
    at = hit + delimiter.length;
    if (hit > 0 && haystack[hit - 1] !== 0x0a) continue;
    const closes = haystack[at] === 0x2d && haystack[at + 1] === 0x2d;
    const next = haystack[at];
    if (!closes && next !== undefined && next !== 0x0a && next !== 0x0d && next !== 0x20 && next !== 0x09)
      continue;
    if (start >= 0) parts.push(body.subarray(start, endBefore(haystack, start, hit)));
    if (closes) return parts;
    start = lineEnd(haystack, at);
    at = start === 0 ? at : start - 1;
  }
  if (start >= 0 && start < body.length && parts.length < most) parts.push(body.subarray(start));
  return parts;
}

/** The line break in front of a boundary belongs to it. */
function endBefore(bytes: Uint8Array, start: number, hit: number): number {
  let end = hit;
  if (end > start && bytes[end - 1] === 0x0a) end--;
  if (end > start && bytes[end - 1] === 0x0d) end--;
  return end;
}

function textOf(leaves: readonly Leaf[]): string {
  const shown = leaves.filter(({ attached }) => !attached);
  const plain = joined(shown.filter(({ type }) => type === "text/plain"));
  if (plain.trim() !== "") return plain;
  return htmlToText(joined(shown.filter(({ type }) => type === "text/html"))).slice(0, LIMITS.text);
}

function joined(leaves: readonly Leaf[]): string {
  let text = "";
  for (const { content, charset } of leaves) {
    if (text.length >= LIMITS.text) break;
    const piece = decodeText(content.subarray(0, LIMITS.text), charset).replace(/\r\n?/g, "\n");
    text += (text === "" ? "" : "\n\n") + piece;
  }
  return text.slice(0, LIMITS.text);
}
