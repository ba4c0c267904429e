import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  accountMigration,
  createLogin,
  createPeople,
  createSessions,
  type Login,
} from "../src/account/index.ts";
import { PENDING_MS } from "../src/account/pending.ts";
import { Database } from "../src/platform/database.ts";
import { createSafeFetch } from "../src/platform/fetch.ts";
import { silentLog } from "../src/platform/log.ts";
import type { Resolver } from "../src/protocol/dns/index.ts";
import { createUsedLinks, createWeb, usedLinksMigration, type WebQueries } from "../src/web/index.ts";
import { readable } from "../src/web/fixtures/reading.fixture.ts";
import { openBrowser } from "./browser.ts";
import {
  ADA,
  BEN,
  didDocument,
  drips,
  hangs,
  json,
  metadataOf,
  redirects,
  startPeer,
  text,
  tokens,
  type Script,
} from "./login-peer.ts";

const COOP = "https://coop.test";
/** Ours, in this test; and what a page takes at most, with all that is looked up. */
const PATIENCE_MS = 400;
const LONGEST_MS = 3_500;
const MIB = 1024 * 1024;

let peer: Awaited<ReturnType<typeof startPeer>>;
let stranger: typeof peer;
let later = 0;
let open: () => ReturnType<typeof openBrowser>;
let login: Login;
let pendingTokens: () => number;
beforeAll(async () => void ([peer, stranger] = [await startPeer(), await startPeer()]));
afterAll(() => [peer, stranger].forEach((one) => one.close()));

const resolver: Resolver = {
  resolve: async (name) =>
    name === "_atproto.nobody.test"
      ? { status: "nxdomain", authentic: false }
      : ({
          status: "ok",
          authentic: false,
          records: [{ text: `did=${name === "_atproto.ben.test" ? BEN : ADA}`, ttl: 60 }],
        } as never),
};

/** A cooperative under https, whose client is a confidential one, and which may reach loopback. */
beforeEach(async () => {
  later = 0;
  const now = () => Date.now() + later;
  const db = new Database(":memory:", [accountMigration, usedLinksMigration]);
  const people = createPeople(db);
  const sessions = createSessions(db, new Uint8Array(32).fill(5));
  login = await createLogin({
    db,
    key: new Uint8Array(32).fill(7),
    publicUrl: COOP,
    name: "Coop",
    plcUrl: peer.origin,
    allowPrivate: true,
    fetch: createSafeFetch({ allowPrivate: true, timeoutMs: PATIENCE_MS }),
    resolver,
    now,
    log: silentLog,
    patienceMs: PATIENCE_MS,
  });
  const app = createWeb({
    queries: {} as WebQueries,
    usedLinks: createUsedLinks(db),
    sessionKey: new Uint8Array(32),
    sessions,
    people,
    clock: { now } as never,
    publicUrl: COOP,
    log: silentLog,
    account: { login, mayBegin: () => true, committee: [], memberName: () => null, written: async () => {} },
  });
  open = () => openBrowser(COOP, (url, init) => app.request(url, init));
  pendingTokens = () => db.all("SELECT 1 FROM oauth_pending WHERE kind = 'tokens'").length;
});

type Browser = ReturnType<typeof open>;

/** The state that our request carried to the server. */
const stateOf = () => new URLSearchParams(peer.asked("par").at(-1)!.body).get("state")!;
const back = (change: Record<string, string | null> = {}) => {
  const params = new URLSearchParams({ code: "one-code", state: stateOf(), iss: peer.origin });
  for (const [name, value] of Object.entries(change))
    if (value === null) params.delete(name);
    else params.set(name, value);
  return `/oauth/callback?${params}`;
};

