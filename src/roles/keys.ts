import { hkdfSync } from "node:crypto";
import type { Secrets } from "../platform/config/index.ts";

/** Keys for one purpose each from a role's one secret (HKDF, RFC 5869). */
export function derive(secret: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, "", `atmosphere-mail ${purpose} v1`, 32));
}

/** What relay nodes of a pool have in common. */
export function relayKeys(secret: Uint8Array) {
  const of = (purpose: "verp" | "recipient" | "unsubscribe") => derive(secret, purpose);
  return { verp: of("verp"), recipient: of("recipient"), unsubscribe: of("unsubscribe") };
}

export function sessionKeyOf(secrets: Secrets): Uint8Array | undefined {
  return secrets.core && derive(secrets.core, "session");
}
