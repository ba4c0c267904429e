import { createHash } from "node:crypto";

const CR = 13;
const LF = 10;
const TAB = 9;
const SP = 32;
/** What is shorter is gathered before it is hashed: each call of the hash costs as much as some hundred octets. */
const SHORT = 512;
/** In use only while `update` runs. */
const gathered = Buffer.allocUnsafeSlow(16_384);

/** The body hash (`bh=`) of a message that comes in pieces. */
export interface BodyHash {
  update(chunk: Uint8Array): void;
  /** Base64. Call it once, at the end. */
  digest(): string;
}

/**
 * SHA-256 over the relaxed canonical form of a body (RFC 6376 section 3.4.4). Lines end with CRLF. Most text is in that
 * form already: what stands between two changes goes into the hash as it is.
 */
export function relaxedBodyHash(): BodyHash {
  const hash = createHash("sha256");
  let used = 0;
  let started = false;
  let blankLines = 0;
  let space = false;
  let carriage = false;

  function flush(): void {
    if (used > 0) hash.update(gathered.subarray(0, used));
    used = 0;
  }

  function put(byte: number): void {
    if (used === gathered.length) flush();
    gathered[used++] = byte;
  }

  function asItStands(chunk: Uint8Array, from: number, to: number): void {
    if (to - from < SHORT) {
      for (let i = from; i < to; i++) put(chunk[i]!);
      return;
    }
    flush();
    hash.update(chunk.subarray(from, to));
  }

  /** Content follows: the line ends and the space before it count. */
  function begin(): void {
    for (; blankLines > 0; blankLines--) {
      put(CR);
      put(LF);
    }
    if (space) put(SP);
    space = false;
    started = true;
  }

  return {
    update(chunk) {
      let from = -1;
      for (let i = 0; i < chunk.length; i++) {
        const byte = chunk[i]!;
        if (from >= 0) {
          if (byte > SP) continue;
          // Before content one space and one line end stay.
          if (byte === SP && chunk[i + 1]! > SP) continue;
          if (byte === CR && chunk[i + 1] === LF && chunk[i + 2]! > SP) {
            i += 2;
            continue;
          }
          if (byte !== CR && byte !== SP && byte !== TAB) continue;
          asItStands(chunk, from, i);
          from = -1;
        }
        if (carriage) {
          carriage = false;
          if (byte === LF) {
            space = false;
            blankLines++;
            continue;
          }
          begin();
          put(CR);
        }
        if (byte === CR) carriage = true;
        else if (byte === SP || byte === TAB) space = true;
        else {
          begin();
          from = i;
        }
      }
      if (from >= 0) asItStands(chunk, from, chunk.length);
      flush();
    },
    digest() {
      if (carriage) {
        begin();
        put(CR);
      }
      if (started) {
        put(CR);
        put(LF);
      }
      flush();
      return hash.digest("base64");
    },
  };
}
