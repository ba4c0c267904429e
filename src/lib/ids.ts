import { randomBytes } from "node:crypto";

/** `n` random bytes. Comes in as a parameter wherever tests need repeatable values. */
export type RandomBytes = (n: number) => Uint8Array;
export const secureRandom: RandomBytes = (n) => randomBytes(n);

const OSPREY_EPOCH_MS = 1_420_070_400_000;
const SEQUENCE_BITS = 22n;
const SEQUENCE_MASK = (1n << SEQUENCE_BITS) - 1n;

/**
 * Makes snowflake ids in Osprey's form: milliseconds since 2015-01-01 shifted by 22, the low bits a counter that
 * begins at a random place so that nodes do not collide. As a decimal string, strictly increasing per maker.
 */
export function snowflakes(now: () => number, random: RandomBytes = secureRandom): () => string {
  const node = BigInt(Buffer.from(random(2)).readUInt16BE()) << 6n;
  let last = 0n;
  return () => {
    const floor = (BigInt(Math.max(0, now() - OSPREY_EPOCH_MS)) << SEQUENCE_BITS) | (node & SEQUENCE_MASK);
    last = floor > last ? floor : last + 1n;
    return last.toString();
  };
}

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** RFC 4648 base32, lower case, without padding: survives case folding in local parts and host names. */
export function base32(bytes: Uint8Array): string {
  let out = "";
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      out += BASE32[(buffer >>> (bits - 5)) & 31];
      bits -= 5;
    }
    buffer &= (1 << bits) - 1;
  }
  return bits > 0 ? out + BASE32[(buffer << (5 - bits)) & 31] : out;
}

/** The bytes of `text`, or undefined when it is not base32. */
export function unbase32(text: string): Uint8Array | undefined {
  const out: number[] = [];
  let buffer = 0;
  let bits = 0;
  for (const char of text.toLowerCase()) {
    const value = BASE32.indexOf(char);
    if (value < 0) return undefined;
    buffer = ((buffer << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push((buffer >>> bits) & 0xff);
    }
  }
  return Uint8Array.from(out);
}

/** A random id of `bytes` bytes in base32. */
export function randomId(bytes = 10, random: RandomBytes = secureRandom): string {
  return base32(random(bytes));
}
