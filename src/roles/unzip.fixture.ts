import { fromBufferPromise } from "yauzl";

/** The files of a zip, by name, as another program reads them: sizes and sums are checked. */
export async function unzip(bytes: Buffer): Promise<Map<string, string>> {
  const zip = await fromBufferPromise(bytes);
  const files = new Map<string, string>();
  for await (const entry of zip.eachEntry()) {
    const pieces: Buffer[] = [];
    for await (const piece of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>)
      pieces.push(piece);
    files.set(entry.fileName, Buffer.concat(pieces).toString());
  }
  return files;
}
