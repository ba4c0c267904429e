import { readCsv } from "./csv.ts";
import { jsonItems, parsed, type JsonItem } from "./json.ts";
import { SUPPRESSION_REASONS, type SuppressionReason, type SuppressionStreams } from "./types.ts";

/** One line that can be taken in: an address, or the hash of one (from an export of this pool). */
export type ParsedLine = {
  line: number;
  address?: string;
  key?: string;
  domain?: string;
  reason: SuppressionReason;
  streams: SuppressionStreams;
  /** Only of our own export: a DID, or `pool`. */
  of?: string;
  /** When it began, ms since the epoch; undefined: the file does not say. */
  at?: number;
  /** Only of our own export: when it ends; null: never. */
  expiresAt?: number | null;
};

export type ImportFormat = "csv" | "json" | "json-lines";
export type BadLine = { line: number; why: string };
export type Parsed = { format: ImportFormat; lines: ParsedLine[]; bad: BadLine[] };

export const MOST_LINES = 50_000;
/** How our own export says that an entry has no end. */
const NEVER = "never";
const MOST_BAD = 1_000;
const ROWS_AT_ONCE = 1_000;
const FIRST_DATE = Date.UTC(1995, 0, 1);
const DAY_MS = 86_400_000;

/** Names of columns, without case and anything but letters, as SES, Postmark, Mailgun, SendGrid and we ourselves have them. */
const COLUMNS = {
  address: ["address", "email", "emailaddress", "recipient"],
  key: ["key", "hash"],
  domain: ["domain"],
  reason: ["reason", "suppressionreason", "type"],
  status: ["status", "code", "error"],
  at: ["createdat", "created", "date", "lastupdatetime", "timestamp"],
  expiresAt: ["expiresat"],
  streams: ["streams"],
  of: ["of"],
} as const;
type Column = keyof typeof COLUMNS;
type Fields = Partial<Record<Column, string>>;

/**
 * Reads a list of addresses: CSV (`address[,reason][,date]`, or with a first line that names its columns), JSON lines, or the
 * JSON of a provider's API. Lines that cannot be read are told with their number. `usual`: the reason where a line has none.
 * Yields between lines, so that whoever reads a long list can let others go first.
 */
