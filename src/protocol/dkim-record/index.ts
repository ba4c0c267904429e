import { createHash, createPublicKey, type KeyObject } from "node:crypto";

/** A DKIM key as it stands in the DNS (RFC 6376 section 3.6.1, RFC 8463). */
export type DkimKeyRecord = {
  algorithm: "rsa" | "ed25519";
  /** Of the modulus for RSA; 256 for Ed25519. */
  bits: number;
  key: KeyObject;
  /** SHA-256 of the DER SubjectPublicKeyInfo, base64url without padding. */
  fingerprint: string;
  /** `t=y`: the domain is testing; a receiver may ignore failures. */
  testing: boolean;
  /** `t=s`: a signature must be of the very domain, not of one below it. */
  strict: boolean;
  /** `s=`: usable for e-mail. */
  forEmail: boolean;
  /** `h=`: usable with SHA-256, the only hash that RFC 8301 leaves. */
  forSha256: boolean;
};

export type DkimRecordResult =
  | { status: "key"; record: DkimKeyRecord }
  /** `p=` is empty: the owner has withdrawn the key. */
  | { status: "revoked" }
  | { status: "syntax"; detail: string };

const ED25519_SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const MAX_RECORD = 4096;

/** Parses the TXT record at `<selector>._domainkey.<domain>`, character-strings joined. */
export function parseDkimKeyRecord(text: string): DkimRecordResult {
  if (text.length > MAX_RECORD) return { status: "syntax", detail: "longer than any key" };
  const tags = new Map<string, string>();
  for (const part of text.split(";")) {
    if (part.trim() === "") continue;
    const match = /^\s*([a-zA-Z][a-zA-Z0-9_]*)\s*=([\s\S]*)$/.exec(part);
    if (!match) return { status: "syntax", detail: `"${part.trim().slice(0, 40)}" is not tag=value` };
    if (tags.has(match[1]!)) return { status: "syntax", detail: `tag ${match[1]} appears twice` };
    tags.set(match[1]!, match[2]!.trim());
  }
  if (tags.has("v") && (tags.get("v") !== "DKIM1" || tags.keys().next().value !== "v")) {
    return { status: "syntax", detail: "v= must come first and be DKIM1" };
  }
  const p = tags.get("p")?.replace(/\s+/g, "");
  if (p === undefined) return { status: "syntax", detail: "no p= tag" };
  if (p === "") return { status: "revoked" };
  const algorithm = tags.get("k") ?? "rsa";
  if (algorithm !== "rsa" && algorithm !== "ed25519") {
    return { status: "syntax", detail: `unknown key type k=${algorithm.slice(0, 40)}` };
  }
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(p)) return { status: "syntax", detail: "p= is not base64" };
  const key = readKey(algorithm, Buffer.from(p, "base64"));
  if (!key) return { status: "syntax", detail: `p= holds no ${algorithm} public key` };
  const flags = listed(tags.get("t") ?? "");
  const services = listed(tags.get("s") ?? "*");
  return {
    status: "key",
    record: {
      algorithm,
      bits: algorithm === "ed25519" ? 256 : (key.asymmetricKeyDetails?.modulusLength ?? 0),
      key,
      fingerprint: keyFingerprint(key),
      testing: flags.includes("y"),
      strict: flags.includes("s"),
      forEmail: services.includes("*") || services.includes("email"),
      forSha256: !tags.has("h") || listed(tags.get("h")!).includes("sha256"),
    },
  };
}

function listed(value: string): string[] {
  return value.split(":").map((item) => item.trim());
}

/** SHA-256 of the DER SubjectPublicKeyInfo of a public key, base64url without padding. */
export function keyFingerprint(key: KeyObject): string {
  return createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("base64url");
}

/** The text to publish for a public key. */
export function formatDkimKeyRecord(key: KeyObject): string {
  const spki = key.export({ type: "spki", format: "der" });
  return key.asymmetricKeyType === "ed25519"
    ? `v=DKIM1; k=ed25519; p=${spki.subarray(ED25519_SPKI_PREFIX.length).toString("base64")}`
    : `v=DKIM1; k=rsa; p=${spki.toString("base64")}`;
}

/** RSA: SubjectPublicKeyInfo as everybody publishes it, or the RSAPublicKey that the RFC's text names (errata 3017). */
function readKey(algorithm: "rsa" | "ed25519", bytes: Buffer): KeyObject | undefined {
  if (algorithm === "ed25519") {
    return bytes.length === 32
      ? der(Buffer.concat([ED25519_SPKI_PREFIX, bytes]), "spki", "ed25519")
      : undefined;
  }
  return der(bytes, "spki", "rsa") ?? der(bytes, "pkcs1", "rsa");
}

function der(bytes: Buffer, type: "spki" | "pkcs1", expected: string): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: bytes, format: "der", type });
    return key.asymmetricKeyType === expected ? key : undefined;
  } catch {
    return undefined;
  }
}
