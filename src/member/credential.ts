import { crc32 } from "node:zlib";
import { base32, type RandomBytes } from "../lib/ids.ts";
import { hashSecret } from "../policy/index.ts";

/** Marks our secrets for the scanners that look for leaked ones. */
const SECRET_PREFIX = "atms_";
const SECRET_BYTES = 25;
const SECRET = /^atms_([a-z2-7]{40})([a-z2-7]{7})$/;

/**
 * A credential's user name and secret. Both are URL-safe without `:`, `@`, `/` and `%`, because a PDS splits its
 * `PDS_EMAIL_SMTP_URL` there. The secret has 200 random bits, so a slow hash would protect nothing more; a checksum
 * follows them, so that a scanner tells a real one from text that looks like one.
 */
export function mintCredential(
  handle: string,
  random: RandomBytes,
): { username: string; secret: string; hash: string } {
  const username = `${handle}-${base32(random(5))}`;
  const body = base32(random(SECRET_BYTES));
  const secret = `${SECRET_PREFIX}${body}${checksum(body)}`;
  return { username, secret, hash: hashSecret(username, secret) };
}

/** Whether a secret is whole: prefix, alphabet and checksum. It says nothing of whether it was ever given out. */
export function isWholeSecret(text: string): boolean {
  const [, body, sum] = SECRET.exec(text) ?? [];
  return body !== undefined && checksum(body) === sum;
}

/** CRC-32 of the random part, four octets in base32. */
function checksum(body: string): string {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(crc32(body));
  return base32(octets);
}
