import { timingSafeEqual } from "node:crypto";
import { base32, unbase32, type RandomBytes } from "../lib/ids.ts";
import { hmacSha256 } from "../lib/mac.ts";

/** A day: then an address takes nothing more, and what came of it is forgotten. */
export const TEST_LIFETIME_MS = 86_400_000;

/** `id`: 16 characters of base32; says when it was made, and nothing else. */
export type TestAddress = { handle: string; id: string; madeAt: number };

const FORM = /^test-([a-z2-7]{4,16})-([a-z2-7]{16})([a-z2-7]{16})$/;
const MINUTE_MS = 60_000;
const RANDOM_BYTES = 6;
const MAC_BYTES = 10;
/** Clocks of two hosts of the pool. */
const SKEW_MS = 10 * MINUTE_MS;

/** A new id: the minute in which it is made, and 48 random bits. */
export function newTestId(now: number, random: RandomBytes): string {
  const minute = Buffer.alloc(4);
  minute.writeUInt32BE(Math.floor(now / MINUTE_MS));
  return base32(Buffer.concat([minute, random(RANDOM_BYTES)]));
}

/** `test-<member>-<id><mac>@<domain>`: only who has the key can make one, and it says whose test it is. */
export function makeTestAddress(
  { handle, id }: Pick<TestAddress, "handle" | "id">,
  key: Uint8Array,
  domain: string,
): string {
  return `test-${handle}-${id}${base32(mac(handle, id, key))}@${domain}`;
}

/** What an address (or a bare local part) is a test of; undefined: it is none, is forged, or is older than a day. */
export function readTestAddress(address: string, key: Uint8Array, now: number): TestAddress | undefined {
  if (address.length > 320) return undefined;
  const [, handle, id, given] = FORM.exec(address.split("@", 1)[0]!.toLowerCase()) ?? [];
  if (handle === undefined || id === undefined || given === undefined) return undefined;
  const bytes = unbase32(given);
  if (bytes?.length !== MAC_BYTES || !timingSafeEqual(bytes, mac(handle, id, key))) return undefined;
  const madeAt = Buffer.from(unbase32(id)!).readUInt32BE() * MINUTE_MS;
  return madeAt > now + SKEW_MS || now - madeAt > TEST_LIFETIME_MS ? undefined : { handle, id, madeAt };
}

/** With a colon, which no token of another kind has in what it authenticates. */
const mac = (handle: string, id: string, key: Uint8Array) =>
  hmacSha256(key, `test:${handle}:${id}`).subarray(0, MAC_BYTES);
