import { Refusal, type Span } from "./diagnostics.ts";
import type { Token } from "./tokenize.ts";

/** A piece of a format string: text, or the source of what stands between braces. */
type FormatPart = { text: string } | { source: string; span: Span; plain: boolean };

export type StringLiteral =
  | { kind: "bytes" }
  | { kind: "text"; text: string }
  | { kind: "format"; parts: FormatPart[] };

/** Decodes one string token by Python's rules. Throws `Refusal`. */
export function readString(token: Token): StringLiteral {
  const match = /^([a-zA-Z]*)("""|'''|"|')/.exec(token.text)!;
  const prefix = match[1]!.toLowerCase();
  const quote = match[2]!;
  const offset = match[0].length;
  const body = token.text.slice(offset, token.text.length - quote.length);
  const raw = prefix.includes("r");
  if (prefix.includes("b")) return { kind: "bytes" };
  if (prefix.includes("f")) return { kind: "format", parts: splitFormat(token.span, body, raw, offset) };
  return { kind: "text", text: raw ? body : unescape(token.span, body) };
}

const SIMPLE: Record<string, string> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

function unescape(span: Span, body: string): string {
  return body.replace(
    /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(N\{)|([xuU])|([^]))/gu,
    (whole, octal, hex2, hex4, hex8, named, broken, simple) => {
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      const hex: string | undefined = hex2 ?? hex4 ?? hex8;
      if (hex !== undefined) {
        const point = Number.parseInt(hex, 16);
        if (point > 0x10ffff) throw new Refusal(span, "syntax", `${whole} is no character`);
        return String.fromCodePoint(point);
      }
      if (named !== undefined) {
        throw new Refusal(
          span,
          "unsupported-construct",
          "characters by name are not read here",
          "write \\uXXXX",
        );
      }
      if (broken !== undefined)
        throw new Refusal(span, "syntax", `\\${broken} needs its full number of hex digits`);
      return SIMPLE[simple] ?? whole;
    },
  );
}

function splitFormat(span: Span, body: string, raw: boolean, offset: number): FormatPart[] {
  const parts: FormatPart[] = [];
  let text = "";
  let at = 0;
  const flush = () => {
    if (text !== "") parts.push({ text: raw ? text : unescape(span, text) });
    text = "";
  };
  while (at < body.length) {
    const two = body.slice(at, at + 2);
    if (two === "{{" || two === "}}") {
      text += two[0]!;
      at += 2;
    } else if (body[at] === "}") {
      throw new Refusal(span, "syntax", 'a single "}" in a format string', 'write "}}" for the character');
    } else if (body[at] === "{") {
      flush();
      const field = readField(span, body, at + 1);
      const start = span.start + offset + at + 1;
      const before = body.slice(0, at + 1);
      const newline = before.lastIndexOf("\n");
      parts.push({
        source: field.source,
        plain: field.plain,
        span: {
          file: span.file,
          line: span.line + before.split("\n").length - 1,
          column: newline === -1 ? span.column + offset + at + 1 : before.length - newline,
          start,
          end: start + field.source.length,
        },
      });
      at = field.end;
    } else {
      const length = !raw && body[at] === "\\" ? 2 : 1;
      if (!raw && body.startsWith("\\N{", at)) unescape(span, "\\N{");
      text += body.slice(at, at + length);
      at += length;
    }
  }
  flush();
  return parts;
}

/** Reads from behind "{" to behind its "}". Not plain: a conversion, a format specification or "=". */
function readField(span: Span, body: string, start: number): { source: string; plain: boolean; end: number } {
  const open: string[] = [];
  let quote = "";
  let at = start;
  for (; at < body.length; at += 1) {
    const char = body[at]!;
    if (char === "\\")
      throw new Refusal(span, "syntax", "no backslash between the braces of a format string");
    if (quote !== "") {
      if (char === quote) quote = "";
    } else if (char === "'" || char === '"') quote = char;
    else if (char === "#")
      throw new Refusal(span, "syntax", "no comment between the braces of a format string");
    else if ("([{".includes(char)) open.push(char);
    else if (open.length > 0 && ")]}".includes(char)) open.pop();
    else if (char === "}" || char === ":" || isConversion(body, at) || isDebug(body, at)) break;
  }
  const source = body.slice(start, at);
  if (source.trim() === "")
    throw new Refusal(span, "syntax", "nothing between the braces of a format string");
  const plain = body[at] === "}";
  let depth = 1;
  for (; at < body.length && depth > 0; at += 1) {
    if (body[at] === "{") depth += 1;
    if (body[at] === "}") depth -= 1;
  }
  if (depth > 0)
    throw new Refusal(
      span,
      "syntax",
      'a "{" in a format string is not closed',
      'write "{{" for the character',
    );
  return { source, plain, end: at };
}

const isConversion = (body: string, at: number) => body[at] === "!" && body[at + 1] !== "=";
const isDebug = (body: string, at: number) =>
  body[at] === "=" && body[at + 1] !== "=" && !"=!<>".includes(body[at - 1] ?? "");
