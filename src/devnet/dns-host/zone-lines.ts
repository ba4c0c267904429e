import { canonicalName } from "../../platform/dns/index.ts";
import type { DnsRecordData } from "../../protocol/dns/index.ts";

export const KEPT_TYPES = ["A", "AAAA", "CNAME", "MX", "TLSA", "TXT"] as const;

/** What the owner of a zone keeps here. */
export type KeptType = (typeof KEPT_TYPES)[number];
export type KeptRecord = { [T in KeptType]: { name: string; type: T; data: DnsRecordData[T] } }[KeptType];

export type ZoneFault = { line: number; why: string };

/**
 * Lines of a zone file (RFC 1035 section 5.1) for `zone`: owner, TTL and class as one likes, strings in quotes, comments,
 * lines that go on in parentheses, `$ORIGIN`. As hosts of DNS do, a name that ends with the zone's is whole without its
 * final dot, and so is a target with a dot in it. All lines, or what is wrong with them.
 */
export function parseZoneLines(
  text: string,
  zone: string,
): { ok: true; records: KeptRecord[] } | { ok: false; faults: ZoneFault[] } {
  const records: KeptRecord[] = [];
  const faults: ZoneFault[] = [];
  let origin = zone;
  let owner = zone;
  for (const { line, tokens, indented } of entriesOf(text)) {
    const [first] = tokens;
    if (!first) continue;
    if (first.text === "$TTL") continue;
    if (first.text === "$ORIGIN") {
      origin = nameIn(tokens[1]?.text ?? "@", zone, zone);
      continue;
    }
    if (!indented) owner = nameIn(first.text, origin, zone);
    const rest = withoutTtlAndClass(indented ? tokens : tokens.slice(1));
    const type = KEPT_TYPES.find((one) => one === rest[0]?.text.toUpperCase());
    const read =
      type === undefined
        ? `${rest[0]?.text ?? "nothing"} is no type that is kept here (${KEPT_TYPES.join(", ")})`
        : recordOf(owner, type, rest.slice(1), zone);
    if (typeof read === "string") faults.push({ line, why: read });
    else records.push(read);
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, records };
}

/** One record from the fields of a form: the value is taken as it is, without the rules of zone files. */
export function recordFrom(
  fields: { name: string; type: KeptType; value: string },
  zone: string,
): KeptRecord | string {
  const value = fields.value.trim();
  const name = nameIn(fields.name.trim() || "@", zone, zone);
  if (fields.type !== "TXT")
    return recordOf(
      name,
      fields.type,
      value.split(/\s+/).map((text) => ({ text, quoted: false })),
      zone,
    );
  const [only] = entriesOf(value);
  const strings = value.startsWith('"') ? (only?.tokens ?? []) : [{ text: value, quoted: true }];
  return recordOf(name, "TXT", strings, zone);
}

/** The line of a record, which also names it. */
export function lineOf(record: KeptRecord): string {
  return `${record.name}. ${record.type} ${dataOf(record)}`;
}

function dataOf({ type, data }: KeptRecord): string {
  switch (type) {
    case "A":
    case "AAAA":
      return data.address;
    case "CNAME":
      return `${data.target}.`;
    case "MX":
      return `${data.preference} ${data.exchange}.`;
    case "TLSA":
      return `${data.usage} ${data.selector} ${data.matchingType} ${Buffer.from(data.certificate).toString("hex")}`;
    case "TXT":
      return (data.text.match(/[^]{1,255}/g) ?? [""]).map(quoted).join(" ");
  }
}

function quoted(text: string): string {
  const escaped = text
    .replace(/["\\]/g, "\\$&")
    .replace(/\p{Cc}/gu, (c) => `\\${String(c.charCodeAt(0)).padStart(3, "0")}`);
  return `"${escaped}"`;
}

type Token = { text: string; quoted: boolean; commentAfter?: boolean };
type Entry = { line: number; indented: boolean; tokens: Token[] };

const ESCAPED = /\\(\d{3}|[^])/g;

function entriesOf(text: string): Entry[] {
  const entries: Entry[] = [];
  let depth = 0;
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const tokens: Token[] = [];
    const opened = depth;
    for (const [whole] of line.matchAll(/"(?:\\[^]|[^"\\])*"?|;.*|[()]|(?:\\[^]|[^\s"();\\])+/g)) {
      if (whole.startsWith(";")) {
        const last = tokens.at(-1);
        if (last) last.commentAfter = true;
      } else if (whole === "(") depth++;
      else if (whole === ")") depth = Math.max(0, depth - 1);
      else tokens.push(tokenOf(whole));
    }
    const open = entries.at(-1);
    if (opened > 0 && open) open.tokens.push(...tokens);
    else if (tokens.length > 0) entries.push({ line: i + 1, indented: /^\s/.test(line), tokens });
  }
  return entries;
}

