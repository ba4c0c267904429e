import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { openArchive, zipOf, type Written } from "./index.ts";

const at = Date.UTC(2026, 0, 2, 3, 4, 6);

async function* contentOf(...pieces: (string | Uint8Array)[]) {
  yield* pieces;
}

async function packed(files: Iterable<Written>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of zipOf(
    (async function* () {
      yield* files;
    })(),
    at,
  ))
    pieces.push(piece);
  return Buffer.concat(pieces);
}

test("what is written can be read: names, content in pieces, files without any", async () => {
  const bytes = await packed([
    { name: "README.md", content: contentOf("what ", "it is, ü\n") },
    { name: "empty.ndjson", content: contentOf() },
    { name: "größe.ndjson", content: contentOf(Buffer.alloc(300_000, "ab")) },
  ]);
  const opened = await openArchive(bytes, 1_000_000);
  expect(opened).toMatchObject({ status: "opened", format: "zip" });
  const files = opened.status === "opened" ? opened.files : [];
  expect(files.map(({ name, content }) => [name, content.length])).toEqual([
    ["README.md", 15],
    ["empty.ndjson", 0],
    ["größe.ndjson", 300_000],
  ]);
  expect(Buffer.from(files[0]!.content).toString()).toBe("what it is, ü\n");
});

test("a fault in a file's content ends the archive with that fault, and whoever stops reading stops the content", async () => {
  async function* faulty() {
    yield "a";
    throw new Error("the disk");
  }
  await expect(packed([{ name: "a", content: faulty() }])).rejects.toThrow("the disk");

  let given = 0;
  let ended = false;
  async function* endless() {
    try {
      for (;;) {
        given++;
        yield randomBytes(65_536);
      }
    } finally {
      ended = true;
    }
  }
  let read = 0;
  for await (const piece of zipOf(
    (async function* () {
      yield { name: "a", content: endless() };
    })(),
    at,
  )) {
    read += piece.length;
    if (read > 200_000) break;
  }
  await expect.poll(() => ended).toBe(true);
  expect(given).toBeLessThan(20);
});
