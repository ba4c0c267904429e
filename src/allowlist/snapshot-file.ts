import { link, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Keypair } from "@atproto/crypto";
import { openDraft } from "./files.ts";
import {
  ENTRY_SEPARATOR,
  readSnapshot,
  writeSnapshot,
  type SnapshotHead,
  type SnapshotTail,
} from "./snapshot.ts";
import type { Listing } from "./store.ts";

/** A snapshot on the disk. `bytes`: its length. */
export type SnapshotFile = { path: string; head: SnapshotHead; tail: SnapshotTail; bytes: number };

/** Entries in canonical JSON. */
export type SnapshotSource = {
  addresses(): Pick<Listing, "json">[];
  /** Domains past a key, at most `limit`, in one text; undefined when there are no more. */
  entriesAfter(after: string, limit: number): { last: string; text: string } | undefined;
};

const PAGE = 1_000;
/** Snapshots that can be fetched by their address beside the newest. */
const KEPT = 5;
const TAIL_BYTES = 512;

/** Writes a snapshot aside; `replaceAll` puts it in place. */
export async function draftSnapshot(
  path: string,
  head: SnapshotHead,
  source: SnapshotSource,
  keypair: Keypair,
): Promise<SnapshotFile> {
  const draft = await openDraft(path);
  const text = writeSnapshot(head, domains(source), addresses(source), keypair);
  for (;;) {
    const next = await text.next();
    if (next.done === true) {
      await draft.finish();
      const { size } = await stat(`${path}.new`);
      return { path, head, tail: next.value, bytes: size };
    }
    const full = draft.add(next.value);
    if (full) await full;
  }
}

async function* addresses(source: SnapshotSource): AsyncGenerator<string> {
  yield source
    .addresses()
    .map(({ json }) => json)
    .join(ENTRY_SEPARATOR);
}

async function* domains(source: SnapshotSource): AsyncGenerator<string> {
  let after = "";
  for (;;) {
    const page = source.entriesAfter(after, PAGE);
    if (!page) return;
    yield page.text;
    after = page.last;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Head and tail of a snapshot on the disk; undefined when there is none, or none of this form. */
export async function readTail(path: string): Promise<SnapshotFile | undefined> {
  try {
    const { size } = await stat(path);
    for await (const part of readSnapshot(createInterface({ input: createReadStream(path) }))) {
      if (part.kind !== "head") return undefined;
      const file = await open(path, "r");
      try {
        const length = Math.min(size, TAIL_BYTES);
        const buffer = Buffer.alloc(length);
        await file.read(buffer, 0, length, size - length);
        const [, id, sig] =
          /\n"id":"([0-9a-f]{64})","sig":"([\w-]+)"\}\n$/.exec(buffer.toString("latin1")) ?? [];
        return id === undefined ? undefined : { path, head: part.head, tail: { id, sig: sig! }, bytes: size };
      } finally {
        await file.close();
      }
    }
  } catch {
    // Not there, or not whole: it is written anew.
  }
  return undefined;
}

/** Keeps a snapshot under its address too, and the few before it. */
export async function keepSnapshot(dir: string, { path, tail }: SnapshotFile): Promise<void> {
  const kept = join(dir, "snapshots");
  await mkdir(kept, { recursive: true });
  await link(path, join(kept, `${tail.id}.json`)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  const names = (await readdir(kept)).filter((name) => /^[0-9a-f]{64}\.json$/.test(name));
  const dated = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(kept, name))).mtimeMs })),
  );
  dated.sort((a, b) => b.at - a.at);
  for (const { name } of dated.slice(KEPT))
    if (name !== `${tail.id}.json`) await rm(join(kept, name), { force: true });
}
