import { isAscii } from "node:buffer";
import { relaxedBodyHash } from "../../protocol/dkim/index.ts";
import { refusal as refused, tooLarge, type Refusal } from "./refusal.ts";

const MAX_HEAD = 65_536;
const MAX_LINE = 998;
const MAX_START = 65_536;
const CR = 13;
const LF = 10;
const LONE_CR = "a CR stands alone; lines end with CRLF";
const TOO_LONG = `a line is longer than ${MAX_LINE} octets`;

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
  let eightBit = false;
  const start: Uint8Array[] = [];
  let refusal: Refusal | undefined;

  /** Index after the header's empty line, or -1; sets `refusal`. Most octets pass the first comparison. */
  function scan(chunk: Uint8Array): number {
    let headEnd = -1;
    let i = 0;
    if (carriage && chunk.length > 0) {
      if (chunk[0] !== LF) return fault(LONE_CR);
      carriage = false;
      if (inHead && line === 0) headEnd = 1;
      line = 0;
      i = 1;
    }
    let lineStart = i - line;
    for (; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (byte > CR || (byte !== CR && byte !== LF && byte !== 0)) continue;
      if (i - lineStart > MAX_LINE) return fault(TOO_LONG);
      if (byte === LF) return fault("a line ends with a bare LF; lines end with CRLF");
      if (byte === 0) return fault("it contains a NUL octet");
      if (i + 1 === chunk.length) {
        carriage = true;
        line = i - lineStart;
        return headEnd;
      }
      if (chunk[i + 1] !== LF) return fault(LONE_CR);
      if (inHead && headEnd < 0 && i === lineStart) headEnd = i + 2;
      lineStart = ++i + 1;
    }
    line = chunk.length - lineStart;
    return line > MAX_LINE ? fault(TOO_LONG) : headEnd;
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
      eightBit ||= !isAscii(body);
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
        eightBit,
      };
    },
  };
}
