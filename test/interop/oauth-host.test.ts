import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { NodeOAuthClient, type NodeSavedSession, type NodeSavedState } from "@atproto/oauth-client-node";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { plcMigration, startPlc } from "../../src/devnet/plc.ts";
import { repoHostMigration, startRepoHost } from "../../src/devnet/repo-host/index.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Database } from "../../src/platform/database.ts";
import { startChromium, type Chromium } from "./servers/chromium.ts";
import { consentAtPds, consentAtSandbox } from "./servers/consent.ts";
import { startPds } from "./servers/pds.ts";
import type { Server } from "./servers/process.ts";

const HANDLE = "ada.test";
const PASSWORD = "pass-word-1";
const NSID = "community.email.attestation";
const SCOPE = `atproto repo:${NSID}`;

type Host = Server & {
  url: string;
  plcUrl: string;
  did: string;
  /** Consents that stand. */
  grants?(): number;
  consent(page: Page, allow: boolean): Promise<void>;
};

async function realHost(): Promise<Host> {
  const pds = await startPds();
  const { did } = await pds.createAccount(HANDLE, "ada@ada.test", PASSWORD);
  const consent: Host["consent"] = (page, allow) =>
    consentAtPds(page, { password: PASSWORD, decision: allow ? "Authorize" : "Deny access" });
  return { ...pds, url: pds.pdsUrl, did, consent };
}

async function sandboxHost(): Promise<Host> {
  await using stack = new AsyncDisposableStack();
  const db = new Database(":memory:", [plcMigration, repoHostMigration]);
  stack.defer(() => db.close());
  const at = { db, clock: systemClock, host: "127.0.0.1", port: 0 };
  const plc = await startPlc(at);
  stack.defer(() => plc.close());
  const repos = await startRepoHost({ ...at, plcUrl: plc.url });
  stack.defer(() => repos.close());
  const { did } = await repos.createAccount({ handle: HANDLE });
  await repos.createAccount({ handle: "ben.test" });
  const consent: Host["consent"] = (page, allow) =>
    consentAtSandbox(page, { handle: HANDLE, decision: allow ? "Allow" : "Deny" });
  const owned = stack.move();
  const stop = () => owned.disposeAsync();
  return { url: repos.url, plcUrl: plc.url, did, consent, stop, [Symbol.asyncDispose]: stop };
}

function storeOf<V>() {
  const kept = new Map<string, V>();
  return {
    kept,
    get: async (key: string) => kept.get(key),
    set: async (key: string, value: V) => void kept.set(key, value),
    del: async (key: string) => void kept.delete(key),
  };
}

