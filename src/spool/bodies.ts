import { createReadStream } from "node:fs";
import { open, rename, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { randomId } from "../lib/ids.ts";
import type { StoredBody } from "./types.ts";

/** Up to this size a body stands in the database; a larger one is a file. */
export const INLINE_BYTES = 65_536;

/** Takes a body as it comes in, without keeping a large one in memory. */
export interface BodyWriter {
  readonly size: number;
  /** Rejects when the disk refuses. */
  write(chunk: Uint8Array): Promise<void>;
  /** After this the body is on disk under its name, or small enough to go with the transaction. */
  finish(): Promise<StoredBody>;
  /** Removes what was written. */
  discard(): Promise<void>;
}

export function createBodyWriter(dir: string): BodyWriter {
  const name = randomId(15);
  const part = join(dir, `${name}.part`);
  let chunks: Uint8Array[] = [];
  let size = 0;
  let file: FileHandle | undefined;
  let named = false;

  return {
    get size() {
      return size;
    },
    async write(chunk) {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= INLINE_BYTES) return;
      file ??= await open(part, "wx", 0o600);
      const pending = chunks;
      chunks = [];
      await writeAll(file, pending);
    },
    async finish() {
      if (!file) return { bytes: new Uint8Array(Buffer.concat(chunks, size)) };
      if (chunks.length > 0) await writeAll(file, chunks);
      await file.sync();
      await file.close();
      file = undefined;
      await rename(part, join(dir, name));
      named = true;
      await syncDirectory(dir);
      return { file: name };
    },
    async discard() {
      const opened = file !== undefined;
      await file?.close();
      file = undefined;
      chunks = [];
      if (opened) await unlink(part).catch(() => undefined);
      if (named) await unlink(join(dir, name)).catch(() => undefined);
    },
  };
}

async function writeAll(file: FileHandle, chunks: Uint8Array[]): Promise<void> {
  const data = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  let done = 0;
  while (done < data.length) done += (await file.write(data, done)).bytesWritten;
}

async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function readBodyFile(dir: string, name: string): AsyncIterable<Uint8Array> {
  return createReadStream(join(dir, name), { highWaterMark: 65_536 });
}
