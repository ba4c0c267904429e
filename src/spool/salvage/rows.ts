import type { Pages } from "./pages.ts";

export type Value = number | string | Uint8Array | null;
/** `whole`: nothing of it is missing. */
export type Row = { rowid: number; values: Value[]; whole: boolean };

const LEAF_TABLE = 13;
const INTERIOR_TABLE = 5;
const LEAF_INDEX = 10;
const INTERIOR_INDEX = 2;
/** No row of ours is larger: a larger length is damage. */
const MAX_PAYLOAD = 64 * 1024 * 1024;
const MAX_COLUMNS = 64;
const MAX_DEPTH = 20;

/** Page 1 begins with the header of the file. */
const headerOf = (number: number) => (number === 1 ? 100 : 0);

/** Reads rows out of b-tree pages (https://sqlite.org/fileformat2.html); what makes no sense is left out. */
export function createRowReader(pages: Pages) {
  const { usable } = pages;

  function cells(page: Buffer, number: number, interior: boolean): number[] {
    const at = headerOf(number);
    const first = at + (interior ? 12 : 8);
    const count = page.readUInt16BE(at + 3);
    const offsets: number[] = [];
    for (let i = 0; i < count && first + 2 * i + 2 <= page.length; i++) {
      const offset = page.readUInt16BE(first + 2 * i);
      if (offset >= first && offset < usable) offsets.push(offset);
    }
    return offsets;
  }

  /** The payload that begins at `at`, with what of its overflow pages can be read. */
  function payload(
    page: Buffer,
    at: number,
    length: number,
    index: boolean,
  ): { data: Buffer; whole: boolean } {
    const most = index ? Math.floor(((usable - 12) * 64) / 255) - 23 : usable - 35;
    if (length <= most) {
      const data = page.subarray(at, at + length);
      return { data, whole: data.length === length };
    }
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const kept = least + ((length - least) % (usable - 4));
    const local = kept <= most ? kept : least;
    if (at + local + 4 > page.length) return { data: page.subarray(at), whole: false };
    const parts = [page.subarray(at, at + local)];
    let left = length - local;
    let next = page.readUInt32BE(at + local);
    const seen = new Set<number>();
    while (left > 0) {
      const more = next > 0 && next <= pages.count && !seen.has(next) ? pages.read(next) : undefined;
      if (!more) return { data: Buffer.concat(parts), whole: false };
      seen.add(next);
      parts.push(more.subarray(4, Math.min(usable, 4 + left)));
      left -= usable - 4;
      next = more.readUInt32BE(0);
    }
    return { data: Buffer.concat(parts), whole: true };
  }

  function rowAt(page: Buffer, offset: number, index: boolean): Row | undefined {
    const length = varint(page, offset);
    if (!length || length.value < 1 || length.value > MAX_PAYLOAD) return undefined;
    const rowid = index ? { value: 0, next: length.next } : varint(page, length.next);
    if (!rowid) return undefined;
    const { data, whole } = payload(page, rowid.next, length.value, index);
    const record = readRecord(data);
    return record && { rowid: rowid.value, values: record.values, whole: whole && record.whole };
  }

  /** The rows of a page, if it is a leaf of a table (`index`: of an index, inner pages included). */
  function rowsOf(number: number, index = false): Row[] {
    const page = pages.read(number);
    const type = page?.[headerOf(number)];
    const wanted = index ? type === LEAF_INDEX || type === INTERIOR_INDEX : type === LEAF_TABLE;
    if (!page || !wanted) return [];
    const inner = type === INTERIOR_INDEX;
    return cells(page, number, inner).flatMap((offset) => rowAt(page, offset + (inner ? 4 : 0), index) ?? []);
  }

  /** The pages of a b-tree that can be reached from its root. */
  function* tree(root: number, seen: Set<number>, depth = 0): Generator<number> {
    if (root < 1 || root > pages.count || seen.has(root) || depth > MAX_DEPTH) return;
    seen.add(root);
    const page = pages.read(root);
    const type = page?.[headerOf(root)];
    if (!page || ![LEAF_TABLE, INTERIOR_TABLE, LEAF_INDEX, INTERIOR_INDEX].includes(type!)) return;
    yield root;
    if (type !== INTERIOR_TABLE && type !== INTERIOR_INDEX) return;
    for (const offset of cells(page, root, true)) {
      if (offset + 4 <= page.length) yield* tree(page.readUInt32BE(offset), seen, depth + 1);
    }
    yield* tree(page.readUInt32BE(headerOf(root) + 8), seen, depth + 1);
  }

  /** Pages that SQLite has given up: what they hold is old. */
  function freePages(): Set<number> {
    const free = new Set<number>();
    let trunk = pages.read(1)?.readUInt32BE(32) ?? 0;
    while (trunk > 0 && trunk <= pages.count && !free.has(trunk)) {
      free.add(trunk);
      const page = pages.read(trunk);
      if (!page) break;
      const count = Math.min(page.readUInt32BE(4), usable / 4 - 2);
      for (let i = 0; i < count; i++) free.add(page.readUInt32BE(8 + 4 * i));
      trunk = page.readUInt32BE(0);
    }
    return free;
  }

  return { rowsOf, tree, freePages };
}

function varint(data: Buffer, at: number): { value: number; next: number } | undefined {
  let value = 0;
  for (let i = 0; i < 8; i++) {
    const byte = data[at + i];
    if (byte === undefined) return undefined;
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return { value, next: at + i + 1 };
  }
  const last = data[at + 8];
  return last === undefined ? undefined : { value: value * 256 + last, next: at + 9 };
}

const INTEGER_BYTES = [0, 1, 2, 3, 4, 6, 8] as const;

/** The columns of a record, as many as are there; undefined: it is none. */
function readRecord(data: Buffer): { values: Value[]; whole: boolean } | undefined {
  const head = varint(data, 0);
  if (!head || head.value < head.next || head.value > data.length) return undefined;
  const types: number[] = [];
  for (let at = head.next; at < head.value;) {
    const type = varint(data, at);
    if (!type || type.value === 10 || type.value === 11 || types.length >= MAX_COLUMNS) return undefined;
    types.push(type.value);
    at = type.next;
  }
  const values: Value[] = [];
  let at = head.value;
  for (const type of types) {
    const length = type >= 12 ? Math.floor((type - 12) / 2) : type === 7 ? 8 : (INTEGER_BYTES[type] ?? 0);
    const bytes = data.subarray(at, at + length);
    if (bytes.length < length) {
      if (type >= 12) values.push(type % 2 === 0 ? new Uint8Array(bytes) : bytes.toString("utf8"));
      return { values, whole: false };
    }
    values.push(valueOf(type, bytes));
    at += length;
  }
  return { values, whole: true };
}

function valueOf(type: number, bytes: Buffer): Value {
  if (type === 0) return null;
  if (type === 7) return bytes.readDoubleBE(0);
  if (type === 8) return 0;
  if (type === 9) return 1;
  if (type >= 12) return type % 2 === 0 ? new Uint8Array(bytes) : bytes.toString("utf8");
  if (type === 6) return Number(bytes.readBigInt64BE(0));
  return bytes.readIntBE(0, bytes.length);
}
