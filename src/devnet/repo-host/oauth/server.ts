import { Hono, type Context, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { secureHeaders } from "hono/secure-headers";
import { z } from "zod";
import { assets } from "../../../web/index.ts";
import { isOwnRequest } from "../../own-request.ts";
import type { RepoStore } from "../store.ts";
import {
  authenticate,
  findClient,
  isRedirectOf,
  type Assertion,
  type Client,
  type FetchText,
} from "./client.ts";
import { consentPage, faultPage, peoplePage } from "./consent.tsx";
import type { Dpop } from "./dpop.ts";
import { OAuthFault } from "./fault.ts";
import { ACCESS_MS, REQUEST_MS, type Grant, type Grants, type PushedRequest } from "./grants.ts";
import { createSeen } from "./seen.ts";
import { unknownScope } from "./scope.ts";

export type AuthorizationOptions = {
  /** Origin; this host is its own resource server too. */
  issuer: string;
  store: RepoStore;
  dpop: Dpop;
  grants: Grants;
  fetchText: FetchText;
  /** Real time, as the clients have it; ms since the epoch. */
  now: () => number;
};

const MAX_BODY = 64 * 1024;
const MOST_PEOPLE = 200;
const ASSERTIONS = { keepMs: 10 * 60_000, most: 10_000 };

const text = z.string().max(4_096);
const assertion = { client_assertion_type: text.optional(), client_assertion: text.optional() };
const pushed = z.object({
  client_id: text,
  response_type: z.literal("code"),
  response_mode: z.enum(["query", "fragment"]).default("query"),
  redirect_uri: text,
  scope: text,
  state: text.optional(),
  code_challenge: z.string().length(43),
  code_challenge_method: z.literal("S256"),
  login_hint: text.optional(),
  prompt: text.optional(),
  dpop_jkt: text.optional(),
  ...assertion,
});
const tokenRequest = z.discriminatedUnion("grant_type", [
  z.object({
    grant_type: z.literal("authorization_code"),
    client_id: text,
    code: text,
    redirect_uri: text,
    code_verifier: text,
    ...assertion,
  }),
  z.object({ grant_type: z.literal("refresh_token"), client_id: text, refresh_token: text, ...assertion }),
]);
const revocation = z.object({ client_id: text, token: text, ...assertion });
const decision = z.object({
  client_id: text,
  request_uri: text,
  did: text.default(""),
  decision: z.enum(["allow", "deny"]),
});

/**
 * The authorization server of the host's accounts, as atproto OAuth asks for it: metadata, PAR, PKCE with S256, DPoP
 * with nonces, `private_key_jwt`, a page for consent, tokens that are refreshed once, revocation.
 */
export function authorizationServer(options: AuthorizationOptions): Hono {
  const { issuer, store, dpop, grants, now } = options;
  const app = new Hono();
  const seen = createSeen({ now, ...ASSERTIONS });

  app.get("/.well-known/oauth-protected-resource", (c) =>
    c.json({
      resource: issuer,
      authorization_servers: [issuer],
      scopes_supported: [],
      bearer_methods_supported: ["header"],
    }),
  );
  app.get("/.well-known/oauth-authorization-server", (c) => c.json(metadataOf(issuer)));
  app.get("/oauth/jwks", (c) => c.json({ keys: [] }));

  /** What is asked of a client's own endpoints: a body, a proof, and an answer that nobody keeps. */
  function endpoint<S extends z.ZodType>(
    path: string,
    schema: S,
    status: 200 | 201,
    act: (fields: z.infer<S>, jkt: string) => Promise<object> | object,
  ): void {
    app.post(path, bodyLimit({ maxSize: MAX_BODY }), async (c) => {
      c.header("cache-control", "no-store");
      c.header("dpop-nonce", dpop.nonce());
      try {
        const fields = schema.safeParse(await bodyOf(c));
        if (!fields.success) throw new OAuthFault("invalid_request", z.prettifyError(fields.error));
        const jkt = dpop.check({ method: "POST", url: issuer + path, proof: c.req.header("dpop") });
        return c.json(await act(fields.data, jkt), status);
      } catch (error) {
        if (!(error instanceof OAuthFault)) throw error;
        return c.json({ error: error.error, error_description: error.message }, error.status);
      }
    });
  }

  async function proven(
    fields: { client_id: string } & Assertion,
  ): Promise<{ client: Client; authKey: string | undefined }> {
    const client = await findClient(fields.client_id, options.fetchText);
    return { client, authKey: authenticate(client, fields, { issuer, now: now(), seen }) };
  }

  endpoint("/oauth/par", pushed, 201, async (fields, jkt) => {
    const { client, authKey } = await proven(fields);
    const wrong = faultOfRequest(fields, client, jkt);
    if (wrong) throw wrong;
    const uri = grants.push({
      clientId: client.id,
      clientName: client.name,
      redirectUri: fields.redirect_uri,
      responseMode: fields.response_mode,
      state: fields.state,
      scope: fields.scope,
      challenge: fields.code_challenge,
      loginHint: fields.login_hint,
      prompt: fields.prompt,
      jkt,
      authKey,
    });
    return { request_uri: uri, expires_in: REQUEST_MS / 1_000 };
  });

  endpoint("/oauth/token", tokenRequest, 200, async (fields, jkt) => {
    const { client, authKey } = await proven(fields);
    const by = { clientId: client.id, jkt, authKey };
    if (fields.grant_type === "refresh_token") {
      if (!client.refreshes)
        throw new OAuthFault("unauthorized_client", "the client declares no refresh_token");
      return tokensOf(grants.refresh(fields.refresh_token, by), client);
    }
    const { code, redirect_uri: redirectUri, code_verifier: verifier } = fields;
    return tokensOf(grants.redeem(code, { ...by, redirectUri, verifier }), client);
  });

  endpoint("/oauth/revoke", revocation, 200, async (fields) => {
    const { client } = await proven(fields);
    grants.revoke(fields.token, { clientId: client.id });
    return {};
  });

  /** A form's target is checked along its redirects too, and consent leads to the client. */
  const headers: MiddlewareHandler = (c, next) => {
    const back = grants.pushed(c.req.query("request_uri") ?? "")?.redirectUri;
    const origin = back === undefined ? undefined : URL.parse(back)?.origin;
    return secureHeaders({
      // Without a referrer a browser names no origin when it sends a form over plain HTTP.
      referrerPolicy: "same-origin",
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        scriptSrc: ["'self'"],
        fontSrc: ["'self'"],
        imgSrc: ["'self'"],
        formAction: ["'self'", ...(origin === undefined ? [] : [origin])],
        frameAncestors: ["'none'"],
      },
    })(c, next);
  };
  const pages = new Hono();
  pages.use("/", headers);
  pages.use("/oauth/authorize", headers);
  pages.get("/oauth/authorize", (c) => {
    const { client_id: clientId, request_uri: requestUri = "" } = c.req.query();
    const request = grants.pushed(requestUri);
    if (!request || request.clientId !== clientId) return c.html(faultPage(GONE), 400);
    if (request.prompt === "none") {
      grants.forget(requestUri);
      return c.redirect(
        backTo(request, issuer, refusalOf("login_required", "Somebody has to look at the page")),
        303,
      );
    }
    const people = store.accounts("", MOST_PEOPLE).filter((one) => one.status === "active");
    const isNamed = (one: { did: string; handle: string }) =>
      Number(one.did === request.loginHint || one.handle === request.loginHint);
    const sorted = people.toSorted((a, b) => isNamed(b) - isNamed(a) || a.handle.localeCompare(b.handle));
    return c.html(consentPage({ request, requestUri, people: sorted }));
  });
  pages.post("/oauth/authorize", bodyLimit({ maxSize: MAX_BODY }), async (c) => {
    const fields = decision.safeParse(await c.req.parseBody());
    const request = fields.success ? grants.pushed(fields.data.request_uri) : undefined;
    if (!isOwnRequest(c)) return c.html(faultPage("This was not sent from this page."), 403);
    if (!fields.success || request?.clientId !== fields.data.client_id) return c.html(faultPage(GONE), 400);
    const { decision: decided, did, request_uri: requestUri } = fields.data;
    const account = store.account(did);
    if (decided === "allow" && account?.status !== "active") {
      return c.html(faultPage("There is no such account, or it is not active."), 400);
    }
    grants.forget(requestUri);
    const answer =
      decided === "deny"
        ? refusalOf("access_denied", "The person said no")
        : { code: grants.codeFor(request, did) };
    return c.redirect(backTo(request, issuer, answer), 303);
  });
  pages.get("/", (c) => {
    const people = store.accounts("", MOST_PEOPLE).toSorted((a, b) => a.handle.localeCompare(b.handle));
    return c.html(
      peoplePage(people.map(({ did, handle }) => ({ did, handle, password: store.appPassword(did) }))),
    );
  });
  app.route("/assets", assets());
  app.route("/", pages);

  return app;
}

