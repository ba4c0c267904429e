import { timingSafeEqual } from "node:crypto";
import { base32, unbase32 } from "../../lib/ids.ts";
import { hmacSha256 } from "../../lib/mac.ts";

/**
 * Sender Rewriting Scheme: the envelope sender of mail that is forwarded, `SRS0=<mac>=<day>=<id>@<domain>`. SPF then passes
 * for us, and a bounce of the forward comes back to us. In the place of the original address stands the id of the
 * forward: it stays within 64 octets, shows nobody's address, and names nothing but one forward of ours, so nobody can
 * have mail sent on to a third party by it. It survives case folding, and another forwarder may rewrite it (SRS1).
 */
const MAC_BYTES = 10;
const FORM = /^srs0[=+-]([a-z2-7]{16})=([a-z2-7]{2})=([a-z2-7]{16})$/;
const DAY_MS = 86_400_000;
const DAYS = 1024;
/** A bounce comes within days; a few more for hosts with long queues and wrong clocks. */
const VALID_DAYS = 21;

/** Throws when `id` is not 16 characters of base32. */
export function srsAddress(id: string, domain: string, key: Uint8Array, now: number): string {
  if (!/^[a-z2-7]{16}$/.test(id)) throw new Error(`not an id of 16 base32 characters: ${id}`);
  const day = dayOf(now);
  return `SRS0=${base32(mac(id, day, key))}=${day}=${id}@${domain}`;
}

/** The id of the forward; `expired`: it was ours, and is too old; undefined: it is none of ours, or forged. */
export function readSrs(
  address: string,
  key: Uint8Array,
  now: number,
): { id: string } | "expired" | undefined {
  if (address.length > 320) return undefined;
  const local = address.slice(0, address.lastIndexOf("@")).toLowerCase();
  const [, given = "", day = "", id = ""] = FORM.exec(local) ?? [];
  const bytes = unbase32(given);
  if (!bytes || bytes.length !== MAC_BYTES || !timingSafeEqual(bytes, mac(id, day, key))) return undefined;
  // A day ahead is the clock of another node.
  const age = (numberOf(dayOf(now)) - numberOf(day) + DAYS) % DAYS;
  return age <= VALID_DAYS || age === DAYS - 1 ? { id } : "expired";
}

function mac(id: string, day: string, key: Uint8Array): Buffer {
  return hmacSha256(key, `srs:${day}:${id}`).subarray(0, MAC_BYTES);
}

/** Days since 1970, modulo 1024, as ten bits in two characters. */
function dayOf(now: number): string {
  const day = Math.floor(now / DAY_MS) % DAYS;
  return base32(Uint8Array.of(day >> 2, (day & 3) << 6)).slice(0, 2);
}

function numberOf(day: string): number {
  const [high = 0, low = 0] = unbase32(`${day}aa`) ?? [];
  return (high << 2) | (low >> 6);
}
