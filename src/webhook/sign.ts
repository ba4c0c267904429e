import { hmacSha256 } from "../lib/mac.ts";

/**
 * The secret of one receiver, as Standard Webhooks writes it (`whsec_` and base64). It follows from the key, so no store
 * holds it; `turn` counts how often it was changed.
 */
export function secretOf(key: Uint8Array, did: string, turn: number): string {
  return `whsec_${hmacSha256(key, `webhook\n${did}\n${turn}`).toString("base64")}`;
}

/**
 * Headers that let a receiver know who sent this, and when (Standard Webhooks 1.0, "signature scheme": HMAC-SHA-256 over
 * `id.timestamp.body`, seconds since the epoch).
 */
export function signedHeaders(
  secret: string,
  { id, at, body }: { id: string; at: number; body: string },
): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000));
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signature = hmacSha256(key, `${id}.${timestamp}.${body}`).toString("base64");
  return {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${signature}`,
  };
}
