import type { webcrypto } from "node:crypto";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";

/**
 * Sealing a secret to one role: HPKE (RFC 9180) base mode, X25519, HKDF-SHA-256, AES-256-GCM. Whoever seals cannot
 * open; a sealed value is base64url of `enc || ciphertext`.
 */
const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});
const ENC_BYTES = 32;
const INFO = new TextEncoder().encode("atmosphere-mail seal v1");

export type SealingKey = { readonly publicKey: webcrypto.CryptoKey };
export type OpeningKey = SealingKey & { readonly privateKey: webcrypto.CryptoKey };

/** The key pair that belongs to a 32-byte secret of a role. */
export async function openingKeyFrom(secret: Uint8Array): Promise<OpeningKey> {
  return suite.kem.deriveKeyPair(toBuffer(secret));
}

export async function exportSealingKey(key: SealingKey): Promise<string> {
  return Buffer.from(await suite.kem.serializePublicKey(key.publicKey)).toString("base64url");
}

export async function importSealingKey(text: string): Promise<SealingKey> {
  return { publicKey: await suite.kem.deserializePublicKey(toBuffer(Buffer.from(text, "base64url"))) };
}

export async function seal(to: SealingKey, plaintext: string): Promise<string> {
  const sender = await suite.createSenderContext({ recipientPublicKey: to.publicKey, info: toBuffer(INFO) });
  const box = await sender.seal(toBuffer(new TextEncoder().encode(plaintext)));
  return Buffer.concat([new Uint8Array(sender.enc), new Uint8Array(box)]).toString("base64url");
}

/** The plain text. Throws when it was sealed to another key or altered. */
export async function openSealed(key: OpeningKey, sealed: string): Promise<string> {
  const bytes = Buffer.from(sealed, "base64url");
  const recipient = await suite.createRecipientContext({
    recipientKey: key.privateKey,
    enc: toBuffer(bytes.subarray(0, ENC_BYTES)),
    info: toBuffer(INFO),
  });
  return new TextDecoder().decode(await recipient.open(toBuffer(bytes.subarray(ENC_BYTES))));
}

function toBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
