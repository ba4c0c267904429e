import * as oauth from "oauth4webapi";
import type { Fetch } from "./http.ts";
import type { ConnectedProvider, Failure, Outcome } from "./types.ts";

/** An OAuth 2.0 client of a provider (RFC 6749), for a program on somebody's machine (RFC 8252). */
export type OAuthClient = {
  authorizeUrl: string;
  tokenUrl: string;
  clientId: string;
  /** Google gives desktop programs one, and asks for it although it is no secret; Microsoft's public client has none. */
  clientSecret: string | undefined;
  scope: string;
  /** More of the authorization request. */
  extra: Record<string, string>;
};

/** What a refresh token needs beside it. Kept sealed. */
export type Grant = { clientId: string; clientSecret: string | undefined; refreshToken: string };

export type Endpoints = { authorizeUrl: string; tokenUrl: string };

const OAUTH_ENDPOINTS: Record<ConnectedProvider, Endpoints> = {
  gmail: {
    authorizeUrl: "https://accounts.google.com/o/oauth2/v2/auth",
    tokenUrl: "https://oauth2.googleapis.com/token",
  },
  microsoft: {
    authorizeUrl: "https://login.microsoftonline.com/consumers/oauth2/v2.0/authorize",
    tokenUrl: "https://login.microsoftonline.com/consumers/oauth2/v2.0/token",
  },
};

/** The public client of the SNDS portal itself: only tokens for it open its API, so nothing is registered. */
export const SNDS_CLIENT_ID = "a53a6cc1-a1cd-46f7-a4aa-281cdabec33c";

export function oauthClient(
  provider: ConnectedProvider,
  credentials: { clientId: string; clientSecret?: string | undefined },
  endpoints: Endpoints = OAUTH_ENDPOINTS[provider],
): OAuthClient {
  const { clientId, clientSecret } = credentials;
  if (provider === "microsoft") {
    const scope = `${SNDS_CLIENT_ID}/.default offline_access`;
    return { ...endpoints, clientId, clientSecret, scope, extra: { prompt: "select_account" } };
  }
  return {
    ...endpoints,
    clientId,
    clientSecret,
    scope: "https://www.googleapis.com/auth/postmaster.traffic.readonly",
    // Without these Google gives no refresh token to somebody who has agreed before.
    extra: { access_type: "offline", prompt: "consent" },
  };
}

export type Begun = { url: string; state: string; verifier: string };

/** Where a person agrees, with PKCE (RFC 7636). */
export async function beginAuthorization(client: OAuthClient, redirectUri: string): Promise<Begun> {
  const state = oauth.generateRandomState();
  const verifier = oauth.generateRandomCodeVerifier();
  const url = new URL(client.authorizeUrl);
  const parameters = {
    response_type: "code",
    client_id: client.clientId,
    redirect_uri: redirectUri,
    scope: client.scope,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    ...client.extra,
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return { url: url.href, state, verifier };
}

/** With what came back to `redirectUri`: the code for a refresh token. Whatever is not of this request is refused. */
export async function finishAuthorization(
  client: OAuthClient,
  fetch: Fetch,
  begun: Begun,
  redirectUri: string,
  callback: URL,
): Promise<Outcome<Grant>> {
  const server = serverOf(client, callback.searchParams.get("iss"));
  const about = { client_id: client.clientId };
  try {
    const given = oauth.validateAuthResponse(server, about, callback, begun.state);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      about,
      authOf(client),
      given,
      redirectUri,
      begun.verifier,
      optionsOf(fetch),
    );
    const tokens = await oauth.processAuthorizationCodeResponse(server, about, response);
    if (tokens.refresh_token === undefined)
      return {
        ok: false,
        kind: "malformed",
        why: "There is no refresh token in the answer: take this program's access back in your account's settings, and begin again.",
      };
    const { clientId, clientSecret } = client;
    return { ok: true, value: { clientId, clientSecret, refreshToken: tokens.refresh_token } };
  } catch (error) {
    return failureOf(error);
  }
}

/** A refresh token that the provider has taken back is `broken`. Some providers give a new one each time. */
export async function refresh(
  client: OAuthClient,
  fetch: Fetch,
  refreshToken: string,
): Promise<Outcome<{ accessToken: string; refreshToken: string }>> {
  const server = serverOf(client, null);
  const about = { client_id: client.clientId };
  try {
    const response = await oauth.refreshTokenGrantRequest(
      server,
      about,
      authOf(client),
      refreshToken,
      optionsOf(fetch, { scope: client.scope }),
    );
    const tokens = await oauth.processRefreshTokenResponse(server, about, response);
    return {
      ok: true,
      value: { accessToken: tokens.access_token, refreshToken: tokens.refresh_token ?? refreshToken },
    };
  } catch (error) {
    return failureOf(error);
  }
}

/** The issuer is only compared with an `iss` (RFC 9207) and with ID tokens, for which nothing here asks. */
function serverOf(client: OAuthClient, issuer: string | null): oauth.AuthorizationServer {
  return {
    issuer: issuer ?? new URL(client.tokenUrl).origin,
    authorization_endpoint: client.authorizeUrl,
    token_endpoint: client.tokenUrl,
  };
}

const authOf = ({ clientSecret }: OAuthClient) =>
  clientSecret === undefined ? oauth.None() : oauth.ClientSecretPost(clientSecret);

/** Which URLs may be asked is for `fetch` to say: that of production takes https alone. */
function optionsOf(fetch: Fetch, more: Record<string, string> = {}): oauth.TokenEndpointRequestOptions {
  return {
    additionalParameters: more,
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: (url, init) => fetch(url, { ...init, redirect: "error" } as RequestInit),
  };
}

/** RFC 6749 section 5.2. What no new login mends is not `broken`. */
const PASSING = new Set(["temporarily_unavailable", "server_error", "slow_down"]);

function failureOf(error: unknown): Failure {
  if (error instanceof oauth.ResponseBodyError) {
    const why = `${error.error}${error.error_description ? `: ${error.error_description.slice(0, 300)}` : ""}`;
    if (error.status === 429) return { ok: false, kind: "limited", why };
    return {
      ok: false,
      kind: PASSING.has(error.error) || error.status >= 500 ? "unavailable" : "broken",
      why,
    };
  }
  if (error instanceof oauth.AuthorizationResponseError) {
    const said = error.error_description ?? error.error;
    return { ok: false, kind: "broken", why: `It was not agreed to: ${said.slice(0, 300)}` };
  }
  const { message, cause } = error as Error;
  const status = cause instanceof Response ? cause.status : undefined;
  if (status !== undefined && status !== 200)
    return {
      ok: false,
      kind: status === 429 ? "limited" : "unavailable",
      why: `The token endpoint answered ${status}`,
    };
  const kind = error instanceof oauth.OperationProcessingError ? "malformed" : "unavailable";
  return { ok: false, kind, why: message.slice(0, 300) };
}
