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
};

export type Login = Awaited<ReturnType<typeof createLogin>>;

const State = z.object({
  browser: z.string(),
  next: z.string(),
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
/** From a press of the button to the page of the person's own server. */
const BEGIN_MS = 15_000;
const WRITE_MS = 15_000;

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
  } = options;
  const pending = createPending(db, key, now, random);
  const metadata = clientMetadata(publicUrl, options.name);
  const isConfidential = metadata.token_endpoint_auth_method === "private_key_jwt";
  const keyset = isConfidential ? await clientKeys(db, key, now()) : undefined;
  const client = new NodeOAuthClient({
    clientMetadata: metadata,
    ...(keyset && { keyset }),
    stateStore: pending<NodeSavedState>("state"),
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
      await session
        .signOut()
        .catch((err: unknown) => log.warn({ err }, "tokens of a login were not revoked"));
    }
  }

  return {
    metadata,
    /** Public keys, as JWKS; empty of a loopback client. */
    jwks: keyset?.publicJwks ?? { keys: [] },

    /** The page of the person's own server on which it agrees. */
    async begin({ account, purpose, next, browser }: Begin): Promise<BeginResult> {
      const name = account
        .trim()
        .replace(/^@/, "")
        .replace(/^at:\/\//, "")
        .toLowerCase();
      if (name.length > LONGEST_ACCOUNT || !ACCOUNT.test(name))
        return { error: "not-an-account", why: "Type a handle like ada.example, or a DID." };
      const state = JSON.stringify({ browser: hash(browser), next, purpose });
      try {
        const url = await client.authorize(name, {
          state,
          scope: purpose.kind === "attest" ? ATTEST_SCOPE : LOGIN_SCOPE,
          signal: AbortSignal.timeout(BEGIN_MS),
        });
        return { url: url.href };
      } catch (err) {
        log.info({ err, account: name }, "a login did not begin");
        return { error: "unreachable", why: reasonOf(err) };
      }
    },

    /** Ends what `begin` began: `params` is what the other server sent the browser back with. */
    async finish(params: URLSearchParams, browser: string | undefined): Promise<FinishResult> {
      let result: { session: OAuthSession; state: string | null };
      try {
        result = await client.callback(params);
      } catch (err) {
        return failure(err);
      }
      const { session } = result;
      const state = stateIn(result.state);
      return withTokens(session, async (): Promise<FinishResult> => {
        if (!state) return { ...STALE, next: "/" };
        const { next, purpose } = state;
        if (browser === undefined || !same(state.browser, hash(browser)))
          return {
            error: "other-browser",
            why: "This login was begun in another browser.",
            purpose: null,
            next: "/",
          };
        if (purpose.kind === "login") return { did: session.did, purpose: "login", next };
        if (purpose.did !== session.did) {
          const why = `The record belongs into the repository of ${purpose.did}, and you agreed as ${session.did}.`;
          return { error: "other-account", why, purpose: "attest", next };
        }
        const answer = await write(session, purpose).catch((err: unknown) => ({ refused: reasonOf(err) }));
        if ("refused" in answer)
          return { error: "not-written", why: answer.refused, purpose: "attest", next };
        return { did: session.did, purpose: "attest", next, rkey: purpose.rkey, written: answer };
      });
    },
  };

  function failure(err: unknown): FinishResult {
    const state = err instanceof OAuthCallbackError ? stateIn(err.state ?? null) : undefined;
    const isDenial = err instanceof OAuthCallbackError && err.params.get("error") === "access_denied";
    if (!isDenial) log.info({ err }, "a login did not end well");
    if (!state) return { ...STALE, next: "/" };
    const of = { purpose: state.purpose.kind, next: state.next };
    if (isDenial) return { error: "denied", why: "You did not agree, and nothing was done.", ...of };
    return { error: "failed", why: reasonOf(err), ...of };
  }
}

async function write(
  session: OAuthSession,
  { did, rkey, record }: Extract<Purpose, { kind: "attest" }>,
): Promise<{ uri: string; cid: string } | { refused: string }> {
  const response = await session.fetchHandler("/xrpc/com.atproto.repo.putRecord", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ repo: did, collection: COLLECTION, rkey, record }),
    signal: AbortSignal.timeout(WRITE_MS),
  });
  const body = Written.safeParse(await response.json().catch(() => null));
  if (response.ok && body.success && body.data.uri !== undefined && body.data.cid !== undefined)
    return { uri: body.data.uri, cid: body.data.cid };
  return { refused: body.data?.message ?? `status ${response.status}` };
}

const STALE = {
  error: "stale",
  why: "This login has expired, or was used before.",
  purpose: null,
} as const;

const Written = z.object({
  uri: z.string().max(1_000).optional(),
  cid: z.string().max(200).optional(),
  message: z.string().max(1_000).optional(),
});

function stateIn(text: string | null): z.infer<typeof State> | undefined {
  if (text === null) return undefined;
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

/** The innermost reason, in one bounded line. */
function reasonOf(err: unknown): string {
  let inner = err;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  const text = inner instanceof Error ? inner.message : String(inner);
  return text.replaceAll(/\s+/g, " ").slice(0, 300);
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
