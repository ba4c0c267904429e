import { DidResolver } from "@atproto/identity";
import { JoseKey, Keyset, NodeOAuthClient } from "@atproto/oauth-client-node";
import type { NodeSavedSession, NodeSavedState, OAuthClientMetadataInput } from "@atproto/oauth-client-node";
import { afterEach, describe, expect, it } from "vitest";
import { MovableClock } from "../../lib/clock.ts";
import { Database } from "../../platform/database.ts";
import { plcMigration, startPlc } from "../plc.ts";
import { repoHostMigration, startRepoHost } from "./index.ts";

const NSID = "community.email.attestation";
const CALLBACK = "http://127.0.0.1:9/oauth/callback";
const WRITE = `atproto repo:${NSID}`;

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

type Published = Record<string, unknown>;

async function devnet() {
  const clock = new MovableClock(1_800_000_000_000);
  /** What clients publish, by URL. */
  const web = new Map<string, Published>();
  let ahead = 0;
  const db = new Database(":memory:", [plcMigration, repoHostMigration]);
  open.push(db);
  const plc = await startPlc({ db, clock, host: "127.0.0.1", port: 0 });
  open.push(plc);
  const host = await startRepoHost({
    db,
    clock,
    host: "127.0.0.1",
    port: 0,
    plcUrl: plc.url,
    now: () => Date.now() + ahead,
    fetchText: async (url) => {
      const found = web.get(url);
      if (!found) throw new Error("status 404");
      return JSON.stringify(found);
    },
  });
  open.push(host);
  const { did } = await host.createAccount({ handle: "alder.test" });
  return { host, did, web, plcUrl: plc.url, pass: (ms: number) => void (ahead += ms) };
}

type World = Awaited<ReturnType<typeof devnet>>;

function storeOf<V>() {
  const kept = new Map<string, V>();
  return {
    kept,
    get: async (key: string) => kept.get(key),
    set: async (key: string, value: V) => void kept.set(key, value),
    del: async (key: string) => void kept.delete(key),
  };
}

function clientOf({ host, plcUrl }: World, clientMetadata: OAuthClientMetadataInput, keyset?: Keyset) {
  const states = storeOf<NodeSavedState>();
  const sessions = storeOf<NodeSavedSession>();
  const client = new NodeOAuthClient({
    clientMetadata,
    ...(keyset && { keyset }),
    stateStore: states,
    sessionStore: sessions,
    allowHttp: true,
    plcDirectoryUrl: plcUrl,
    handleResolver: host.url,
    requestLock: async (_name, work) => work(),
  });
  return { client, states, sessions };
}

function loopbackClient(world: World, scope = "atproto") {
  return clientOf(world, {
    client_id: `http://localhost?${new URLSearchParams({ redirect_uri: CALLBACK, scope })}`,
    redirect_uris: [CALLBACK],
    scope,
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    application_type: "native",
    token_endpoint_auth_method: "none",
    dpop_bound_access_tokens: true,
  });
}

async function confidentialClient(world: World, published: Published = {}) {
  const keyset = new Keyset([await JoseKey.generate(["ES256"], "key-1")]);
  const metadata = {
    client_id: "https://mail.coop.test/oauth/client-metadata.json",
    client_name: "A mail cooperative",
    redirect_uris: ["https://mail.coop.test/oauth/callback"],
    scope: WRITE,
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_signing_alg: "ES256",
    dpop_bound_access_tokens: true,
    jwks_uri: "https://mail.coop.test/oauth/jwks.json",
  } as const;
  world.web.set(metadata.client_id, { ...metadata, ...published });
  world.web.set(metadata.jwks_uri, { keys: keyset.publicJwks.keys });
  return clientOf(
    world,
    {
      ...metadata,
      redirect_uris: [...metadata.redirect_uris],
      grant_types: [...metadata.grant_types],
      response_types: [...metadata.response_types],
    },
    keyset,
  );
}

