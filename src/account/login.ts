import { createHash, timingSafeEqual } from "node:crypto";
import {
  NodeOAuthClient,
  OAuthCallbackError,
  type NodeSavedSession,
  type NodeSavedState,
  type OAuthSession,
} from "@atproto/oauth-client-node";
import { z } from "zod";
import { secureRandom, type RandomBytes } from "../lib/ids.ts";
import type { Database } from "../platform/database.ts";
import type { SafeFetch } from "../platform/fetch.ts";
import type { Logger } from "../platform/log.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import { ATTEST_SCOPE, clientKeys, clientMetadata, LOGIN_SCOPE } from "./client.ts";
import { resolveHandle } from "./handle.ts";
import { createPending } from "./pending.ts";
import { reasonOf } from "./reason.ts";
import { within } from "./within.ts";

/** What a person agrees to: to be known, or that one record is written into its repository. */
export type Purpose =
  | { kind: "login" }
  | { kind: "attest"; did: string; rkey: string; record: Record<string, unknown> };

/** Where it began: `browser` is the secret in a cookie of the browser that began it, `next` a path of ours. */
export type Begin = { account: string; purpose: Purpose; next: string; browser: string };

export type BeginResult = { url: string } | { error: "not-an-account" | "unreachable"; why: string };

export type FinishResult =
  | { did: string; purpose: "login"; next: string }
  | { did: string; purpose: "attest"; next: string; rkey: string; written: { uri: string; cid: string } }
  | {
      error: "denied" | "other-browser" | "stale" | "other-account" | "not-written" | "failed";
      why: string;
      /** What it was for; null: it is not known here. */
      purpose: Purpose["kind"] | null;
      next: string;
    };

export type LoginOptions = {
  db: Database;
  /** 32 octets; seals what is pending. */
  key: Uint8Array;
  publicUrl: string;
  name: string;
  plcUrl: string;
  /** http and private addresses are allowed (sandbox). */
  allowPrivate: boolean;
  fetch: SafeFetch;
  resolver: Resolver;
  now: () => number;
  log: Logger;
  random?: RandomBytes;
  /** How long others may take for each step of a login: its beginning, its end, the writing. Default 15 s. */
  patienceMs?: number;
};

export type Login = Awaited<ReturnType<typeof createLogin>>;

type State = z.infer<typeof State>;
const State = z.object({
  browser: z.string(),
  next: z.string(),
  /** The account that it was begun for. */
  did: z.string(),
  purpose: z.union([
    z.object({ kind: z.literal("login") }),
    z.object({
      kind: z.literal("attest"),
      did: z.string(),
      rkey: z.string(),
      record: z.record(z.string(), z.unknown()),
    }),
  ]),
});