/** Where the browser comes back to. */
async function startCallback() {
  const server = createServer((_request, response) => response.end("Back"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/oauth/callback`;
  return { url, stop, [Symbol.asyncDispose]: stop };
}

/** The error of a promise, as a client of OAuth names it. */
async function errorOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    const { error: name, params } = error as { error?: string; params?: URLSearchParams };
    return name ?? params?.get("error") ?? "some";
  }
}

/** What a client hears from a host, step by step. */
async function answersOf(host: Host, chromium: Chromium): Promise<Record<string, unknown>> {
  await using callback = await startCallback();
  const sessions = storeOf<NodeSavedSession>();
  const clientOf = (scope: string) =>
    new NodeOAuthClient({
      clientMetadata: {
        client_id: `http://localhost?${new URLSearchParams({ redirect_uri: callback.url, scope: SCOPE })}`,
        redirect_uris: [callback.url],
        scope,
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        application_type: "native",
        token_endpoint_auth_method: "none",
        dpop_bound_access_tokens: true,
      },
      stateStore: storeOf<NodeSavedState>(),
      sessionStore: sessions,
      allowHttp: true,
      plcDirectoryUrl: host.plcUrl,
      handleResolver: host.url,
      requestLock: async (_name, work) => work(),
    });
  const client = clientOf(SCOPE);

  /** The query with which the browser comes back. */
  async function browse(allow: boolean): Promise<URLSearchParams> {
    const url = (await client.authorize(HANDLE, { state: "mine" })).href;
    return chromium.visit(url, {}, async (page) => {
      await page.goto(url);
      await host.consent(page, allow);
      return new URL(page.url()).searchParams;
    });
  }

  const told: Record<string, unknown> = {};
  const more = `${SCOPE} repo:app.bsky.feed.post`;
  told["a scope that is not declared"] = await errorOf(clientOf(more).authorize(HANDLE, { scope: more }));
  told["no atproto in the scope"] = await errorOf(client.authorize(HANDLE, { scope: `repo:${NSID}` }));
  told["denied"] = await errorOf(client.callback(await browse(false)));

  const back = await browse(true);
  told["parameters"] = [...back.keys()].toSorted();
  told["issuer"] = back.get("iss") === host.url;
  const { session, state } = await client.callback(back);
  told["who"] = [session.did === host.did, state];
  expect(host.grants?.() ?? 1).toBe(1);

  async function ask(method: string, body?: object): Promise<unknown[]> {
    const response = await session.fetchHandler(`/xrpc/${method}`, {
      ...(body && {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    return response.ok ? [200, Object.keys(answer).toSorted()] : [response.status, answer["error"]];
  }
  const put = "com.atproto.repo.putRecord";
  const place = { repo: host.did, collection: NSID, rkey: HANDLE };
  const record = { $type: NSID, domain: HANDLE, createdAt: "2026-01-01T00:00:00.000Z" };
  told["a record"] = await ask(put, { ...place, record });
  told["by handle"] = await ask(put, { ...place, repo: HANDLE, record });
  told["another collection"] = await ask(put, { ...place, collection: "app.bsky.graph.block", record });
  told["another type"] = await ask(put, { ...place, record: { ...record, $type: "app.bsky.graph.block" } });
  told["a bad key"] = await ask(put, { ...place, rkey: "a b", record });
  const other = { ...record, domain: "ben.test" };
  told["a swap over nothing, unchanged"] = await ask(put, { ...place, record, swapRecord: null });
  told["a swap over nothing"] = await ask(put, { ...place, record: other, swapRecord: null });
  told["a service token"] = await ask("com.atproto.server.getServiceAuth?aud=did:web:a.test&lxm=a.b.c");
  told["away again"] = await ask("com.atproto.repo.deleteRecord", place);
  told["away twice"] = await ask("com.atproto.repo.deleteRecord", place);

  const first = structuredClone(sessions.kept.get(host.did)!);
  await client.restore(host.did, true);
  const second = structuredClone(sessions.kept.get(host.did)!);
  sessions.kept.set(host.did, first);
  told["a refresh token again"] = await errorOf(client.restore(host.did, true));
  sessions.kept.set(host.did, second);
  told["and then the other"] = await errorOf(client.restore(host.did, true));

  const last = (await client.callback(await browse(true))).session;
  const kept = structuredClone(sessions.kept.get(host.did)!);
  await last.signOut();
  sessions.kept.set(host.did, kept);
  const gone = await (
    await client.restore(host.did, false)
  ).fetchHandler("/xrpc/com.atproto.server.getSession");
  told["after revocation"] = [
    gone.status,
    gone.headers.get("www-authenticate")?.match(/error="([^"]*)"/)?.[1],
  ];
  expect(host.grants?.() ?? 0).toBe(0);
  return told;
}

test("a client hears the same from the sandbox's repository host as from a PDS, in a browser", async () => {
  await using pds = await realHost();
  await using sandbox = await sandboxHost();
  await using chromium = await startChromium();
  const expected = await answersOf(pds, chromium);
  expect(expected).toMatchObject({ denied: "access_denied", issuer: true, who: [true, "mine"] });
  expect(await answersOf(sandbox, chromium)).toEqual(expected);
});
