import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { createInterface } from "node:readline";
import type { ReadableStream } from "node:stream/web";
import { CommandError, EXIT } from "../output.ts";

/** The lines of a snapshot in a file, or at an address. */
export async function snapshotLines(where: string): Promise<AsyncIterable<string>> {
  return createInterface({ input: await open(where), crlfDelay: Infinity });
}

async function open(where: string): Promise<Readable> {
  if (/^https?:\/\//.test(where)) {
    const response = await fetch(where).catch((error: Error) => {
      throw new CommandError(`${where} gives no answer (${String(error.cause ?? error.message)}).`);
    });
    if (!response.ok || !response.body) throw new CommandError(`${where} answers ${response.status}.`);
    return Readable.fromWeb(response.body as ReadableStream);
  }
  const file = createReadStream(where);
  await new Promise<void>((resolve, reject) => {
    file.once("open", () => resolve());
    file.once("error", (error: NodeJS.ErrnoException) =>
      reject(new CommandError(`${where} cannot be read (${error.code}).`, EXIT.usage)),
    );
  });
  return file;
}
