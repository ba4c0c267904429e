import { z } from "zod";
import { OAuthFault } from "./fault.ts";
import { parseJws, publicJwk, type PublicJwk } from "./jws.ts";
import type { Seen } from "./seen.ts";

/** A client as its client id describes it (atproto OAuth, "Clients"). */
export type Client = {
  id: string;
  name: string;
  redirectUris: string[];
  scopes: string[];
  /** Empty: a public client. */
  keys: PublicJwk[];
  confidential: boolean;
  /** It uses refresh tokens; without that it gets none. */
  refreshes: boolean;
};

/** Gets the text at a URL that a client chose: bounded, without redirects. Rejects when there is none. */
export type FetchText = (url: string) => Promise<string>;

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const OLDEST_S = 300;
const MOST_KEYS = 20;

const jwks = z.object({ keys: z.array(z.unknown()).max(MOST_KEYS) });
const metadata = z.object({
  client_id: z.string(),
  client_name: z.string().max(200).optional(),
  redirect_uris: z.array(z.string().max(2_000)).min(1).max(20),
  scope: z.string().max(2_000),
  grant_types: z.array(z.string()).max(10),
  response_types: z.array(z.string()).max(10),
  dpop_bound_access_tokens: z.literal(true),
  token_endpoint_auth_method: z.enum(["none", "private_key_jwt"]),
  token_endpoint_auth_signing_alg: z.literal("ES256").optional(),
  jwks: jwks.optional(),
  jwks_uri: z.string().max(2_000).optional(),
});

/** Throws `invalid_client_metadata` or `invalid_client`. */
export async function findClient(id: string, fetchText: FetchText): Promise<Client> {
  const client = /^http:\/\/localhost(?=[/?]|$)/.test(id)
    ? loopbackClient(id)
    : await publishedClient(id, fetchText);
  if (!client.scopes.includes("atproto")) throw refused("the client's scope lacks atproto");
  return client;
}

/** The virtual document of a development client: everything stands in its id. */
function loopbackClient(id: string): Client {
  const [, query = ""] = /^http:\/\/localhost\/?(?:\?([^#]*))?$/.exec(id) ?? [];
  const params = new URLSearchParams(query);
  const wellFormed = /^http:\/\/localhost\/?(?:\?[^#]*)?$/.test(id) && params.getAll("scope").length < 2;
  if (!wellFormed || [...params.keys()].some((name) => name !== "scope" && name !== "redirect_uri")) {
    throw refused("a loopback client id is http://localhost with scope and redirect_uri at most");
  }
  const named = params.getAll("redirect_uri");
  if (!named.every(isLoopback)) throw refused("a loopback client is called back on 127.0.0.1 or [::1]");
  return {
    id,
    name: "A program on this machine",
    redirectUris: named.length > 0 ? named : ["http://127.0.0.1/", "http://[::1]/"],
    scopes: (params.get("scope") ?? "atproto").split(" "),
    keys: [],
    confidential: false,
    refreshes: true,
  };
}

function isLoopback(uri: string): boolean {
  const url = URL.parse(uri);
  return url?.protocol === "http:" && (url.hostname === "127.0.0.1" || url.hostname === "[::1]");
}

async function publishedClient(id: string, fetchText: FetchText): Promise<Client> {
  const url = URL.parse(id);
  if (url?.protocol !== "https:" || url.pathname === "/" || url.hash !== "" || url.href !== id) {
    throw refused("a client id is the https URL of its metadata");
  }
  const found = metadata.safeParse(await getJson(id, fetchText));
  if (!found.success) throw refused(`the metadata at ${id}: ${z.prettifyError(found.error)}`);
  const client = found.data;
  if (client.client_id !== id) throw refused(`the metadata at ${id} is of ${client.client_id}`);
  if (!client.grant_types.includes("authorization_code") || !client.response_types.includes("code")) {
    throw refused("the client does not use authorization codes");
  }
  const confidential = client.token_endpoint_auth_method === "private_key_jwt";
  const set = confidential ? await keySet(client, fetchText) : { keys: [] };
  const keys = set.keys.flatMap((key) => publicJwk.safeParse(key).data ?? []);
  if (confidential && keys.length === 0) throw refused("the client publishes no P-256 key");
  return {
    id,
    name: client.client_name ?? url.host,
    redirectUris: client.redirect_uris,
    scopes: client.scope.split(" "),
    keys,
    confidential,
    refreshes: client.grant_types.includes("refresh_token"),
  };
}

async function keySet(client: z.infer<typeof metadata>, fetchText: FetchText): Promise<z.infer<typeof jwks>> {
  if (client.jwks) return client.jwks;
  const uri = client.jwks_uri;
  if (!uri?.startsWith("https://")) throw refused("a confidential client has jwks or an https jwks_uri");
  const found = jwks.safeParse(await getJson(uri, fetchText));
  if (!found.success) throw refused(`there is no key set at ${uri}`);
  return found.data;
}

async function getJson(url: string, fetchText: FetchText): Promise<unknown> {
  try {
    return JSON.parse(await fetchText(url));
  } catch (error) {
    throw refused(`${url} could not be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Equal, but for the port of a loopback address (RFC 8252 section 7.3). */
export function isRedirectOf({ redirectUris }: Client, uri: string): boolean {
  return redirectUris.some((one) => one === uri || (portless(one) ?? "-") === portless(uri));
}

function portless(uri: string): string | undefined {
  const url = URL.parse(uri);
  return url && isLoopback(uri) ? `${url.hostname}${url.pathname}${url.search}` : undefined;
}

export type Assertion = { client_assertion_type?: string | undefined; client_assertion?: string | undefined };

/**
 * The id of the key by which a confidential client proved itself (RFC 7523 section 3), undefined for a public client.
 * Throws `invalid_client`.
 */
export function authenticate(
  client: Client,
  assertion: Assertion,
  at: { issuer: string; now: number; seen: Seen },
): string | undefined {
  if (!client.confidential) return undefined;
  if (assertion.client_assertion_type !== ASSERTION_TYPE) throw unproven("private_key_jwt is required");
  const jws = parseJws(assertion.client_assertion ?? "");
  if (!jws) throw unproven("client_assertion is no ES256 JWT");
  const { iss, sub, aud, exp, iat, jti } = jws.claims;
  const { kid } = jws.header;
  const key = client.keys.find((one) => one.kid !== undefined && one.kid === kid);
  if (!key?.kid) throw unproven("the assertion names no key of the client");
  if (!jws.signedBy(key)) throw unproven("the signature of the assertion does not hold");
  if (iss !== client.id || sub !== client.id) throw unproven("iss and sub are not the client id");
  if (![aud].flat().includes(at.issuer)) throw unproven(`aud is not ${at.issuer}`);
  const seconds = at.now / 1_000;
  const old = typeof iat !== "number" || Math.abs(seconds - iat) > OLDEST_S;
  if (old || typeof exp !== "number" || exp < seconds) throw unproven("the assertion is not of now");
  if (typeof jti !== "string" || !at.seen.first(`${client.id} ${jti}`)) throw unproven("jti was used before");
  return key.kid;
}

function refused(why: string): OAuthFault {
  return new OAuthFault("invalid_client_metadata", why);
}

function unproven(why: string): OAuthFault {
  return new OAuthFault("invalid_client", why, 401);
}
