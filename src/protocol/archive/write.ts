import { once } from "node:events";
import { crc32, createDeflateRaw } from "node:zlib";

/** A file of an archive that is written; its content is asked for when its turn comes. */
export type Written = { name: string; content: AsyncIterable<string | Uint8Array> };

type Entry = { name: Buffer; offset: number; crc: number; size: number; packed: number };

const LIMIT = 0xffff_ffff;
/** Bit 3: sizes follow the content. Bit 11: names are UTF-8. */
const FLAGS = 0x0808;
const DEFLATE = 8;
/** 4.5 of the specification: it has 64-bit fields. */
const VERSION = 45;

/**
 * A zip (APPNOTE 6.3), file by file, deflated, as it comes: nothing is held but what waits for the reader, however large it all is.
 * Above 4 GiB in all it is a Zip64; a single file must stay below that, or it throws. `at`: the time of each file, ms since the epoch.
 */
export async function* zipOf(files: AsyncIterable<Written>, at: number): AsyncGenerator<Uint8Array> {
  const entries: Entry[] = [];
  let offset = 0;
  function* out(bytes: Uint8Array): Generator<Uint8Array> {
    offset += bytes.length;
    yield bytes;
  }
  const stamp = dosTime(at);
  for await (const { name, content } of files) {
    const entry: Entry = { name: Buffer.from(name), offset, crc: 0, size: 0, packed: 0 };
    yield* out(localHeader(entry, stamp));
    for await (const piece of deflated(content, entry)) {
      entry.packed += piece.length;
      yield* out(piece);
    }
    if (entry.size >= LIMIT || entry.packed >= LIMIT) throw new RangeError(`${name} is larger than 4 GiB`);
    yield* out(descriptor(entry));
    entries.push(entry);
  }
  const start = offset;
  for (const entry of entries) yield* out(centralHeader(entry, stamp));
  yield* out(ending(entries.length, start, offset - start));
}

/** The content, deflated, with size and sum written into `entry`. */
async function* deflated(content: Written["content"], entry: Entry): AsyncGenerator<Uint8Array> {
  const packer = createDeflateRaw();
  const stopped = new AbortController();
  const feeding = (async () => {
    for await (const piece of content) {
      const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
      entry.crc = crc32(bytes, entry.crc);
      entry.size += bytes.length;
      if (stopped.signal.aborted) return;
      if (!packer.write(bytes)) await once(packer, "drain", { signal: stopped.signal });
    }
    packer.end();
  })().catch((error: unknown) => {
    packer.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  try {
    for await (const piece of packer) yield piece as Uint8Array;
  } finally {
    stopped.abort();
    packer.destroy();
  }
  await feeding;
}

function localHeader({ name }: Entry, stamp: number): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(VERSION, 4);
  header.writeUInt16LE(FLAGS, 6);
  header.writeUInt16LE(DEFLATE, 8);
  header.writeUInt32LE(stamp, 10);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name]);
}

function descriptor({ crc, size, packed }: Entry): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(0x08074b50, 0);
  bytes.writeUInt32LE(crc, 4);
  bytes.writeUInt32LE(packed, 8);
  bytes.writeUInt32LE(size, 12);
  return bytes;
}

function centralHeader({ name, offset, crc, size, packed }: Entry, stamp: number): Buffer {
  const isFar = offset >= LIMIT;
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(VERSION, 4);
  header.writeUInt16LE(VERSION, 6);
  header.writeUInt16LE(FLAGS, 8);
  header.writeUInt16LE(DEFLATE, 10);
  header.writeUInt32LE(stamp, 12);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(packed, 20);
  header.writeUInt32LE(size, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(isFar ? 12 : 0, 30);
  header.writeUInt32LE(isFar ? LIMIT : offset, 42);
  const extra = Buffer.alloc(isFar ? 12 : 0);
  if (isFar) {
    extra.writeUInt16LE(0x0001, 0);
    extra.writeUInt16LE(8, 2);
    extra.writeBigUInt64LE(BigInt(offset), 4);
  }
  return Buffer.concat([header, name, extra]);
}

/** The end of the central directory, before it that of Zip64 where a number does not fit. */
function ending(count: number, start: number, size: number): Buffer {
  const isLarge = count >= 0xffff || start >= LIMIT || size >= LIMIT;
  const large = Buffer.alloc(isLarge ? 56 + 20 : 0);
  if (isLarge) {
    large.writeUInt32LE(0x06064b50, 0);
    large.writeBigUInt64LE(44n, 4);
    large.writeUInt16LE(VERSION, 12);
    large.writeUInt16LE(VERSION, 14);
    large.writeBigUInt64LE(BigInt(count), 24);
    large.writeBigUInt64LE(BigInt(count), 32);
    large.writeBigUInt64LE(BigInt(size), 40);
    large.writeBigUInt64LE(BigInt(start), 48);
    large.writeUInt32LE(0x07064b50, 56);
    large.writeBigUInt64LE(BigInt(start + size), 64);
    large.writeUInt32LE(1, 72);
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(count, 0xffff), 8);
  end.writeUInt16LE(Math.min(count, 0xffff), 10);
  end.writeUInt32LE(Math.min(size, LIMIT), 12);
  end.writeUInt32LE(Math.min(start, LIMIT), 16);
  return Buffer.concat([large, end]);
}

/** Time in the low, date in the high 16 bits, of two seconds each, in UTC; from 1980 on. */
function dosTime(at: number): number {
  const date = new Date(Math.max(at, Date.UTC(1980, 0)));
  const day = ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
  const time =
    (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | Math.floor(date.getUTCSeconds() / 2);
  return ((day << 16) | time) >>> 0;
}
