import { open, rename, stat, utimes, type FileHandle } from "node:fs/promises";

const BUFFER = 256 * 1024;

/** A file that is written beside another and takes its place, or does not. */
export type Draft = {
  path: string;
  add(piece: string | Buffer): Promise<void> | undefined;
  finish(): Promise<void>;
};

/** Opens `<path>.new`. After `finish` its octets are on the disk; `replaceAll` puts it in place. */
export async function openDraft(path: string): Promise<Draft> {
  const file: FileHandle = await open(`${path}.new`, "w", 0o644);
  let waiting: Buffer[] = [];
  let length = 0;
  async function flush(): Promise<void> {
    const octets = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting);
    waiting = [];
    length = 0;
    await file.writeFile(octets);
  }
  return {
    path,
    /** Returns a promise only when something is to be waited for. */
    add(piece) {
      const octets = typeof piece === "string" ? Buffer.from(piece) : piece;
      waiting.push(octets);
      length += octets.length;
      return length >= BUFFER ? flush() : undefined;
    },
    async finish() {
      try {
        await flush();
        await file.datasync();
      } finally {
        await file.close();
      }
    },
  };
}

/** Puts drafts that were finished in the place of what is there; on the disk when it returns. */
export async function replaceAll(dir: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) await rename(`${path}.new`, path);
  const directory = await open(dir, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * Makes the draft at least a second younger than what it replaces: rbldnsd tells files apart by whole seconds, and would
 * not read the second of two that were written in one.
 */
export async function outdate(path: string): Promise<void> {
  const old = await stat(path).catch(() => undefined);
  const draft = await stat(`${path}.new`);
  if (!old || Math.floor(old.mtimeMs / 1000) < Math.floor(draft.mtimeMs / 1000)) return;
  const later = Math.floor(old.mtimeMs / 1000) + 1;
  await utimes(`${path}.new`, later, later);
}

/** Lines of a text file, each a string of its own, some at a time. Ends with an empty one when the file ends in a line end. */
export async function* readLines(path: string): AsyncGenerator<string[]> {
  const file = await open(path, "r");
  try {
    const buffer = Buffer.alloc(BUFFER);
    let rest = "";
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, BUFFER);
      if (bytesRead === 0) break;
      const lines = (rest + buffer.toString("latin1", 0, bytesRead)).split("\n");
      rest = lines.pop()!;
      yield lines;
    }
    yield [rest];
  } finally {
    await file.close();
  }
}
