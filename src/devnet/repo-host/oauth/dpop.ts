import { createHmac, randomBytes } from "node:crypto";
import { OAuthFault } from "./fault.ts";
import { parseJws, publicJwk, sha256, thumbprint } from "./jws.ts";
import { createSeen } from "./seen.ts";

/** A request as its proof must name it. */
export type ProvenRequest = {
  method: string;
  /** Without query and fragment. */
  url: string;
  /** The value of the header `DPoP`. */
  proof: string | undefined;
  /** Sent with it, at a resource server. */
  accessToken?: string;
};

export type Dpop = {
  /** For the header `DPoP-Nonce` of every answer. */
  nonce(): string;
  /** The thumbprint of the key that proved itself. Throws `use_dpop_nonce` or `invalid_dpop_proof`. */
  check(request: ProvenRequest): string;
};

const NONCE_MS = 60_000;
const SKEW_S = 30;
const OLDEST_S = 120;
const MOST_SEEN = 10_000;

/** Proofs of possession (RFC 9449 section 4.3) with nonces of the server (section 8), which change every minute. */
export function createDpop(now: () => number): Dpop {
  const secret = randomBytes(32);
  const seen = createSeen({ now, keepMs: (OLDEST_S + SKEW_S) * 1_000, most: MOST_SEEN });
  const turn = () => Math.floor(now() / NONCE_MS);
  const nonceOf = (count: number) => createHmac("sha256", secret).update(String(count)).digest("base64url");

  return {
    nonce: () => nonceOf(turn()),
    check({ method, url, proof, accessToken }) {
      if (!proof) throw invalid("a DPoP proof is required");
      const jws = parseJws(proof);
      const key = publicJwk.safeParse(jws?.header["jwk"]);
      if (!jws || !key.success || jws.header["typ"] !== "dpop+jwt") {
        throw invalid("the proof is no ES256 dpop+jwt with a public key");
      }
      if (!jws.signedBy(key.data)) throw invalid("the signature does not hold");
      const { htm, htu, iat, jti, nonce, ath } = jws.claims;
      if (htm !== method) throw invalid(`htm is not ${method}`);
      if (typeof htu !== "string" || withoutQuery(htu) !== url) throw invalid(`htu is not ${url}`);
      const age = typeof iat === "number" ? now() / 1_000 - iat : Number.NaN;
      if (!(age >= -SKEW_S && age <= OLDEST_S)) throw invalid("iat is not now");
      if (ath !== (accessToken === undefined ? undefined : sha256(accessToken))) {
        throw invalid("ath does not name the access token");
      }
      if (nonce !== nonceOf(turn()) && nonce !== nonceOf(turn() - 1)) {
        throw new OAuthFault("use_dpop_nonce", "the proof needs the nonce of this answer");
      }
      if (typeof jti !== "string" || !seen.first(jti)) throw invalid("the proof was used before");
      return thumbprint(key.data);
    },
  };
}

function invalid(why: string): OAuthFault {
  return new OAuthFault("invalid_dpop_proof", why);
}

function withoutQuery(text: string): string | undefined {
  const url = URL.parse(text);
  return url ? url.origin + url.pathname : undefined;
}