const COLLECTION = "community.email.attestation";
const ACCOUNT =
  /^(did:(plc:[a-z2-7]{24}|web:[a-zA-Z0-9.%-]{1,253})|([a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{0,62})$/;
const LONGEST_ACCOUNT = 260;
const PATIENCE_MS = 15_000;
/** So long a person waits until its tokens are revoked; what takes longer goes on without it. */
const REVOKE_MS = 3_000;

/**
 * Log-in with atproto OAuth. No token outlives the request in which it was got: it says who somebody is, or writes one
 * record, and is revoked.
 */
export async function createLogin(options: LoginOptions) {
  const {
    db,
    key,
    publicUrl,
    plcUrl,
    allowPrivate,
    fetch,
    resolver,
    now,
    log,
    random = secureRandom,
    patienceMs = PATIENCE_MS,
  } = options;
  const pending = createPending(db, key, now, random);
  const states = pending<NodeSavedState>("state");
  const metadata = clientMetadata(publicUrl, options.name);
  const isConfidential = metadata.token_endpoint_auth_method === "private_key_jwt";
  const keyset = isConfidential ? await clientKeys(db, key, now()) : undefined;
  const client = new NodeOAuthClient({
    clientMetadata: metadata,
    ...(keyset && { keyset }),
    stateStore: states,
    sessionStore: pending<NodeSavedSession>("tokens"),
    allowHttp: allowPrivate,
    plcDirectoryUrl: plcUrl,
    fetch: (input, init) => fetchRequest(fetch, input, init),
    handleResolver: {
      resolve: async (handle, asked) =>
        (await resolveHandle(handle, resolver, wellKnown, asked?.signal)) as `did:plc:${string}` | null,
    },
    requestLock: async (_name, work) => work(),
  });

  async function wellKnown(url: string, signal?: AbortSignal): Promise<string | null> {
    const response = await fetch(url, signal ? { signal } : {});
    return response.ok ? response.text() : null;
  }

  /** Whatever is done with them, the tokens end here. */
  async function withTokens<T>(session: OAuthSession, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      await within(REVOKE_MS, revoke(session)).catch(() => undefined);
    }
  }

  async function revoke(session: OAuthSession): Promise<void> {
    await session.signOut().catch((err: unknown) => log.warn({ err }, "tokens of a login were not revoked"));
  }

  /** What `begin` remembered of the login that an answer belongs to. */
  async function begunBy(params: URLSearchParams): Promise<State | undefined> {
    const saved = await states.get(params.get("state") ?? "");
    return saved && stateIn(saved.appState);
  }

  /** The page on which the account agrees. What is known of an account is asked anew: it may just have been mended. */
  async function authorize(name: string, { purpose, next, browser }: Begin): Promise<URL> {
    const signal = AbortSignal.timeout(patienceMs);
    const { did } = await client.identityResolver.resolve(name, { noCache: true, signal });
    const state = JSON.stringify({ browser: hash(browser), next, did, purpose } satisfies State);
    return client.authorize(did, {
      state,
      scope: purpose.kind === "attest" ? ATTEST_SCOPE : LOGIN_SCOPE,
      signal,
    });
  }

  return {
    metadata,
    /** Public keys, as JWKS; empty of a loopback client. */
    jwks: keyset?.publicJwks ?? { keys: [] },

    /** The page of the person's own server on which it agrees. */
    async begin(asked: Begin): Promise<BeginResult> {
      const name = asked.account
        .trim()
        .replace(/^@/, "")
        .replace(/^at:\/\//, "")
        .toLowerCase();
      if (name.length > LONGEST_ACCOUNT || !ACCOUNT.test(name))
        return { error: "not-an-account", why: "Type a handle like ada.example, or a DID." };
      try {
        const url = await within(patienceMs, authorize(name, asked));
        return { url: url.href };
      } catch (err) {
        log.info({ err, account: name }, "a login did not begin");
        return { error: "unreachable", why: reasonOf(err) };
      }
    },

    /** Ends what `begin` began: `params` is what the other server sent the browser back with. */
    async finish(params: URLSearchParams, browser: string | undefined): Promise<FinishResult> {
      const begun = await begunBy(params);
      if (!begun) return STALE;
      // Nobody is asked anything for a browser that began nothing, and the one that did may still end it.
      if (browser === undefined || !same(begun.browser, hash(browser))) return OTHER_BROWSER;
      const { next, purpose, did } = begun;
      const of = { purpose: purpose.kind, next };
      let session: OAuthSession;
      try {
        const late = (result: { session: OAuthSession }) => void revoke(result.session);
        ({ session } = await within(patienceMs, client.callback(params), late));
      } catch (err) {
        if (err instanceof OAuthCallbackError && err.params.get("error") === "access_denied")
          return { error: "denied", why: "You did not agree, and nothing was done.", ...of };
        log.info({ err }, "a login did not end well");
        return { error: "failed", why: failedAs(reasonOf(err)), ...of };
      }
      return withTokens(session, async (): Promise<FinishResult> => {
        if (session.did !== did)
          return { error: "other-account", why: otherAccount(did, session.did), ...of };
        if (purpose.kind === "login") return { did, purpose: "login", next };
        const answer = await within(patienceMs, write(session, purpose, patienceMs)).catch(
          (err: unknown) => ({ refused: failedAs(reasonOf(err)) }),
        );
        if ("refused" in answer) return { error: "not-written", why: answer.refused, ...of };
        return { did, purpose: "attest", next, rkey: purpose.rkey, written: answer };
      });
    },
  };
}

async function write(
  session: OAuthSession,
  { did, rkey, record }: Extract<Purpose, { kind: "attest" }>,
  patienceMs: number,
): Promise<{ uri: string; cid: string } | { refused: string }> {
  const response = await session.fetchHandler("/xrpc/com.atproto.repo.putRecord", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ repo: did, collection: COLLECTION, rkey, record }),
    signal: AbortSignal.timeout(patienceMs),
  });
  const body = Written.safeParse(await response.json().catch(() => null));
  if (response.ok && body.success && body.data.uri !== undefined && body.data.cid !== undefined)
    return { uri: body.data.uri, cid: body.data.cid };
  const said = body.data?.message ?? (response.ok ? undefined : `status ${response.status}`);
  return { refused: failedAs(said === undefined ? "it did not say what it wrote" : `it said "${said}"`) };
}

const STALE = {
  error: "stale",
  why: "This login has expired, or was used before.",
  purpose: null,
  next: "/",
} as const;

const OTHER_BROWSER = {
  error: "other-browser",
  why: "This login was begun in another browser. Begin it again in this one.",
  purpose: null,
  next: "/",
} as const;

const failedAs = (why: string) =>
  `The server of your account did not do its part: ${why}. Try again; if it stays so, those who run that server can help.`;

const otherAccount = (begun: string, agreed: string) =>
  `You began with the account ${begun}, and agreed as ${agreed}. Try again, with the same account here and there.`;

const Written = z.object({
  uri: z.string().max(1_000).optional(),
  cid: z.string().max(200).optional(),
  message: z.string().max(1_000).optional(),
});

function stateIn(text: string | undefined): State | undefined {
  if (text === undefined) return undefined;
  const state = State.safeParse(JSON.parse(text));
  return state.success ? state.data : undefined;
}

function hash(secret: string): string {
  return createHash("sha256").update(`atmosphere-mail login\n${secret}`).digest("base64url");
}

function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The client library asks with `Request` objects; a guarded fetch takes an address and how to ask it. */
async function fetchRequest(
  fetch: SafeFetch,
  input: Request | string | URL,
  init?: RequestInit,
): Promise<Response> {
  if (!(input instanceof Request)) return fetch(input, init);
  const body = input.body === null ? undefined : await input.arrayBuffer();
  return fetch(input.url, {
    method: input.method,
    headers: input.headers,
    redirect: input.redirect === "manual" ? "manual" : "error",
    signal: input.signal,
    ...(body && { body }),
    ...init,
  });
}