/** A page that ends a login without a session, in time, and says what to do. */
async function expectNoLogin(browser: Browser, status: number, words: string, act: () => Promise<Response>) {
  const began = Date.now();
  const answer = await act();
  const page = await answer.text();
  expect(Date.now() - began).toBeLessThan(LONGEST_MS);
  expect(readable(page)).toContain(words);
  expect(page).toMatch(/<form method="post" action="\/login"|>Try again<\/a>/);
  expect([answer.status, browser.jar.has("__Host-atmos-session")]).toEqual([status, false]);
  expect(pendingTokens()).toBe(0);
  return page;
}

const huge = () => text(JSON.stringify({ padding: "x".repeat(10 * MIB) }));
const nonces = () => {
  let count = 0;
  return (...[res, asked]: Parameters<typeof hangs>) =>
    json({ error: "use_dpop_nonce" }, 400, { "dpop-nonce": `nonce-${count++}` })(res, asked);
};
const CLOSED = "http://127.0.77.1:10009";
const INSIDE = `${CLOSED}/inside`;
const IN_TIME = "it did not answer in time";
const TOO_MUCH = "it answered with more than any login needs";
const ELSEWHERE = "it sends us on to another address";
const NOT_ATMOSPHERE = "its answer is not what a server of the Atmosphere answers";
const OTHER_SERVER = "in the name of another server";

test("a login with a server that does all of it right ends in a session, and in no token", async () => {
  peer.play({});
  const browser = open();
  await browser.begin("ada.test");
  const answer = await browser.ask(back());
  expect(answer.status).toBe(303);
  expect(await (await browser.ask("/me")).text()).toContain(ADA);
  expect(browser.jar.has("__Host-atmos-login")).toBe(false);
  expect(pendingTokens()).toBe(0);
  expect(peer.asked("revoke")).toHaveLength(1);
  expect(new URLSearchParams(peer.asked("token")[0]!.body).get("client_assertion")).toMatch(/^ey/);
});

describe("a login is not begun, and the form says why, where", () => {
  const cases: [string, () => Script, string][] = [
    ["the directory hangs", () => ({ did: hangs }), IN_TIME],
    ["the server hangs", () => ({ resource: hangs }), IN_TIME],
    ["the server drips", () => ({ metadata: drips }), IN_TIME],
    ["the login is never taken", () => ({ par: hangs }), IN_TIME],
    ["the document has 10 MB", () => ({ did: huge() }), TOO_MUCH],
    ["the metadata have 10 MB", () => ({ metadata: huge() }), TOO_MUCH],
    ["the answer to the request has 10 MB", () => ({ par: huge() }), TOO_MUCH],
    ["the server sends us to a private address", () => ({ resource: redirects(INSIDE) }), ELSEWHERE],
    ["the metadata are elsewhere", () => ({ metadata: redirects(`${peer.origin}/elsewhere`) }), ELSEWHERE],
    ["the request is sent on to itself", () => ({ par: redirects(`${peer.origin}/par`) }), ELSEWHERE],
    [
      "the issuer is another",
      () => ({ metadata: json({ ...metadataOf(peer.origin), issuer: "https://other.test" }) }),
      OTHER_SERVER,
    ],
    ["the JSON is broken", () => ({ metadata: text('{"issuer":') }), NOT_ATMOSPHERE],
    ["the JSON is something else", () => ({ metadata: json([1, 2]) }), NOT_ATMOSPHERE],
    ["the request's answer is broken", () => ({ par: text("{", 201) }), NOT_ATMOSPHERE],
    ["the server asks for nonces without an end", () => ({ par: nonces() }), "over and over"],
    [
      "the server refuses in HTML",
      () => ({
        par: json({ error: "invalid_request", error_description: "<script>alert(1)</script>" }, 400),
      }),
      "<script>alert(1)</script>",
    ],
    [
      "the handle's account names another handle",
      () => ({ did: json(didDocument(ADA, peer.origin, "other.test")) }),
      "does not name the handle in turn",
    ],
    ["the server is down", () => ({ did: json(didDocument(ADA, CLOSED)) }), "nothing answers there"],
    ["the account has no server", () => ({ did: json(didDocument(ADA, "x")) }), NOT_ATMOSPHERE],
    ["the server has no logins", () => ({ metadata: text("", 404) }), "does not offer"],
  ];
  test.each(cases)("%s", async (_, script, words) => {
    peer.play(script());
    const browser = open();
    const page = await expectNoLogin(browser, 400, words, () =>
      browser.post("/login", { account: "ada.test" }),
    );
    expect(page).not.toContain("<script>alert");
    expect(browser.jar.size).toBe(0);
    expect(peer.asked("elsewhere")).toEqual([]);
    expect(peer.asked("par").length).toBeLessThanOrEqual(2);
  });

  test("nobody has the handle", async () => {
    const browser = open();
    await expectNoLogin(browser, 400, "was not found", () =>
      browser.post("/login", { account: "nobody.test" }),
    );
  });

  test("a handle was wrong a moment ago, it is begun when it has been mended", async () => {
    peer.play({ did: json(didDocument(ADA, peer.origin, "other.test")) });
    const browser = open();
    expect((await browser.post("/login", { account: "ada.test" })).status).toBe(400);
    peer.play({});
    expect((await browser.begin("ada.test")).origin).toBe(peer.origin);
  });
});

