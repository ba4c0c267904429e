import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import { fromBufferPromise, type Entry, type ZipFile } from "yauzl";

export type Unpacked = { name: string; content: Uint8Array };

export type Opened =
  | { status: "opened"; format: "gzip" | "zip" | "zlib" | "plain"; files: Unpacked[] }
  /** `too-large`: more than `most` octets, or too many files. The detail is for a person. */
  | { status: "too-large" | "broken"; detail: string };

/** Entries of a zip that are looked at. A report has one. */
export const MOST_ENTRIES = 20;

const unzipped = { gzip: promisify(gunzip), zlib: promisify(inflate) };

/**
 * Opens what a report comes packed in, known by its first octets and not by its name: gzip (RFC 1952, also of several
 * members), zip with stored or deflated entries, zlib (RFC 1950), or nothing. One layer alone: what is packed twice stays
 * so. At most `most` octets come out of it, all files together, and what would make more is never allocated. Never rejects.
 */
export async function openArchive(bytes: Uint8Array, most: number): Promise<Opened> {
  const [a, b, c, d] = bytes;
  try {
    if (a === 0x50 && b === 0x4b && ((c === 3 && d === 4) || (c === 5 && d === 6)))
      return await openZip(bytes, most);
    if (a === 0x1f && b === 0x8b) return await inflated("gzip", bytes.subarray(0, endOf(bytes)), most);
    if (a === 0x78 && ((a << 8) | (b ?? 0)) % 31 === 0) return await inflated("zlib", bytes, most);
  } catch (error) {
    if (isTooLarge(error)) return tooLarge(most);
    return { status: "broken", detail: error instanceof Error ? error.message.slice(0, 200) : "unreadable" };
  }
  if (bytes.length > most) return tooLarge(most);
  return { status: "opened", format: "plain", files: [{ name: "", content: bytes }] };
}

async function inflated(format: "gzip" | "zlib", bytes: Uint8Array, most: number): Promise<Opened> {
  const content = await unzipped[format](bytes, { maxOutputLength: most });
  return { status: "opened", format, files: [{ name: "", content }] };
}

/** Without line breaks behind the data, as one reporter has them: a gzip that is not too large ends with an octet below 2. */
function endOf(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 2 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--;
  return end;
}

async function openZip(bytes: Uint8Array, most: number): Promise<Opened> {
  const zip = await fromBufferPromise(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), {
    strictFileNames: false,
    // Some senders leave the sizes out of the directory; what comes out is counted here.
    validateEntrySizes: false,
  });
  if (zip.entryCount > MOST_ENTRIES)
    return { status: "too-large", detail: `the zip has ${zip.entryCount} entries, over ${MOST_ENTRIES}` };
  const files: Unpacked[] = [];
  let left = most;
  for await (const entry of zip.eachEntry()) {
    if (entry.fileName.endsWith("/")) continue;
    if (entry.isEncrypted()) return { status: "broken", detail: "the zip is encrypted" };
    if (entry.uncompressedSize > left) return tooLarge(most);
    const content = await readEntry(zip, entry, left);
    if (!content) return tooLarge(most);
    left -= content.length;
    files.push({ name: entry.fileName.slice(0, 255), content });
  }
  return { status: "opened", format: "zip", files };
}

/** Undefined: it is larger than `most`. */
async function readEntry(zip: ZipFile, entry: Entry, most: number): Promise<Uint8Array | undefined> {
  const stream = await zip.openReadStreamPromise(entry);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const tooLarge = (most: number): Opened => ({
  status: "too-large",
  detail: `unpacked it is larger than ${Math.round(most / 1024 / 1024)} MiB`,
});

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}
