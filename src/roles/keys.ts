import { hkdfSync } from "node:crypto";
import type { Config, Secrets } from "../platform/config/index.ts";
import {
  importVerifyingKey,
  signingKeyFrom,
  verifyingKeyOf,
  type SigningKey,
  type VerifyingKey,
} from "../platform/sign.ts";

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

/** Signs what core tells nodes at other hosts. */
export function snapshotKeyOf(secrets: Secrets): SigningKey | undefined {
  return secrets.core && signingKeyFrom(derive(secrets.core, "snapshot"));
}

/** By which a node knows what core said: its own core's, or the one that it was told. */
export function coreKeyOf(config: Pick<Config, "CORE_KEY">, secrets: Secrets): VerifyingKey | undefined {
  const own = snapshotKeyOf(secrets);
  if (own) return verifyingKeyOf(own);
  return config.CORE_KEY === undefined ? undefined : importVerifyingKey(config.CORE_KEY);
}