describe("what comes back opens no session, and the page says why, where", () => {
  type Change = Record<string, string | null>;
  const html = "<img src=x onerror=alert(1)>";
  const EXPIRED = "has expired, or was used before";
  const cases: [string, () => Script, Change, string][] = [
    ["the answer is of another server", () => ({}), { iss: "https://other.test" }, OTHER_SERVER],
    ["the answer names no server", () => ({}), { iss: null }, "does not say whose it is"],
    ["there is no code", () => ({}), { code: null }, "without what ends a login"],
    ["there is no state", () => ({}), { state: null }, EXPIRED],
    ["the state is nobody's", () => ({}), { state: "AAAAAAAAAAAAAAAAAAAAAA" }, EXPIRED],
    ["the state is an attempt on the database", () => ({}), { state: "' OR 1=1 --" }, EXPIRED],
    ["the answer comes as a token", () => ({}), { response: "ey.ey.x" }, "without what ends a login"],
    ["the person says no", () => ({}), { code: null, error: "access_denied" }, "You did not agree"],
    [
      "the server errs in HTML",
      () => ({}),
      { code: null, error: "server_error", error_description: html },
      html,
    ],
    ["the code is not taken", () => ({ token: json({ error: "invalid_grant" }, 400) }), {}, "invalid_grant"],
    ["another account agreed", () => ({ token: json(tokens(BEN)) }), {}, `agreed as ${BEN}`],
    [
      "the server speaks for an account of another server",
      () => ({ token: json(tokens(BEN)), did: json(didDocument(BEN, stranger.origin)) }),
      {},
      OTHER_SERVER,
    ],
    ["the account is no DID", () => ({ token: json(tokens("ada")) }), {}, NOT_ATMOSPHERE],
    [
      "the tokens are for anybody",
      () => ({ token: json(tokens(ADA, { token_type: "Bearer" })) }),
      {},
      NOT_ATMOSPHERE,
    ],
    ["the tokens hang", () => ({ token: hangs }), {}, IN_TIME],
    ["the tokens drip", () => ({ token: drips }), {}, IN_TIME],
    ["the tokens have 10 MB", () => ({ token: huge() }), {}, TOO_MUCH],
    ["the tokens are elsewhere", () => ({ token: redirects(INSIDE) }), {}, ELSEWHERE],
    ["the tokens are broken", () => ({ token: text('{"access_token"') }), {}, NOT_ATMOSPHERE],
    ["nonces are asked for without an end", () => ({ token: nonces() }), {}, "over and over"],
    ["the directory hangs by now", () => ({ did: hangs }), {}, IN_TIME],
  ];
  test.each(cases)("%s", async (_, script, change, words) => {
    peer.play({});
    const browser = open();
    await browser.begin("ada.test");
    const path = back(change);
    peer.play(script());
    const page = await expectNoLogin(browser, 403, words, () => browser.ask(path));
    expect(page).not.toContain(html);
    expect(peer.asked("token").length).toBeLessThanOrEqual(2);
  });

  test("another account agreed, whose tokens are revoked", async () => {
    peer.play({ token: json(tokens(BEN)) });
    const browser = open();
    await browser.begin("ada.test");
    await browser.ask(back());
    expect(new URLSearchParams(peer.asked("revoke")[0]?.body).get("token")).toBe("access-of-ada");
  });

  test("it comes a second time", async () => {
    peer.play({});
    const browser = open();
    await browser.begin("ada.test");
    const path = back();
    expect((await browser.ask(path)).status).toBe(303);
    const cookie = browser.jar.get("__Host-atmos-session")!;
    browser.jar.delete("__Host-atmos-session");
    await expectNoLogin(browser, 403, EXPIRED, () => browser.ask(path));
    expect(peer.asked("token")).toHaveLength(1);
    browser.jar.set("__Host-atmos-session", cookie);
    expect((await browser.ask("/me")).status).toBe(200);
  });

  test("it comes after an hour", async () => {
    peer.play({});
    const browser = open();
    await browser.begin("ada.test");
    later = PENDING_MS;
    await expectNoLogin(browser, 403, EXPIRED, () => browser.ask(back()));
  });

  test("it comes in another browser, for which nobody is asked; the one that began it may still end it", async () => {
    peer.play({});
    const [browser, other] = [open(), open()];
    await browser.begin("ada.test");
    const path = back();
    await expectNoLogin(other, 403, "begun in another browser", () => other.ask(path));
    other.jar.set("__Host-atmos-login", "a".repeat(43));
    await expectNoLogin(other, 403, "begun in another browser", () => other.ask(path));
    expect(peer.asked("token")).toEqual([]);
    expect((await browser.ask(path)).status).toBe(303);
  });
});

