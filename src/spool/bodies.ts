import { createReadStream } from "node:fs";
import { open, rename, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { randomId } from "../lib/ids.ts";
import { spoolError } from "./errors.ts";
import type { StoredBody } from "./types.ts";

/** Up to this size a body stands in the database; a larger one is a file. */
export const INLINE_BYTES = 131_072;

/** Takes a body as it comes in, without keeping a large one in memory. */
export interface BodyWriter {
  readonly size: number;
  /** Rejects with SpoolError when the disk refuses: `full` or `io`. */
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

  async function onDisk<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw spoolError("spool body", error, dir);
    }
  }

  return {
    get size() {
      return size;
    },
    async write(chunk) {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= INLINE_BYTES) return;
      await onDisk(async () => {
        file ??= await open(part, "wx", 0o600);
        const pending = chunks;
        chunks = [];
        await writeAll(file, pending);
      });
    },
    async finish() {
      const opened = file;
      if (!opened) return { bytes: joined(chunks, size), given: true };
      return onDisk(async () => {
        if (chunks.length > 0) await writeAll(opened, chunks);
        await opened.sync();
        await opened.close();
        file = undefined;
        await rename(part, join(dir, name));
        named = true;
        await syncDirectory(dir);
        return { file: name };
      });
    },
    async discard() {
      await file?.close().catch(() => undefined);
      file = undefined;
      chunks = [];
      if (size > INLINE_BYTES && !named) await unlink(part).catch(() => undefined);
      if (named) await unlink(join(dir, name)).catch(() => undefined);
    },
  };
}

/** In memory of its own: it can go to another thread without a copy. */
function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
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

/** Opened when the first piece is asked for: a body that nobody reads (its recipient was refused) leaves nothing open. */
export async function* readBodyFile(dir: string, name: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(join(dir, name), { highWaterMark: 65_536 }) as AsyncIterable<Uint8Array>;
}
