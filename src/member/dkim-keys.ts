import { createHash, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";

const generate = promisify(generateKeyPair);

export type NewDkimKey = {
  selector: string;
  algorithm: "rsa" | "ed25519";
  /** PKCS#8 PEM: sealed at once, never stored in clear. */
  privatePem: string;
  /** Value of the TXT record at `<selector>._domainkey.<domain>` (RFC 6376 3.6.1, RFC 8463). */
  txt: string;
  /** SHA-256 of the public key's SubjectPublicKeyInfo, base64url. */
  fingerprint: string;
};

/** A pair for a domain: RSA-2048, which everybody verifies, and Ed25519. */
export async function newDkimKeys(prefix: string): Promise<NewDkimKey[]> {
  return Promise.all([newDkimKey(`${prefix}r`, "rsa"), newDkimKey(`${prefix}e`, "ed25519")]);
}

export async function newDkimKey(selector: string, algorithm: "rsa" | "ed25519"): Promise<NewDkimKey> {
  const { publicKey, privateKey } =
    algorithm === "rsa" ? await generate("rsa", { modulusLength: 2048 }) : await generate("ed25519");
  return {
    selector,
    algorithm,
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    ...describePublicKey(publicKey, algorithm),
  };
}

/** TXT value and fingerprint of a public key. */
export function describePublicKey(
  key: KeyObject,
  algorithm: "rsa" | "ed25519",
): { txt: string; fingerprint: string } {
  const spki = key.export({ type: "spki", format: "der" });
  const p = algorithm === "rsa" ? spki : spki.subarray(-32);
  return {
    txt: `v=DKIM1; k=${algorithm}; p=${p.toString("base64")}`,
    fingerprint: createHash("sha256").update(spki).digest("base64url"),
  };
}