test("a server that never revokes a token keeps nobody waiting", async () => {
  peer.play({ revoke: hangs });
  const browser = open();
  await browser.begin("ada.test");
  const began = Date.now();
  expect((await browser.ask(back())).status).toBe(303);
  expect(Date.now() - began).toBeLessThan(LONGEST_MS);
});

describe("a record is not written, and the page says why, where", () => {
  test.each<[string, () => Script, string]>([
    ["the server hangs", () => ({ write: hangs }), IN_TIME],
    ["the server answers with 10 MB", () => ({ write: huge() }), "it did not say what it wrote"],
    ["the server sends us on", () => ({ write: redirects(INSIDE) }), ELSEWHERE],
    ["the server answers anything", () => ({ write: text("{") }), "it did not say what it wrote"],
    ["the server refuses", () => ({ write: json({ message: "<b>full</b>" }, 507) }), "<b>full</b>"],
    ["the server refuses without words", () => ({ write: text("no", 403) }), "status 403"],
    ["another account agreed", () => ({ token: json(tokens(BEN)) }), `agreed as ${BEN}`],
  ])("%s", async (_, script, words) => {
    peer.play({});
    const cookie = "a".repeat(43);
    const record = { domain: "ada.test" };
    await login.begin({
      account: ADA,
      purpose: { kind: "attest", did: ADA, rkey: "ada.test", record },
      next: "/join",
      browser: cookie,
    });
    const path = back();
    peer.play(script());
    const browser = open();
    browser.jar.set("__Host-atmos-login", cookie);
    const page = await expectNoLogin(browser, 403, words, () => browser.ask(path));
    expect(readable(page)).toContain("The record was not written");
    expect(page).not.toContain("<b>full");
    expect(peer.asked("revoke")).toHaveLength(1);
  });
});
