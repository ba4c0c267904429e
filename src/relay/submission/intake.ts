import { relaxedBodyHash } from "../../protocol/dkim/index.ts";
import { refusal as refused, tooLarge, type Refusal } from "./refusal.ts";

const MAX_HEAD = 65_536;
const MAX_LINE = 998;
const MAX_START = 65_536;
const CR = 13;
const LF = 10;

/**
 * Reads a message as it comes in: takes the header block, hands the body on, hashes it for DKIM, and looks at every
 * octet. Line ends are CRLF and nothing else (SMTP smuggling), no NUL, no line over 998 octets (RFC 5322 2.1.1).
 */
export interface Intake {
  /** The part of `chunk` that is body. After a refusal nothing is handed on. */
  push(chunk: Uint8Array): Uint8Array | undefined;
  /** Ends the message. */
  end(): Taken | { refusal: Refusal };
}

export type Taken = {
  head: Uint8Array;
  bodyHash: string;
  size: number;
  /** The first 64 KiB of header and body. */
  start: Uint8Array;
  /** The body has octets over 127, whatever was declared (RFC 6152). */
  eightBit: boolean;
};

export function createIntake(maxSize: number): Intake {
  const hash = relaxedBodyHash();
  const headChunks: Uint8Array[] = [];
  let headSize = 0;
  let size = 0;
  let inHead = true;
  let carriage = false;
  let line = 0;
  let high = 0;
  const start: Uint8Array[] = [];
  let refusal: Refusal | undefined;

  /** Index after the header's empty line, or -1; sets `refusal`. */
  function scan(chunk: Uint8Array): number {
    let headEnd = -1;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (byte === LF) {
        if (!carriage) return fault("a line ends with a bare LF; lines end with CRLF");
        carriage = false;
        if (inHead && headEnd < 0 && line === 0) headEnd = i + 1;
        line = 0;
        continue;
      }
      if (carriage) return fault("a CR stands alone; lines end with CRLF");
      if (byte === CR) {
        carriage = true;
        continue;
      }
      if (!inHead || headEnd >= 0) high |= byte;
      if (byte === 0) return fault("it contains a NUL octet");
      if (++line > MAX_LINE) return fault(`a line is longer than ${MAX_LINE} octets`);
    }
    return headEnd;
  }

  function fault(what: string): number {
    refusal = refused("malformed", 550, "5.6.0", `Message refused: ${what}`);
    return -1;
  }

  return {
    push(chunk) {
      if (refusal) return undefined;
      if (size < MAX_START) start.push(chunk.subarray(0, MAX_START - size));
      size += chunk.length;
      if (size > maxSize) {
        refusal = tooLarge(maxSize);
        return undefined;
      }
      const headEnd = scan(chunk);
      if (refusal) return undefined;
      let body: Uint8Array | undefined = chunk;
      if (inHead) {
        const part = headEnd < 0 ? chunk : chunk.subarray(0, headEnd);
        headChunks.push(part);
        headSize += part.length;
        if (headSize > MAX_HEAD) {
          fault(`its header is larger than ${MAX_HEAD} octets`);
          return undefined;
        }
        if (headEnd < 0) return undefined;
        inHead = false;
        body = chunk.subarray(headEnd);
      }
      if (body.length === 0) return undefined;
      hash.update(body);
      return body;
    },
    end() {
      if (!refusal && (carriage || line > 0)) fault("its last line has no end");
      if (!refusal && inHead && headSize === 0) fault("it is empty");
      if (refusal) return { refusal };
      return {
        head: Buffer.concat(headChunks, headSize),
        bodyHash: hash.digest(),
        size,
        start: Buffer.concat(start),
        eightBit: high > 127,
      };
    },
  };
}
