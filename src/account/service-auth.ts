import { verifySignature } from "@atproto/crypto";
import { z } from "zod";

/** Who calls a method with a token that its own server signed. */
export type ServiceCaller =
  | { ok: true; did: string }
  | {
      ok: false;
      error:
        | "AuthMissing"
        | "BadJwt"
        | "JwtExpired"
        | "BadJwtAudience"
        | "BadJwtLexiconMethod"
        | "JwtReplayed"
        | "BadJwtSignature"
        | "Unresolvable";
      message: string;
    };

export type ServiceAuth = ReturnType<typeof createServiceAuth>;

type ServiceAuthParts = {
  /** DID for which tokens must be made. */
  audience: string;
  /** The key that signs for an account now, as a did:key; null: nobody says. */
  keyOf: (did: string) => Promise<string | null>;
  /** Real time, ms since the epoch. */
  now: () => number;
};

const LONGEST_TOKEN = 4_096;
const LONGEST_LIFE_S = 3_600;
/** By how much clocks may differ. */
const SKEW_S = 60;
const MOST_SEEN = 50_000;

const Header = z.looseObject({ alg: z.enum(["ES256K", "ES256"]), typ: z.string().optional() });
const Claims = z.looseObject({
  iss: z.string().regex(/^did:(plc:[a-z2-7]{24}|web:[a-zA-Z0-9.%-]{1,253})$/),
  aud: z.string().max(2_048),
  exp: z.number().int(),
  lxm: z.string().max(317),
});
/** Tokens of other kinds, which a PDS signs with other keys but which look alike. */
const OTHER_KINDS = ["at+jwt", "refresh+jwt", "dpop+jwt"];

const no = (error: Extract<ServiceCaller, { ok: false }>["error"], message: string): ServiceCaller => ({
  ok: false,
  error,
  message,
});

/** Reads the tokens with which programs call in the name of an account (atproto XRPC, "Inter-Service Authentication"). */
export function createServiceAuth({ audience, keyOf, now }: ServiceAuthParts) {
  /** Signatures of tokens that were used, until they end, in s. */
  const seen = new Map<string, number>();

  /** Each token is good for one call of the method that it names. `authorization`: the header, whole. */
  return async function caller(authorization: string | undefined, method: string): Promise<ServiceCaller> {
    const [, token] = /^Bearer ([\w.-]+)$/i.exec(authorization ?? "") ?? [];
    if (token === undefined)
      return no(
        "AuthMissing",
        `Send "Authorization: Bearer" with a token of your server: com.atproto.server.getServiceAuth with aud=${audience} and lxm=${method}.`,
      );
    const [head, body, signature, ...more] = token.length <= LONGEST_TOKEN ? token.split(".") : [];
    if (!head || !body || !signature || more.length > 0)
      return no("BadJwt", "This is no token in compact form.");
    const header = Header.safeParse(jsonIn(head));
    const claims = Claims.safeParse(jsonIn(body));
    if (!header.success || OTHER_KINDS.includes(header.data.typ ?? ""))
      return no("BadJwt", "This token is not one for another service, signed with ES256K or ES256.");
    if (!claims.success) return no("BadJwt", "The token must name iss (a DID), aud, exp and lxm.");
    const { iss, aud, exp, lxm } = claims.data;
    const seconds = Math.floor(now() / 1_000);
    if (exp <= seconds - SKEW_S)
      return no("JwtExpired", "The token has ended: ask for another one, and look at your clock.");
    if (exp > seconds + LONGEST_LIFE_S + SKEW_S)
      return no("BadJwt", "The token lives for longer than an hour.");
    if (aud !== audience)
      return no("BadJwtAudience", `The token is for ${aud.slice(0, 200)}; this is ${audience}.`);
    if (lxm !== method) return no("BadJwtLexiconMethod", `The token is for ${lxm}; this is ${method}.`);
    if (seen.has(signature)) return no("JwtReplayed", "The token was used before: ask for another one.");
    const key = await keyOf(iss).catch(() => null);
    if (key === null) return no("Unresolvable", `${iss} could not be looked up, or names no key: try again.`);
    const isSigned = await isSignedBy(key, header.data.alg, `${head}.${body}`, signature);
    if (!isSigned) return no("BadJwtSignature", `The token is not signed with the key of ${iss}.`);
    if (seen.has(signature)) return no("JwtReplayed", "The token was used before: ask for another one.");
    remember(signature, exp + SKEW_S, seconds);
    return { ok: true, did: iss };
  };

  function remember(signature: string, until: number, seconds: number): void {
    if (seen.size >= MOST_SEEN) for (const [one, ends] of seen) if (ends <= seconds) seen.delete(one);
    const [oldest] = seen.keys();
    if (seen.size >= MOST_SEEN && oldest !== undefined) seen.delete(oldest);
    seen.set(signature, until);
  }
}

/** False also for a key of another kind. */
async function isSignedBy(key: string, jwtAlg: string, text: string, signature: string): Promise<boolean> {
  try {
    return await verifySignature(key, Buffer.from(text), Buffer.from(signature, "base64url"), { jwtAlg });
  } catch {
    return false;
  }
}

function jsonIn(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}