const GONE = "The request is not known, has ended, or was decided about. Begin again where you came from.";

function faultOfRequest(
  { scope, redirect_uri, dpop_jkt }: z.infer<typeof pushed>,
  client: Client,
  jkt: string,
): OAuthFault | undefined {
  const scopes = scope.split(" ");
  const undeclared = scopes.find((one) => !client.scopes.includes(one));
  const unknown = unknownScope(scope);
  if (!scopes.includes("atproto")) return new OAuthFault("invalid_scope", "the scope lacks atproto");
  if (undeclared)
    return new OAuthFault("invalid_scope", `the client's metadata do not declare ${undeclared}`);
  if (unknown) return new OAuthFault("invalid_scope", `${unknown} is not known here`);
  if (!isRedirectOf(client, redirect_uri)) {
    return new OAuthFault("invalid_request", `${redirect_uri} is no redirect_uri of the client`);
  }
  if (dpop_jkt !== undefined && dpop_jkt !== jkt) {
    return new OAuthFault("invalid_dpop_proof", "dpop_jkt is not the key of the proof");
  }
  return undefined;
}

function tokensOf(grant: Grant, { refreshes }: Client) {
  return {
    access_token: grant.access,
    token_type: "DPoP",
    expires_in: ACCESS_MS / 1_000,
    ...(refreshes ? { refresh_token: grant.refresh } : {}),
    scope: grant.scope,
    sub: grant.did,
  };
}