function tokenOf(whole: string): Token {
  const isQuoted = whole.startsWith('"');
  const inner = isQuoted ? whole.slice(1).replace(/(?<!\\)"$/, "") : whole;
  const text = inner.replace(ESCAPED, (_, c: string) =>
    c.length === 3 ? String.fromCharCode(Number(c) & 255) : c,
  );
  return { text, quoted: isQuoted };
}

function withoutTtlAndClass(tokens: readonly Token[]): readonly Token[] {
  const from = tokens.findIndex(({ text }) => !/^(?:\d+[smhdw]?|IN)$/i.test(text));
  return from < 0 ? [] : tokens.slice(from);
}

function nameIn(text: string, origin: string, zone: string): string {
  const name = canonicalName(text);
  if (text === "@") return origin;
  const whole = text.endsWith(".") || name === zone || name.endsWith(`.${zone}`);
  return whole ? name : `${name}.${origin}`;
}

function targetIn(text: string, zone: string): string | undefined {
  const name = text.includes(".") ? canonicalName(text) : nameIn(text, zone, zone);
  return isName(name) ? name : undefined;
}

function isName(name: string): boolean {
  return (
    name.length <= 253 &&
    name.split(".").every((label) => /^(?:\*|[a-z0-9_](?:[a-z0-9_-]{0,62}))$/.test(label))
  );
}

/** The record, or why it is none. */
function recordOf(name: string, type: KeptType, tokens: readonly Token[], zone: string): KeptRecord | string {
  if (!isName(name)) return `${name.slice(0, 100)} is no name`;
  if (name !== zone && !name.endsWith(`.${zone}`)) return `${name} is not in the zone ${zone}`;
  const texts = tokens.map(({ text }) => text);
  const [first = "", second = "", third = "", ...more] = texts;
  switch (type) {
    case "A":
      return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(first) && first.split(".").every((part) => Number(part) < 256)
        ? { name, type, data: { address: first } }
        : "A takes an IPv4 address";
    case "AAAA":
      return URL.canParse(`http://[${first}]/`)
        ? { name, type, data: { address: first.toLowerCase() } }
        : "AAAA takes an IPv6 address";
    case "CNAME": {
      const target = texts.length === 1 ? targetIn(first, zone) : undefined;
      return target ? { name, type, data: { target } } : "CNAME takes one name";
    }
    case "MX": {
      const exchange = texts.length === 2 ? targetIn(second, zone) : undefined;
      const preference = Number(first);
      return exchange && Number.isInteger(preference) && preference >= 0 && preference < 65_536
        ? { name, type, data: { preference, exchange } }
        : "MX takes a number and a name, such as: 10 mx.example.test";
    }
    case "TLSA": {
      const [usage, selector, matchingType] = [Number(first), Number(second), Number(third)];
      const hex = more.join("");
      const small = [usage, selector, matchingType].every((n) => Number.isInteger(n) && n >= 0 && n < 256);
      return small && /^(?:[0-9a-f]{2}){1,512}$/i.test(hex)
        ? { name, type, data: { usage, selector, matchingType, certificate: Buffer.from(hex, "hex") } }
        : "TLSA takes three numbers and hexadecimal digits";
    }
    case "TXT": {
      if (tokens.length === 0) return "TXT takes a text in quotes";
      if (tokens.some((one) => !one.quoted && one.commentAfter))
        return `put the text in quotes: without them everything after ";" is a comment`;
      const text = texts.join(tokens.every((one) => one.quoted) ? "" : " ");
      return text.length <= 4_000
        ? { name, type, data: { text } }
        : "the text is longer than 4,000 characters";
    }
  }
}
