import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";

/** The pages of a database with its WAL, as far as they can be read. Numbers begin with 1. */
export type Pages = {
  size: number;
  /** Octets of a page that SQLite uses. */
  usable: number;
  count: number;
  /** Undefined: it is not there, or the disk refuses. */
  read(number: number): Buffer | undefined;
  /** Frames of the WAL that are damaged: what they held is as it was before. */
  badFrames: number;
  close(): void;
};

const MAGIC = "SQLite format 3\0";
const USUAL_SIZE = 4_096;
const FRAME_HEADER = 24;
const WAL_HEADER = 32;

/** Opens a database for reading page by page, without SQLite, which refuses what is damaged. @throws when it is not there. */
export function openPages(path: string): Pages {
  const file = openSync(path, "r");
  const walFile = existsSync(`${path}-wal`) ? openSync(`${path}-wal`, "r") : undefined;
  const head = readAt(file, 0, 100) ?? Buffer.alloc(100);
  const walHead = walFile === undefined ? undefined : readAt(walFile, 0, WAL_HEADER);
  const sound = head.toString("latin1", 0, 16) === MAGIC;
  const size = sizeOf(sound ? head.readUInt16BE(16) : (walHead?.readUInt32BE(8) ?? 0));
  const usable = size - (sound ? head[20]! : 0);
  const wal = new Map<number, number>();
  const badFrames = walFile === undefined || !walHead ? 0 : overlay(walFile, walHead, size, wal);
  const count = Math.max(Math.ceil(fstatSync(file).size / size), ...wal.keys());
  return {
    size,
    usable,
    count,
    badFrames,
    read(number) {
      const frame = wal.get(number);
      if (frame !== undefined && walFile !== undefined) return readAt(walFile, frame + FRAME_HEADER, size);
      return number < 1 ? undefined : readAt(file, (number - 1) * size, size);
    },
    close() {
      closeSync(file);
      if (walFile !== undefined) closeSync(walFile);
    },
  };
}

function sizeOf(stored: number): number {
  const size = stored === 1 ? 65_536 : stored;
  const powerOfTwo = size >= 512 && size <= 65_536 && (size & (size - 1)) === 0;
  return powerOfTwo ? size : USUAL_SIZE;
}

function readAt(file: number, at: number, length: number): Buffer | undefined {
  const buffer = Buffer.alloc(length);
  try {
    let done = 0;
    while (done < length) {
      const n = readSync(file, buffer, done, length - done, at + done);
      if (n === 0) return undefined;
      done += n;
    }
    return buffer;
  } catch {
    return undefined;
  }
}

/**
 * Which page stands in which frame, up to the last commit. A frame's checksum goes on from that of the frame before as
 * it is stored, so each can be judged alone: SQLite discards all that follows a damaged one, this leaves out only it.
 * https://sqlite.org/fileformat2.html#the_write_ahead_log
 */
function overlay(file: number, head: Buffer, size: number, pages: Map<number, number>): number {
  const bigEndian = head.readUInt32BE(0) === 0x377f0683;
  if (!bigEndian && head.readUInt32BE(0) !== 0x377f0682) return 0;
  const salt = head.subarray(16, 24);
  const pending = new Map<number, number>();
  let before: [number, number] = [head.readUInt32BE(24), head.readUInt32BE(28)];
  let bad = 0;
  let badSinceCommit = 0;
  for (let at = WAL_HEADER; ; at += FRAME_HEADER + size) {
    const frame = readAt(file, at, FRAME_HEADER + size);
    if (!frame) break;
    const ours = frame.subarray(8, 16).equals(salt);
    const [a, b] = checksum(
      frame.subarray(FRAME_HEADER),
      checksum(frame.subarray(0, 8), before, bigEndian),
      bigEndian,
    );
    before = [frame.readUInt32BE(16), frame.readUInt32BE(20)];
    const whole = ours && a === before[0] && b === before[1];
    if (!whole) {
      if (ours) badSinceCommit++;
      continue;
    }
    pending.set(frame.readUInt32BE(0), at);
    if (frame.readUInt32BE(4) === 0) continue;
    for (const [number, place] of pending) pages.set(number, place);
    pending.clear();
    bad += badSinceCommit;
    badSinceCommit = 0;
  }
  return bad;
}

function checksum(data: Buffer, [s0, s1]: [number, number], bigEndian: boolean): [number, number] {
  let [a, b] = [s0, s1];
  for (let i = 0; i + 8 <= data.length; i += 8) {
    const [x, y] = bigEndian
      ? [data.readUInt32BE(i), data.readUInt32BE(i + 4)]
      : [data.readUInt32LE(i), data.readUInt32LE(i + 4)];
    a = (a + x + b) >>> 0;
    b = (b + y + a) >>> 0;
  }
  return [a, b];
}
