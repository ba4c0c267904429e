import { timingSafeEqual } from "node:crypto";
import { base32, unbase32 } from "../../lib/ids.ts";
import { hmacSha256 } from "../../lib/mac.ts";

/**
 * Variable envelope return paths. A token is `<id><mac>` in lower-case base32: the id of a recipient in the spool
 * (16 characters, says nothing) and 80 bits of HMAC-SHA-256 over it. It survives case folding, stays the same on
 * every retry, and nobody without the key can make one.
 */
const ID_LENGTH = 16;
const MAC_BYTES = 10;
const TOKEN_LENGTH = 32;
const PREFIX = "b+";

export function makeToken(id: string, key: Uint8Array): string {
  if (!/^[a-z2-7]{16}$/.test(id)) throw new Error(`not an id of ${ID_LENGTH} base32 characters: ${id}`);
  return id + base32(mac(id, key));
}

/** `b+<token>@<domain>` */
export function makeReturnPath(token: string, domain: string): string {
  return `${PREFIX}${token}@${domain}`;
}

/** The id in a return path (or a bare local part), or undefined when it is not one of ours or is forged. */
export function readToken(address: string, key: Uint8Array): string | undefined {
  if (address.length > 320) return undefined;
  const local = address.split("@", 1)[0]!.toLowerCase();
  if (!local.startsWith(PREFIX) || local.length !== PREFIX.length + TOKEN_LENGTH) return undefined;
  const id = local.slice(PREFIX.length, PREFIX.length + ID_LENGTH);
  const given = unbase32(local.slice(PREFIX.length + ID_LENGTH));
  if (!given || given.length !== MAC_BYTES || !/^[a-z2-7]+$/.test(id)) return undefined;
  return timingSafeEqual(given, mac(id, key)) ? id : undefined;
}

function mac(id: string, key: Uint8Array): Buffer {
  return hmacSha256(key, id).subarray(0, MAC_BYTES);
}
