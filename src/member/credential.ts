import { base32, type RandomBytes } from "../lib/ids.ts";
import { hashSecret } from "../policy/index.ts";

/** Marks our secrets for the scanners that look for leaked ones. */
const SECRET_PREFIX = "atms_";
const SECRET_BYTES = 25;

/**
 * A credential's user name and secret. Both are URL-safe without `:`, `@`, `/` and `%`, because a PDS splits its
 * `PDS_EMAIL_SMTP_URL` there. The secret has 200 random bits, so a slow hash would protect nothing more.
 */
export function mintCredential(
  handle: string,
  random: RandomBytes,
): { username: string; secret: string; hash: string } {
  const username = `${handle}-${base32(random(5))}`;
  const secret = `${SECRET_PREFIX}${base32(random(SECRET_BYTES))}`;
  return { username, secret, hash: hashSecret(username, secret) };
}
