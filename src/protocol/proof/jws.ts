import { type Keypair, verifySignature } from "@atproto/crypto";
import { z } from "zod";
import { ProofClaims } from "./claims.ts";

/** Longer is no proof of ours. */
const MOST_CHARS = 262_144;
const TYPE = "atmos-proof+jwt";

const Header = z.strictObject({
  alg: z.literal("ES256K"),
  /** The did:key that signed: it only explains; what is believed is the DID document. */
  kid: z.string().startsWith("did:key:").max(200),
  typ: z.literal(TYPE),
});

/** JSON with sorted keys and no spaces (RFC 8785, for strings, booleans, null and the numbers that claims have). */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`).join(",")}}`;
}

const encode = (value: unknown) => Buffer.from(canonicalJson(value)).toString("base64url");

/** A JWS in compact form (RFC 7515) with ES256K (RFC 8812), by the key `#atproto_label`. */
export async function signProof(claims: ProofClaims, keypair: Keypair): Promise<string> {
  const header = { alg: "ES256K", kid: keypair.did(), typ: TYPE };
  const signed = `${encode(header)}.${encode(claims)}`;
  const signature = await keypair.sign(Buffer.from(signed));
  return `${signed}.${Buffer.from(signature).toString("base64url")}`;
}

/**
 * `malformed`: it is no proof. `no-key`: whom it names as issuer has no label key, or is not there. `rotated`: it is signed by the
 * key that it names, and the DID document names another now. `forged`: the signature does not fit.
 */
export type Verified =
  | { ok: true; claims: ProofClaims }
  | { ok: false; why: "malformed"; detail: string }
  | { ok: false; why: "no-key" | "forged"; claims: ProofClaims }
  | { ok: false; why: "rotated"; claims: ProofClaims; signedBy: string; keyNow: string };

/** `keyOf`: the did:key of `#atproto_label` in the DID document of an issuer. */
export async function verifyProof(
  text: string,
  keyOf: (issuer: string) => Promise<string | undefined>,
): Promise<Verified> {
  const read = readProof(text);
  if ("detail" in read) return { ok: false, why: "malformed", detail: read.detail };
  const { claims, header, signed, signature } = read;
  const keyNow = await keyOf(claims.iss);
  if (keyNow === undefined) return { ok: false, why: "no-key", claims };
  if (await isSignedBy(keyNow, signed, signature)) return { ok: true, claims };
  if (header.kid !== keyNow && (await isSignedBy(header.kid, signed, signature)))
    return { ok: false, why: "rotated", claims, signedBy: header.kid, keyNow };
  return { ok: false, why: "forged", claims };
}

type Read = {
  claims: ProofClaims;
  header: z.infer<typeof Header>;
  signed: string;
  signature: Buffer;
};

function readProof(text: string): Read | { detail: string } {
  const compact = text.trim();
  if (compact.length > MOST_CHARS) return { detail: "it is longer than any proof" };
  const parts = compact.split(".");
  if (parts.length !== 3) return { detail: "it is no JWS: three parts with dots between are expected" };
  const bytes = parts.map(decode);
  const [head, body, signature] = bytes;
  if (!head || !body || !signature || signature.length !== 64)
    return { detail: "a part is not base64url as it should be" };
  const header = Header.safeParse(jsonOf(head));
  if (!header.success) return { detail: `its header is not that of a proof (alg ES256K, typ ${TYPE})` };
  const claims = ProofClaims.safeParse(jsonOf(body));
  if (!claims.success) return { detail: "its claims are not those of a proof of this version" };
  return { claims: claims.data, header: header.data, signed: `${parts[0]}.${parts[1]}`, signature };
}

/** Undefined unless it is the one encoding of its bytes. */
function decode(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, "base64url");
  return bytes.toString("base64url") === part ? bytes : undefined;
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

async function isSignedBy(didKey: string, signed: string, signature: Buffer): Promise<boolean> {
  try {
    return await verifySignature(didKey, Buffer.from(signed), signature, { jwtAlg: "ES256K" });
  } catch {
    // It is no key, or one of another algorithm.
    return false;
  }
}