export function* readSuppressions(
  text: string,
  now: number,
  usual: SuppressionReason = "import",
): Generator<undefined, Parsed> {
  const clean = text.replace(/^\uFEFF/, "");
  const { format, rows } = /^\s*[[{]/.test(clean) ? readJson(clean) : readTable(clean);
  const lines: ParsedLine[] = [];
  const bad: BadLine[] = [];
  let n = 0;
  for (const row of rows) {
    if (++n % ROWS_AT_ONCE === 0) yield;
    if (bad.length >= MOST_BAD) break;
    if (lines.length >= MOST_LINES) {
      bad.push({ line: row.line, why: `more than ${MOST_LINES} entries; split the file` });
      break;
    }
    if ("why" in row) {
      bad.push(row);
      continue;
    }
    const read = readLine(row.fields, now, usual);
    if (typeof read === "string") bad.push({ line: row.line, why: read });
    else lines.push({ line: row.line, ...read });
  }
  return { format, lines, bad };
}

/** The same at once, for short ones. */
export function parseSuppressions(text: string, now: number, usual?: SuppressionReason): Parsed {
  const reading = readSuppressions(text, now, usual);
  let step = reading.next();
  while (!step.done) step = reading.next();
  return step.value;
}

function readLine(fields: Fields, now: number, usual: SuppressionReason): Omit<ParsedLine, "line"> | string {
  const { address, key } = fields;
  if (key ? !/^[\w-]{22}$/.test(key) : !address)
    return key ? "the key is no hash of this pool" : "it has no address";
  const at = timeOf(fields.at);
  if (at === null || (at !== undefined && (at < FIRST_DATE || at > now + DAY_MS)))
    return `"${short(fields.at)}" is not a date of the past`;
  const expiresAt = fields.expiresAt === NEVER ? undefined : timeOf(fields.expiresAt);
  if (expiresAt === null) return `"${short(fields.expiresAt)}" is not a date`;
  if (fields.domain !== undefined && !/^[\w.-]{0,253}$/.test(fields.domain)) return "the domain is none";
  if (fields.of !== undefined && !/^(?:pool|did:[a-z]+:[\w.:%-]{1,2000})$/.test(fields.of))
    return `"${short(fields.of)}" is neither a DID nor pool`;
  const reason = reasonOf(fields, usual);
  const bulk = fields.streams === undefined ? reason === "unsubscribe" : fields.streams === "bulk";
  return {
    ...(key ? { key } : { address: address!.trim() }),
    ...(fields.domain !== undefined && { domain: fields.domain.toLowerCase() }),
    reason,
    streams: bulk ? "bulk" : "all",
    ...(fields.of !== undefined && { of: fields.of }),
    ...(at !== undefined && { at }),
    ...(fields.expiresAt !== undefined && { expiresAt: expiresAt ?? null }),
  };
}

/** Providers' names for reasons; SendGrid gives the words of the refusal, Mailgun its code. */
function reasonOf({ reason = "", status = "" }: Fields, usual: SuppressionReason): SuppressionReason {
  const said = reason.trim().toLowerCase();
  const known = SUPPRESSION_REASONS.find((name) => name === said);
  if (known) return known;
  if (/complain|spam ?report|^spam/.test(said)) return "complaint";
  if (/unsub|opt-?out/.test(said)) return "unsubscribe";
  if (/manual/.test(said)) return "manual";
  if (/inactive|disabled/.test(said)) return "inactive";
  if (/^(?:hard ?)?-?bounced?$|hardbounce|permanent|bad ?mailbox|invalid/.test(said)) return "bad-mailbox";
  if (/\b5\.1\.[01]\b|unknown user|no such user|does not exist/.test(`${said} ${status}`))
    return "bad-mailbox";
  return usual;
}

/** ISO 8601, a date of e-mail, or seconds (or ms) since the epoch; undefined: none; null: it is none of these. */
function timeOf(text: string | undefined): number | undefined | null {
  if (text === undefined || text.trim() === "") return undefined;
  const number = Number(text);
  if (Number.isFinite(number)) return number > 1e11 ? number : number * 1_000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

const short = (text: string | undefined) => (text ?? "").replace(/[^\x20-\x7e]/g, "?").slice(0, 40);

type Rows = { format: ImportFormat; rows: Iterable<{ line: number; fields: Fields } | BadLine> };

const plainName = (name: string) => name.toLowerCase().replace(/[^a-z]/g, "");
function columnOf(name: string): Column | undefined {
  const plain = plainName(name);
  return (Object.keys(COLUMNS) as Column[]).find((column) =>
    (COLUMNS[column] as readonly string[]).includes(plain),
  );
}

/** Excel writes semicolons where the comma is in numbers; some write tabs. The first line decides. */
function separatorOf(text: string): string {
  const end = text.search(/[\r\n]/);
  const first = text.slice(0, end < 0 ? undefined : end).replace(/"[^"]*"/g, "");
  return ["\t", ";"].find((one) => !first.includes(",") && first.includes(one)) ?? ",";
}

function readTable(given: string): Rows {
  // Where no line ends with LF, CR ends them.
  const text = given.includes("\n") ? given : given.replaceAll("\r", "\n");
  return { format: "csv", rows: tableRows(readCsv(text, separatorOf(text))) };
}

function* tableRows(
  records: ReturnType<typeof readCsv>,
): Generator<{ line: number; fields: Fields } | BadLine> {
  let columns: (Column | undefined)[] | undefined;
  for (const record of records) {
    if ("why" in record) {
      yield record;
      continue;
    }
    const { line, cells } = record;
    // Excel is told its separator so.
    if (cells.every((cell) => cell === "") || (line === 1 && /^sep=$/i.test(cells[0]!))) continue;
    if (columns === undefined) {
      const named = cells.map(columnOf);
      const isHead = named.includes("address") || named.includes("key");
      columns = isHead ? named : ["address", "reason", "at"];
      if (isHead) continue;
    }
    const names = columns;
    yield { line, fields: fieldsOf(cells.map((cell, i) => [names[i], cell])) };
  }
}

/** The first column of a name counts, and only when something is in it; of codes and words of a refusal all do. */
function fieldsOf(pairs: [Column | undefined, string][]): Fields {
  const fields: Fields = {};
  for (const [column, cell] of pairs) {
    if (column === undefined || cell === "") continue;
    if (column === "status") fields.status = `${fields.status ?? ""} ${cell}`;
    else fields[column] ??= cell;
  }
  return fields;
}

function readJson(text: string): Rows {
  const items = jsonItems(text);
  return items
    ? { format: "json", rows: objectRows(items) }
    : { format: "json-lines", rows: jsonLines(text) };
}

function* objectRows(items: Iterable<JsonItem>): Generator<{ line: number; fields: Fields } | BadLine> {
  for (const item of items)
    yield "why" in item ? item : { line: item.line, fields: objectFields(item.value) };
}

function* jsonLines(text: string): Generator<{ line: number; fields: Fields } | BadLine> {
  for (const [i, one] of text.split("\n", MOST_LINES + 2).entries()) {
    if (one.trim() === "") continue;
    const line = i + 1;
    const read = parsed(one);
    yield "why" in read ? { line, ...read } : { line, fields: objectFields(read.value) };
  }
}

function objectFields(item: unknown): Fields {
  if (typeof item !== "object" || item === null) return {};
  return fieldsOf(
    Object.entries(item).flatMap(([name, value]): [Column | undefined, string][] =>
      typeof value === "string" || typeof value === "number" ? [[columnOf(name), String(value)]] : [],
    ),
  );
}
