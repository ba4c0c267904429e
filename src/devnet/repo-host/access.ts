import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { Dpop } from "./oauth/dpop.ts";
import { OAuthFault } from "./oauth/fault.ts";
import type { Grants } from "./oauth/grants.ts";
import type { Sessions } from "./passwords.ts";
import { xrpcFault } from "./xrpc-fault.ts";

/** Who calls: a program with an app password, which may do everything here, or a client of OAuth within its scope. */
export type Caller = { did: string; scope?: string };

export type AccessOptions = { issuer: string; dpop: Dpop; grants: Grants; sessions: Sessions };

/** Reads `Authorization`; throws the answer of a resource server (RFC 9449 section 7.1, RFC 6750 section 3). */
export function createAccess({ issuer, dpop, grants, sessions }: AccessOptions) {
  return function callerOf(c: Context): Caller {
    const [, type = "", token = ""] = /^(\w+) (\S+)$/.exec(c.req.header("authorization") ?? "") ?? [];
    if (/^bearer$/i.test(type)) {
      const did = sessions.did(token, "com.atproto.appPass");
      if (did === undefined) throw xrpcFault(401, "InvalidToken", "The token is not known here or has ended");
      return { did };
    }
    if (!/^dpop$/i.test(type)) throw xrpcFault(401, "AuthMissing", "Authentication Required");
    c.header("dpop-nonce", dpop.nonce());
    const grant = grants.byAccess(token);
    try {
      const url = issuer + c.req.path;
      const jkt = dpop.check({ method: c.req.method, url, proof: c.req.header("dpop"), accessToken: token });
      if (!grant) throw new OAuthFault("invalid_token", "the access token is not known or has ended");
      if (grant.jkt !== jkt)
        throw new OAuthFault("invalid_dpop_proof", "the key is not the one of the token");
    } catch (error) {
      if (error instanceof OAuthFault) throw challenge(error, dpop.nonce());
      throw error;
    }
    return { did: grant.did, scope: grant.scope };
  };
}

function challenge({ error, message }: OAuthFault, nonce: string): HTTPException {
  const headers = {
    "www-authenticate": `DPoP algs="ES256", error="${error}", error_description="${message}"`,
    "dpop-nonce": nonce,
  };
  return new HTTPException(401, { res: Response.json({ error, message }, { status: 401, headers }) });
}
