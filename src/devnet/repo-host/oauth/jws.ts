import { createHash, createPublicKey, verify, type JsonWebKey } from "node:crypto";
import { z } from "zod";

/** The public part of a P-256 key (RFC 7518 section 6.2). A private part makes it none. */
export const publicJwk = z.object({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: z.string().max(64),
  y: z.string().max(64),
  kid: z.string().max(200).optional(),
  d: z.undefined().optional(),
});
export type PublicJwk = z.infer<typeof publicJwk>;

export type Jws = {
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
  /** False also for a key that is no point of the curve. */
  signedBy(key: PublicJwk): boolean;
};

const LONGEST = 8 * 1024;
const object = z.record(z.string(), z.unknown());

/** A JWS in compact form, of ES256 only (RFC 7515 section 7.1); undefined for anything else. Nothing is verified yet. */
export function parseJws(text: string): Jws | undefined {
  const parts = text.split(".");
  const [head, body, signature] = parts;
  if (text.length > LONGEST || parts.length !== 3 || !head || !body || !signature) return undefined;
  const header = objectIn(head);
  const claims = objectIn(body);
  if (!header || !claims || header["alg"] !== "ES256") return undefined;
  return {
    header,
    claims,
    signedBy(key) {
      try {
        const { kty, crv, x, y } = key;
        const jwk: JsonWebKey = { kty, crv, x, y };
        const publicKey = createPublicKey({ key: jwk, format: "jwk" });
        const options = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
        return verify("sha256", Buffer.from(`${head}.${body}`), options, Buffer.from(signature, "base64url"));
      } catch {
        return false;
      }
    },
  };
}

function objectIn(part: string): Record<string, unknown> | undefined {
  try {
    return object.safeParse(JSON.parse(Buffer.from(part, "base64url").toString("utf8"))).data;
  } catch {
    return undefined;
  }
}

/** A header or claims as a part of a JWS. */
export function jwsPart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** RFC 7638. */
export function thumbprint({ crv, kty, x, y }: PublicJwk): string {
  return sha256(JSON.stringify({ crv, kty, x, y }));
}

/** Base64url of the SHA-256, as PKCE and `ath` have it. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
