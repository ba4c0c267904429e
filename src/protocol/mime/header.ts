import { decodeRaw, decodeText } from "./charset.ts";
import { LIMITS } from "./limits.ts";
import { decodeBase64, decodeQuotedPrintable } from "./transfer.ts";
import type { Header } from "./types.ts";

const LF = 0x0a;
const NAME = /^([!-9;-~]{1,100})[ \t]*:/;

/**
 * The header fields at the front of a message or part, and where its body begins. `charset` is that of octets which are
 * no UTF-8: some servers write a subject in the charset of the text, and do not say so.
 */
export function readHeader(bytes: Uint8Array, charset = ""): { headers: Header[]; body: number } {
  const headers: Header[] = [];
  let name = "";
  let value = "";
  let at = 0;
  const keep = () => {
    if (name !== "" && headers.length < LIMITS.fields) headers.push({ name, value: readWords(value.trim()) });
    name = "";
    value = "";
  };
  let seen = 0;
  while (at < bytes.length) {
    const end = lineEnd(bytes, at);
    if (at < LIMITS.header) {
      const line = decodeRaw(bytes.subarray(at, Math.min(end, LIMITS.header)), charset).replace(/\r?\n$/, "");
      if (line.trim() === "" && !(line !== "" && seen > 0 && isFolded(bytes, end))) {
        keep();
        return { headers, body: end };
      }
      const match = NAME.exec(line);
      if (/^[ \t]/.test(line)) value += ` ${line.trim()}`;
      else if (match) {
        keep();
        name = match[1]!.toLowerCase();
        value = line.slice(match[0].length);
        seen++;
      } else if (seen === 0) return { headers, body: at };
    } else if (end - at <= 2 && (bytes[at] === LF || (bytes[at] === 0x0d && bytes[at + 1] === LF))) {
      keep();
      return { headers, body: end };
    }
    at = end;
  }
  keep();
  return { headers, body: bytes.length };
}

/** A line of white space alone is a fold when a further folded line comes behind it. */
function isFolded(bytes: Uint8Array, next: number): boolean {
  return bytes[next] === 0x20 || bytes[next] === 0x09;
}

/** Behind the line feed that ends the line, or the end of the octets. */
export function lineEnd(bytes: Uint8Array, from: number): number {
  const at = bytes.indexOf(LF, from);
  return at < 0 ? bytes.length : at + 1;
}

const WORD = /=\?([\w.:()+-]{1,40})(?:\*[\w-]{1,20})?\?([bq])\?([^?\r\n]{0,4000})\?=/gi;

/** Encoded words (RFC 2047) read; pieces of one text that a sender cut within a letter are put together first. */
function readWords(value: string): string {
  if (!value.includes("=?")) return value;
  let out = "";
  let last = 0;
  let pending: { charset: string; bytes: Uint8Array[] } | undefined;
  const flush = () => {
    if (pending) out += decodeText(Buffer.concat(pending.bytes), pending.charset);
    pending = undefined;
  };
  for (const match of value.matchAll(WORD)) {
    const between = value.slice(last, match.index);
    const charset = match[1]!.toLowerCase();
    if (!pending || between.trim() !== "" || pending.charset !== charset) {
      const adjacent = pending !== undefined && between.trim() === "";
      flush();
      if (!adjacent) out += between;
    }
    const octets = Buffer.from(match[3]!, "latin1");
    const bytes =
      match[2]!.toLowerCase() === "b"
        ? decodeBase64(octets, octets.length)
        : decodeQuotedPrintable(octets, octets.length, true);
    pending ??= { charset, bytes: [] };
    pending.bytes.push(bytes);
    last = match.index + match[0].length;
  }
  flush();
  return out + value.slice(last);
}

/** `type/subtype; name=value`: parameters with RFC 2231 continuations put together, names in lower case. */
export function readParameters(value: string): { main: string; parameters: Map<string, string> } {
  const text = value.slice(0, 8_000);
  const main = (/^[^;]*/.exec(text)?.[0] ?? "").trim().toLowerCase();
  const parameters = new Map<string, string>();
  const pieces = new Map<string, { charset: string; text: string }>();
  for (const match of text.matchAll(/;\s*([\w!#$&+.*-]{1,80})\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))/g)) {
    const given = match[1]!.toLowerCase();
    const raw = match[2] === undefined ? match[3]!.trim() : match[2].replace(/\\(.)/g, "$1");
    const name = given.replace(/\*.*$/, "");
    if (given === name) {
      if (!parameters.has(name)) parameters.set(name, readWords(raw));
      continue;
    }
    const piece = pieces.get(name) ?? { charset: "", text: "" };
    const tagged = given.endsWith("*") ? /^([\w.-]{0,40})'[\w-]*'(.*)$/.exec(raw) : null;
    if (tagged) piece.charset ||= tagged[1]!;
    const plain = tagged ? tagged[2]! : raw;
    piece.text += given.endsWith("*") ? percent(plain) : plain;
    pieces.set(name, piece);
  }
  for (const [name, { charset, text: octets }] of pieces)
    parameters.set(name, decodeText(Buffer.from(octets, "latin1"), charset));
  return { main, parameters };
}

function percent(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
}
