import { createHash } from "node:crypto";

const CR = 13;
const LF = 10;
const TAB = 9;
const SP = 32;
const OUT_BYTES = 16_384;

/** The body hash (`bh=`) of a message that comes in pieces. */
export interface BodyHash {
  update(chunk: Uint8Array): void;
  /** Base64. Call it once, at the end. */
  digest(): string;
}

/** SHA-256 over the relaxed canonical form of a body (RFC 6376 section 3.4.4). Lines end with CRLF. */
export function relaxedBodyHash(): BodyHash {
  const hash = createHash("sha256");
  const out = Buffer.allocUnsafe(OUT_BYTES);
  let used = 0;
  let started = false;
  let blankLines = 0;
  let space = false;
  let carriage = false;

  function put(byte: number): void {
    if (used === OUT_BYTES) {
      hash.update(out);
      used = 0;
    }
    out[used++] = byte;
  }

  function content(byte: number): void {
    for (; blankLines > 0; blankLines--) {
      put(CR);
      put(LF);
    }
    if (space) {
      put(SP);
      space = false;
    }
    put(byte);
    started = true;
  }

  return {
    update(chunk) {
      for (let i = 0; i < chunk.length; i++) {
        const byte = chunk[i]!;
        if (carriage) {
          carriage = false;
          if (byte === LF) {
            space = false;
            blankLines++;
            continue;
          }
          content(CR);
        }
        if (byte === CR) carriage = true;
        else if (byte === SP || byte === TAB) space = true;
        else content(byte);
      }
    },
    digest() {
      if (carriage) content(CR);
      if (started) {
        put(CR);
        put(LF);
      }
      hash.update(out.subarray(0, used));
      return hash.digest("base64");
    },
  };
}
