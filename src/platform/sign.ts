import {
  createPrivateKey,
  createPublicKey,
  sign as signBytes,
  verify as verifyBytes,
  type KeyObject,
} from "node:crypto";

/** Ed25519 (RFC 8032). Keys are kept as 32 bytes, public ones written as base64url. */
export type SigningKey = { readonly privateKey: KeyObject };
export type VerifyingKey = { readonly publicKey: KeyObject };

/** What stands before the 32 bytes in PKCS#8 and in SubjectPublicKeyInfo (RFC 8410 sections 4 and 7). */
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** The key that belongs to 32 secret bytes. */
export function signingKeyFrom(secret: Uint8Array): SigningKey {
  const key = Buffer.concat([PRIVATE_PREFIX, secret]);
  return { privateKey: createPrivateKey({ key, format: "der", type: "pkcs8" }) };
}

export const verifyingKeyOf = ({ privateKey }: SigningKey): VerifyingKey => ({
  publicKey: createPublicKey(privateKey),
});

export function exportVerifyingKey({ publicKey }: VerifyingKey): string {
  const der = publicKey.export({ format: "der", type: "spki" });
  return der.subarray(PUBLIC_PREFIX.length).toString("base64url");
}

/** Throws when it is not 32 bytes. */
export function importVerifyingKey(text: string): VerifyingKey {
  const key = Buffer.concat([PUBLIC_PREFIX, Buffer.from(text, "base64url")]);
  return { publicKey: createPublicKey({ key, format: "der", type: "spki" }) };
}

/** `purpose` keeps what was signed for one thing from counting for another. base64url. */
export function sign({ privateKey }: SigningKey, purpose: string, text: string): string {
  return signBytes(null, bytesOf(purpose, text), privateKey).toString("base64url");
}

export function isSignedBy(
  { publicKey }: VerifyingKey,
  purpose: string,
  text: string,
  signature: string,
): boolean {
  return verifyBytes(null, bytesOf(purpose, text), publicKey, Buffer.from(signature, "base64url"));
}

const bytesOf = (purpose: string, text: string) => Buffer.from(`atmosphere-mail ${purpose} v1\n${text}`);
