import { createHmac, timingSafeEqual } from "node:crypto";

/** How a secret is kept: HMAC-SHA-256 of the secret under the user name, base64url. */
export function hashSecret(username: string, secret: string): string {
  return createHmac("sha256", username).update(secret).digest("base64url");
}

/**
 * By which a credential is found when only its member and its secret are known: 96 bits of the HMAC-SHA-256 of the
 * secret under the member's DID, base64url.
 */
export function secretKey(did: string, secret: string): string {
  return createHmac("sha256", did).update(secret).digest("base64url").slice(0, 16);
}

/** Compares in constant time. */
export function secretMatches(username: string, secret: string, hash: string): boolean {
  const expected = Buffer.from(hash, "base64url");
  const given = createHmac("sha256", username).update(secret).digest();
  return expected.length === given.length && timingSafeEqual(expected, given);
}
