import { isoTimes } from "../lib/iso-times.ts";
import { zipOf, type Written } from "../protocol/archive/index.ts";
import { exportFiles, type ExportFile, type ExportParts } from "./member-export-files.ts";

export type ExportRefusal = { error: "NotAMember" | "TooMany"; message: string };
export type ExportDesk = ReturnType<typeof createExportDesk>;
/** `bytes` is read once. It has its place until it was read to its end, or whoever stops calls `return` on it. */
export type MemberExport = { name: string; bytes: AsyncIterableIterator<Uint8Array> };

/** Each reads the log from end to end. */
const MOST_AT_ONCE = 2;
/** Characters after which a list goes on in another file, so that none comes near what a zip can hold. */
const MOST_CHARS = 256 * 1024 * 1024;

type DeskParts = ExportParts & {
  /** Characters of one file. */
  mostChars?: number;
};

/** Hands out everything that is kept about a member, as a zip that is made while it is read. */
export function createExportDesk(parts: DeskParts) {
  const { core, clock } = parts;
  const running = new Set<string>();

  return {
    /** `whole`: with the addresses of recipients, for the member itself; masked otherwise. */
    of(did: string, { whole }: { whole: boolean }): MemberExport | ExportRefusal {
      if (!core.members.get(did)) return { error: "NotAMember", message: `${did} is not a member here.` };
      if (running.has(did) || running.size >= MOST_AT_ONCE)
        return {
          error: "TooMany",
          message: running.has(did)
            ? "An export of this member is under way already: let that end first."
            : "Two exports are under way already, which is the most: try again in some minutes.",
        };
      const at = clock.now();
      running.add(did);
      const zip = zipOf(written(exportFiles(parts, did, whole), { did, at, whole }, parts.mostChars), at);
      const name = `${fileName(did)}-${new Date(at).toISOString().slice(0, 10)}.zip`;
      return { name, bytes: ending(zip, () => running.delete(did)) };
    },
  };
}

/** Calls `ended` however the reading ends, also when it never began. */
function ending<T>(inner: AsyncGenerator<T>, ended: () => void): AsyncIterableIterator<T> {
  const after = async (step: Promise<IteratorResult<T>>, isLast: boolean) => {
    try {
      const result = await step;
      if (isLast || result.done) ended();
      return result;
    } catch (error) {
      ended();
      throw error;
    }
  };
  const iterator: AsyncIterableIterator<T> = {
    next: () => after(inner.next(), false),
    return: (value?: unknown) => after(inner.return(value), true),
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

const fileName = (did: string) => `atmosphere-mail-${did.replace(/[^A-Za-z0-9.-]+/g, "-").slice(0, 100)}`;

type About = { did: string; at: number; whole: boolean };

async function* written(
  files: readonly ExportFile[],
  about: About,
  mostChars = MOST_CHARS,
): AsyncGenerator<Written> {
  yield { name: "README.md", content: once(readme(files, about)) };
  for (const file of files) {
    if ("value" in file)
      yield { name: file.name, content: once(`${JSON.stringify(isoTimes(file.value()), null, 2)}\n`) };
    else if ("text" in file) yield { name: file.name, content: once(await file.text()) };
    else yield* inParts(file.name, file.rows(), mostChars);
  }
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}

/** One row a line; a long list goes on in `NAME-2.ndjson` and so on. Each part is to be read before the next is asked for. */
async function* inParts(
  name: string,
  rows: AsyncIterable<unknown>,
  mostChars: number,
): AsyncGenerator<Written> {
  const iterator = rows[Symbol.asyncIterator]();
  let next = await iterator.next();
  async function* part(): AsyncGenerator<string> {
    for (let length = 0; next.done !== true && length < mostChars; next = await iterator.next()) {
      const line = `${JSON.stringify(isoTimes(next.value))}\n`;
      length += line.length;
      yield line;
    }
  }
  try {
    yield { name, content: part() };
    for (let number = 2; next.done !== true; number++)
      yield { name: name.replace(/\.ndjson$/, `-${number}.ndjson`), content: part() };
  } finally {
    await iterator.return?.();
  }
}

function readme(files: readonly ExportFile[], { did, at, whole }: About): string {
  const list = files.map(({ name, about }) => `- \`${name}\`: ${about}`).join("\n");
  return `# Everything that is kept about ${did}

As of ${new Date(at).toISOString()}. Files ending in \`.json\` hold one document, files ending in \`.ndjson\` one document a line; a long
list goes on in \`NAME-2.ndjson\`. Times are UTC.

${whole ? "Addresses of recipients are whole: they are yours to guard." : "Addresses of recipients are masked: whole they are given to the owner alone."}

${list}

Not here, because it is not kept or not yours: contents of messages, secrets of credentials and webhooks, private keys, what other
members' mail made known about the same recipients, and the committee's own mail. How long each is kept: docs/leaving.md of the project.
`;
}
