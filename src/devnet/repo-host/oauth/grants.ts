import { randomBytes } from "node:crypto";
import { OAuthFault } from "./fault.ts";
import { sha256 } from "./jws.ts";

/** What a client pushed, until somebody decides about it. */
export type PushedRequest = {
  clientId: string;
  clientName: string;
  redirectUri: string;
  responseMode: "query" | "fragment";
  state: string | undefined;
  scope: string;
  /** S256 of the verifier. */
  challenge: string;
  loginHint: string | undefined;
  prompt: string | undefined;
} & ClientProof;

/** Who holds the code and the tokens: the thumbprint of its DPoP key, and the id of the key it authenticates with. */
export type ClientProof = { jkt: string; authKey: string | undefined };

/** A person's consent, with the tokens that stand for it now. */
export type Grant = {
  did: string;
  clientId: string;
  scope: string;
  access: string;
  /** ms since the epoch. */
  accessEnds: number;
  refresh: string;
} & ClientProof;

type Code = { request: PushedRequest; did: string; ends: number; grant?: Grant };

export type Grants = ReturnType<typeof createGrants>;

export const REQUEST_MS = 5 * 60_000;
export const ACCESS_MS = 15 * 60_000;
const CODE_MS = 60_000;
const MOST = 1_000;
const URI_PREFIX = "urn:ietf:params:oauth:request_uri:";

const random = () => randomBytes(32).toString("base64url");

/** Requests, codes and tokens. They are in memory: a restart of the host ends every session. */
export function createGrants(now: () => number) {
  const requests = new Map<string, { request: PushedRequest; ends: number }>();
  const codes = new Map<string, Code>();
  const grants = new Set<Grant>();
  /** Refresh tokens that were used, of grants that go on. */
  const spent = new Map<string, Grant>();

  function end(grant: Grant): void {
    grants.delete(grant);
    for (const [token, one] of spent) if (one === grant) spent.delete(token);
  }

  function renew(grant: Grant): Grant {
    return Object.assign(grant, {
      access: `access-${random()}`,
      accessEnds: now() + ACCESS_MS,
      refresh: `refresh-${random()}`,
    });
  }

  return {
    push(request: PushedRequest): string {
      const uri = `${URI_PREFIX}${random()}`;
      keep(requests, uri, { request, ends: now() + REQUEST_MS });
      return uri;
    },
    pushed(uri: string): PushedRequest | undefined {
      const found = requests.get(uri);
      return found && found.ends > now() ? found.request : undefined;
    },
    /** Nobody can decide about it again. */
    forget(uri: string): void {
      requests.delete(uri);
    },
    codeFor(request: PushedRequest, did: string): string {
      const code = `code-${random()}`;
      keep(codes, code, { request, did, ends: now() + CODE_MS });
      return code;
    },
    /** A code is good once; when it comes again, what it brought ends (RFC 6749 section 4.1.2). Throws `invalid_grant`. */
    redeem(
      code: string,
      by: { clientId: string; redirectUri: string; verifier: string } & ClientProof,
    ): Grant {
      const found = codes.get(code);
      if (found?.grant) {
        end(found.grant);
        throw new OAuthFault("invalid_grant", "the code was used before; what it brought has ended");
      }
      if (!found || found.ends <= now())
        throw new OAuthFault("invalid_grant", "the code is not known or has ended");
      const { request, did } = found;
      sameClient(request, by);
      if (by.redirectUri !== request.redirectUri)
        throw new OAuthFault("invalid_grant", "another redirect_uri");
      if (sha256(by.verifier) !== request.challenge) {
        throw new OAuthFault("invalid_grant", "the code_verifier is not the one of the challenge");
      }
      const { clientId, scope, jkt, authKey } = request;
      const grant = renew({ did, clientId, scope, jkt, authKey, access: "", accessEnds: 0, refresh: "" });
      found.grant = grant;
      grants.add(grant);
      for (const oldest of grants) {
        if (grants.size <= MOST) break;
        end(oldest);
      }
      return grant;
    },
    /** New tokens for a refresh token, which is good once; when it comes again, the grant ends. Throws `invalid_grant`. */
    refresh(token: string, by: { clientId: string } & ClientProof): Grant {
      const replayed = spent.get(token);
      if (replayed) {
        end(replayed);
        throw new OAuthFault("invalid_grant", "the refresh token was used before; its session has ended");
      }
      const grant = [...grants].find((one) => one.refresh === token);
      if (!grant) throw new OAuthFault("invalid_grant", "the refresh token is not known");
      sameClient(grant, by);
      keep(spent, token, grant);
      return renew(grant);
    },
    byAccess(token: string): Grant | undefined {
      return [...grants].find((one) => one.access === token && one.accessEnds > now());
    },
    /** RFC 7009: what is not known is no fault. */
    revoke(token: string, by: { clientId: string }): void {
      const grant = [...grants].find((one) => one.access === token || one.refresh === token);
      if (grant?.clientId === by.clientId) end(grant);
    },
  };
}

function keep<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.set(key, value);
  if (map.size > MOST) map.delete(map.keys().next().value!);
}

function sameClient(
  one: { clientId: string } & ClientProof,
  other: { clientId: string } & ClientProof,
): void {
  if (one.clientId !== other.clientId || one.authKey !== other.authKey) {
    throw new OAuthFault("invalid_grant", "this was given to another client");
  }
  if (one.jkt !== other.jkt)
    throw new OAuthFault("invalid_dpop_proof", "the key is not the one of the grant");
}