/** What a browser shows, and what it sends when somebody presses a button there. */
async function consent(
  url: URL,
  did: string,
  decision: "allow" | "deny" = "allow",
  origin = url.origin,
): Promise<{ page: string; status: number; back: URLSearchParams }> {
  const shown = await fetch(url);
  const page = await shown.text();
  const body = new URLSearchParams({
    client_id: url.searchParams.get("client_id") ?? "",
    request_uri: url.searchParams.get("request_uri") ?? "",
    did,
    decision,
  });
  const answer = await fetch(`${url.origin}${url.pathname}`, {
    method: "POST",
    redirect: "manual",
    headers: { origin },
    body,
  });
  const location = answer.headers.get("location");
  const back = location === null ? new URLSearchParams() : new URL(location).searchParams;
  return { page, status: answer.status, back };
}

async function logIn(world: World, made = loopbackClient(world, WRITE), scope = WRITE) {
  const url = await made.client.authorize("alder.test", { scope, state: "mine" });
  const { back } = await consent(url, world.did);
  return { ...made, ...(await made.client.callback(back)) };
}

async function write(
  session: { fetchHandler(path: string, init?: RequestInit): Promise<Response> },
  body: object,
) {
  const response = await session.fetchHandler("/xrpc/com.atproto.repo.putRecord", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function recordsOf({ host, did }: World): Promise<number> {
  const query = new URLSearchParams({ repo: did, collection: NSID });
  const response = await fetch(`${host.url}/xrpc/com.atproto.repo.listRecords?${query}`);
  return ((await response.json()) as { records: unknown[] }).records.length;
}

describe("the official client", () => {
  it("logs a person in as a loopback client, by handle, and its tokens end when they are revoked", async () => {
    const world = await devnet();
    const { client, session, state, sessions } = await logIn(world, loopbackClient(world), "atproto");
    expect({ did: session.did, state }).toEqual({ did: world.did, state: "mine" });
    const who = await session.fetchHandler("/xrpc/com.atproto.server.getSession");
    expect(await who.json()).toEqual({ did: world.did, handle: "alder.test", active: true });
    const kept = structuredClone(sessions.kept.get(world.did)!);
    await session.signOut();
    expect(sessions.kept.size).toBe(0);
    sessions.kept.set(world.did, kept);
    const again = await client.restore(world.did, false);
    expect((await again.fetchHandler("/xrpc/com.atproto.server.getSession")).status).toBe(401);
  });

  it("logs in as a confidential client and writes the record that its scope names, nothing else", async () => {
    const world = await devnet();
    const { session } = await logIn(world, await confidentialClient(world));
    const record = { domain: "alder.test", createdAt: "2026-01-01T00:00:00.000Z" };
    const place = { repo: world.did, collection: NSID, rkey: "alder.test" };
    const written = await write(session, { ...place, record });
    expect(written).toMatchObject({ status: 200, body: { uri: `at://${world.did}/${NSID}/alder.test` } });
    expect(await recordsOf(world)).toBe(1);
    const refused = [
      { ...place, collection: "app.bsky.feed.post", record },
      { ...place, repo: "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", record },
      { ...place, record: { ...record, $type: "app.bsky.feed.post" } },
      { ...place, rkey: "a b", record },
      { ...place, record: { ...record, domain: "birch.test" }, swapRecord: null },
    ];
    const answers = [];
    for (const body of refused) answers.push(await write(session, body));
    expect(answers.map(({ status, body }) => [status, body["error"]])).toEqual([
      [403, "ScopeMissingError"],
      [403, "InvalidRequest"],
      [400, "InvalidRequest"],
      [400, "InvalidRequest"],
      [400, "InvalidSwap"],
    ]);
    const call = await session.fetchHandler(
      "/xrpc/com.atproto.server.getServiceAuth?aud=did:web:a.test&lxm=a.b.c",
    );
    expect(call.status).toBe(403);
    const gone = await session.fetchHandler("/xrpc/com.atproto.repo.deleteRecord", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(place),
    });
    expect([gone.status, await recordsOf(world)]).toEqual([200, 0]);
  });

  it("gets no refresh token without declaring that it uses them", async () => {
    const world = await devnet();
    const made = await confidentialClient(world, { grant_types: ["authorization_code"] });
    const { sessions } = await logIn(world, made);
    expect(sessions.kept.get(world.did)?.tokenSet).not.toHaveProperty("refresh_token", expect.anything());
  });

  it("writes nothing with the scope that only logs in", async () => {
    const world = await devnet();
    const { session } = await logIn(world, loopbackClient(world), "atproto");
    const place = { repo: world.did, collection: NSID, rkey: "alder.test" };
    expect(await write(session, { ...place, record: {} })).toMatchObject({ status: 403 });
    expect(await recordsOf(world)).toBe(0);
  });

  it("refreshes once; the old refresh token ends the session", async () => {
    const world = await devnet();
    const { client, sessions } = await logIn(world);
    const first = structuredClone(sessions.kept.get(world.did)!);
    const fresh = await client.restore(world.did, true);
    expect((await fresh.fetchHandler("/xrpc/com.atproto.server.getSession")).ok).toBe(true);
    const second = sessions.kept.get(world.did)!;
    expect(second.tokenSet.refresh_token).not.toBe(first.tokenSet.refresh_token);
    sessions.kept.set(world.did, first);
    await expect(client.restore(world.did, true)).rejects.toThrow("used before");
    sessions.kept.set(world.did, second);
    await expect(client.restore(world.did, true)).rejects.toThrow();
  });

  it("hears of a person who says no, of prompt=none, and of a code that comes again", async () => {
    const world = await devnet();
    const { client } = loopbackClient(world);
    const denied = await consent(await client.authorize("alder.test"), world.did, "deny");
    await expect(client.callback(denied.back)).rejects.toThrow("The person said no");
    const silent = await fetch(await client.authorize("alder.test", { prompt: "none" }), {
      redirect: "manual",
    });
    const back = new URL(silent.headers.get("location")!).searchParams;
    await expect(client.callback(back)).rejects.toThrow("Somebody has to look");

    const url = await client.authorize("alder.test");
    const allowed = await consent(url, world.did);
    const { session } = await client.callback(allowed.back);
    expect((await consent(url, world.did)).status).toBe(400);
    await expect(client.callback(allowed.back)).rejects.toThrow();
    expect((await session.fetchHandler("/xrpc/com.atproto.server.getSession")).ok).toBe(true);
  });

  it("is told that another account signed in than the one it named", async () => {
    const world = await devnet();
    const birch = await world.host.createAccount({ handle: "birch.test" });
    const { client } = loopbackClient(world);
    const { page, back } = await consent(await client.authorize("birch.test"), world.did);
    expect(page.indexOf("birch.test")).toBeLessThan(page.indexOf("alder.test"));
    expect((await client.callback(back)).session.did).toBe(world.did);
    expect(birch.did).not.toBe(world.did);
  });

  it.each([
    [
      "metadata of another client",
      { client_id: "https://other.test/client.json" },
      "invalid_client_metadata",
    ],
    ["another callback", { redirect_uris: ["https://mail.coop.test/other"] }, "invalid_request"],
    ["a scope that is not declared", { scope: "atproto" }, "invalid_scope"],
    ["tokens without DPoP", { dpop_bound_access_tokens: false }, "invalid_client_metadata"],
    ["keys of somebody else", { jwks: { keys: [] }, jwks_uri: undefined }, "invalid_client_metadata"],
  ])("is refused with %s", async (_what, published, error) => {
    const world = await devnet();
    const { client } = await confidentialClient(world, published);
    await expect(client.authorize("alder.test", { scope: WRITE })).rejects.toThrow(error);
  });

  it("is refused when its assertion is signed with another key", async () => {
    const world = await devnet();
    const { client } = await confidentialClient(world);
    const other = await JoseKey.generate(["ES256"], "key-1");
    world.web.set("https://mail.coop.test/oauth/jwks.json", { keys: [other.publicJwk] });
    await expect(client.authorize("alder.test", { scope: WRITE })).rejects.toThrow("invalid_client");
  });
});

describe("consent", () => {
  it("is given on the host's own page only, and by an active account", async () => {
    const world = await devnet();
    const { client } = loopbackClient(world);
    const url = await client.authorize("alder.test");
    const { headers } = await fetch(url);
    expect(headers.get("content-security-policy")).toContain("form-action 'self' http://127.0.0.1:9;");
    expect(await consent(url, world.did, "allow", "http://127.0.0.1:1")).toMatchObject({ status: 403 });
    expect(await consent(url, "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa")).toMatchObject({ status: 400 });
    await world.host.setStatus(world.did, "deactivated");
    expect((await consent(url, world.did)).status).toBe(400);
  });

  it("ends after five minutes", async () => {
    const world = await devnet();
    const url = await loopbackClient(world).client.authorize("alder.test");
    world.pass(5 * 60_000 + 1);
    expect((await fetch(url)).status).toBe(400);
    expect((await consent(url, world.did)).status).toBe(400);
  });
});

describe("app passwords", () => {
  async function post(world: World, method: string, body: object | undefined, token?: string) {
    const response = await fetch(`${world.host.url}/xrpc/${method}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text ? JSON.parse(text) : {}) as Record<string, string> };
  }

  it("open a session that writes, renews itself once, and gives tokens for other services", async () => {
    const world = await devnet();
    const password = world.host.appPassword(world.did);
    const login = "com.atproto.server.createSession";
    const wrong = await post(world, login, { identifier: "alder.test", password: "nope" });
    expect([wrong.status, wrong.body["error"]]).toEqual([401, "AuthenticationRequired"]);
    const { body } = await post(world, login, { identifier: "Alder.test", password });
    const record = {
      repo: "alder.test",
      collection: NSID,
      rkey: "alder.test",
      record: { domain: "alder.test" },
    };
    const put = "com.atproto.repo.putRecord";
    expect((await post(world, put, record)).status).toBe(401);
    expect((await post(world, put, record, body["refreshJwt"])).status).toBe(401);
    expect((await post(world, put, record, body["accessJwt"])).status).toBe(200);

    const refresh = "com.atproto.server.refreshSession";
    const renewed = await post(world, refresh, undefined, body["refreshJwt"]);
    expect(renewed).toMatchObject({ status: 200, body: { did: world.did } });
    expect((await post(world, refresh, undefined, body["refreshJwt"])).status).toBe(400);
    world.pass(2 * 3_600_000);
    expect((await post(world, put, record, renewed.body["accessJwt"])).status).toBe(401);
  });

  it("give tokens for services that the account's key has signed", async () => {
    const world = await devnet();
    const identifier = world.did;
    const { body } = await post(world, "com.atproto.server.createSession", {
      identifier,
      password: world.host.appPassword(identifier),
    });
    const ask = async (query: Record<string, string>) => {
      const response = await fetch(
        `${world.host.url}/xrpc/com.atproto.server.getServiceAuth?${new URLSearchParams(query)}`,
        { headers: { authorization: `Bearer ${body["accessJwt"]}` } },
      );
      return (await response.json()) as { token?: string; error?: string };
    };
    const { token = "" } = await ask({ aud: "did:web:mail.test", lxm: "community.email.apply" });
    const [head, payload, signature] = token.split(".");
    const claims = JSON.parse(Buffer.from(payload!, "base64url").toString()) as Record<string, unknown>;
    expect(claims).toMatchObject({ iss: world.did, aud: "did:web:mail.test", lxm: "community.email.apply" });
    expect(Number(claims["exp"]) - Number(claims["iat"])).toBe(60);
    const resolver = new DidResolver({ plcUrl: world.plcUrl, fetch });
    const signed = await resolver.verifySignature(
      world.did,
      Buffer.from(`${head}.${payload}`),
      Buffer.from(signature!, "base64url"),
    );
    expect(signed).toBe(true);
    const late = String(Math.floor(Date.now() / 1_000) + 7_200);
    expect(await ask({ aud: "did:web:mail.test", lxm: "a.b.c", exp: late })).toMatchObject({
      error: "BadExpiration",
    });
    expect(await ask({ aud: "mail.test" })).toMatchObject({ error: "InvalidRequest" });
  });
});
