import { crc32, deflateRawSync } from "node:zlib";

export type ZipEntry = {
  name: string;
  content: Uint8Array;
  /** Not compressed. */
  stored?: boolean;
  /** The sizes stand behind the data (bit 3 of the flags). */
  streamed?: boolean;
  encrypted?: boolean;
  /** What the directory claims to come out, instead of the truth. */
  claims?: number;
};

/** A zip file (APPNOTE 4.3), as senders of reports make them and as nobody should. */
export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const { name, content, stored = false, streamed = false, encrypted = false, claims } of entries) {
    const data = stored ? Buffer.from(content) : deflateRawSync(content);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE((streamed ? 8 : 0) | (encrypted ? 1 : 0), 2);
    fields.writeUInt16LE(stored ? 0 : 8, 4);
    fields.writeUInt16LE(0x21, 8);
    const sums = Buffer.alloc(12);
    sums.writeUInt32LE(crc32(content), 0);
    sums.writeUInt32LE(data.length, 4);
    sums.writeUInt32LE(claims ?? content.length, 8);
    fields.writeUInt16LE(name.length, 22);
    const inDirectory = Buffer.from(fields);
    sums.copy(inDirectory, 10);
    if (!streamed) sums.copy(fields, 10);
    const behind = streamed ? Buffer.concat([Buffer.from("PK\x07\x08", "latin1"), sums]) : Buffer.alloc(0);
    const local = Buffer.concat([
      Buffer.from("PK\x03\x04", "latin1"),
      fields,
      Buffer.from(name),
      data,
      behind,
    ]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    central.push(
      Buffer.concat([Buffer.from("PK\x01\x02\x14\0", "latin1"), inDirectory, tail, Buffer.from(name)]),
    );
    locals.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, directory, end]);
}