async function bodyOf(c: Context): Promise<unknown> {
  const json = c.req.header("content-type")?.startsWith("application/json");
  return json ? c.req.json().catch(() => undefined) : c.req.parseBody();
}

function refusalOf(error: string, description: string): Record<string, string> {
  return { error, error_description: description };
}

/** The answer of RFC 6749 section 4.1.2, with the issuer (RFC 9207). */
function backTo(request: PushedRequest, issuer: string, answer: Record<string, string>): string {
  const { redirectUri, responseMode, state } = request;
  const params = { ...answer, iss: issuer, ...(state === undefined ? {} : { state }) };
  const url = new URL(redirectUri);
  if (responseMode === "fragment") url.hash = new URLSearchParams(params).toString();
  else for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
  return url.href;
}

function metadataOf(issuer: string) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/oauth/authorize`,
    token_endpoint: `${issuer}/oauth/token`,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    pushed_authorization_request_endpoint: `${issuer}/oauth/par`,
    jwks_uri: `${issuer}/oauth/jwks`,
    require_pushed_authorization_requests: true,
    scopes_supported: ["atproto"],
    subject_types_supported: ["public"],
    response_types_supported: ["code"],
    response_modes_supported: ["query", "fragment"],
    grant_types_supported: ["authorization_code", "refresh_token"],
    code_challenge_methods_supported: ["S256"],
    token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
    token_endpoint_auth_signing_alg_values_supported: ["ES256"],
    dpop_signing_alg_values_supported: ["ES256"],
    authorization_response_iss_parameter_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: true,
    require_request_uri_registration: true,
    prompt_values_supported: ["none", "login", "consent", "select_account"],
    protected_resources: [issuer],
    client_id_metadata_document_supported: true,
  };
}
