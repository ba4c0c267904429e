import { createHash } from "node:crypto";

const FIELD = /(?:^|\r\n)message-id[ \t]*:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)/i;
const OCTETS = 6;

/**
 * What stands for a `Message-ID` in the index: 48 bits of a hash of what is between `<` and `>`, white space aside. Undefined
 * when there is no such thing, or it is longer than a line.
 */
export function messageIdKey(messageId: string): number | undefined {
  const [, id] = /^<?([^<>]{1,998})>?$/.exec(messageId.replace(/\s+/g, "").slice(0, 2_000)) ?? [];
  return id === undefined ? undefined : createHash("sha256").update(id).digest().readUIntBE(0, OCTETS);
}

/** The same of a header as it leaves. */
export function keyOfHead(head: Uint8Array): number | undefined {
  const [, value] =
    FIELD.exec(Buffer.from(head.buffer, head.byteOffset, head.length).toString("latin1")) ?? [];
  return value === undefined ? undefined : messageIdKey(value);
}
