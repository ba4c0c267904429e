import { createHmac, createSecretKey, type KeyObject } from "node:crypto";

const opened = new WeakMap<Uint8Array, KeyObject>();

/** HMAC-SHA-256. A key is opened once, which is most of what it costs otherwise: its octets must not change. */
export function hmacSha256(key: Uint8Array, text: string): Buffer {
  let secret = opened.get(key);
  if (!secret) opened.set(key, (secret = createSecretKey(key)));
  return createHmac("sha256", secret).update(text).digest();
}
