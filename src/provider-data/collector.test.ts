import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY_MS } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { createSafeFetch } from "../platform/fetch.ts";
import { openingKeyFrom } from "../platform/seal.ts";
import { createCollector, nextTry, reachOf, type Secret } from "./collector.ts";
import { openProvider, type Asked, type Reply } from "./loopback.fixture.ts";
import { beginAuthorization, finishAuthorization, oauthClient } from "./oauth.ts";
import { createProviderStore, providerDataMigration, type ProviderStore } from "./store.ts";

const NOW = Date.UTC(2026, 5, 10, 12);
const fetch = createSafeFetch({ allowPrivate: true, timeoutMs: 500 });
const grant = { clientId: "client", clientSecret: "secret", refreshToken: "first" };
const oauthSecret: Secret = { way: "oauth", grant };
let now: number;
let db: Database;
let store: ProviderStore;
let server: Awaited<ReturnType<typeof openProvider>>;
let answer: (asked: Asked) => Reply;

beforeEach(async () => {
  now = NOW;
  db = new Database(":memory:", [providerDataMigration]);
  store = createProviderStore(db);
  server = await openProvider((asked) => answer(asked));
});
afterEach(async () => {
  await server.close();
  db.close();
});

async function collector(secret = 1) {
  const { endpoints } = server;
  return createCollector({
    store,
    key: await openingKeyFrom(new Uint8Array(32).fill(secret)),
    fetch,
    now: () => now,
    domains: () => [],
    endpoints: { gmail: endpoints, microsoft: endpoints },
  });
}

const tokens = { access_token: "access", token_type: "Bearer", expires_in: 3600 };
const row = (ip: string, rate = "0.2%") => ({ ipAddress: ip, filterResult: "GREEN", complaintRate: rate });

/** SNDS with a report of two days. */
function snds({ url }: Asked): Reply {
  if (url.pathname === "/token") return { json: tokens };
  if (url.pathname.endsWith("/2026-06-08")) return { json: [row("192.0.2.1")] };
  if (url.pathname.endsWith("/2026-06-06")) return { json: [row("192.0.2.1")] };
  if (url.pathname.endsWith("/status/ip"))
    return {
      json: [
        { beginningIpAddress: "192.0.2.0", endingIpAddress: "192.0.2.9", blocked: "true", reason: "Spam" },
      ],
    };
  return { status: 404, json: {} };
}
const address = { provider: "microsoft", kind: "address", subject: "192.0.2.1" } as const;
const days = () => store.days(address, "2026-05-01", "2026-06-30");

test("SNDS: a day without a report is a gap; the state of now belongs to the newest day", async () => {
  answer = snds;
  const looked = await (await collector()).connect("microsoft", oauthSecret, "ada");
  expect(looked).toEqual({ ok: true, changed: 2, subjects: 1, faults: [] });
  expect(days().map(({ day, figures }) => [day, figures])).toEqual([
    ["2026-06-06", { complaint_rate: 0.002, filter: "green" }],
    ["2026-06-08", { blocked: true, blocked_reason: "Spam", complaint_rate: 0.002, filter: "green" }],
  ]);
  const asked = server.asked.filter(({ url }) => url.pathname.startsWith("/api/report/data/"));
  expect(asked).toHaveLength(30);
  expect(asked[0]!.authorization).toBe("Bearer access");
  const form = new URLSearchParams(server.asked[0]!.body);
  expect(Object.fromEntries(form)).toMatchObject({
    grant_type: "refresh_token",
    refresh_token: "first",
    client_id: "client",
    client_secret: "secret",
  });
  expect(store.connection("microsoft")).toMatchObject({ broken: null, nextAt: NOW + DAY_MS, by: "ada" });
});

test("the login is kept sealed, and a replaced refresh token is used the next time", async () => {
  answer = (asked) =>
    asked.url.pathname === "/token" ? { json: { ...tokens, refresh_token: "second" } } : snds(asked);
  const one = await collector();
  await one.connect("microsoft", oauthSecret, "ada");
  expect(store.sealed("microsoft")).not.toMatch(/first|secret/);
  await one.look("microsoft");
  const used = server.asked
    .filter(({ url }) => url.pathname === "/token")
    .map(({ body }) => new URLSearchParams(body).get("refresh_token"));
  expect(used).toEqual(["first", "second"]);
});

test("looked at twice at once, a refresh token is used once", async () => {
  answer = snds;
  const one = await collector();
  await one.connect("microsoft", oauthSecret, "ada");
  server.asked.length = 0;
  await Promise.all([one.look("microsoft"), one.look("microsoft")]);
  expect(server.asked.filter(({ url }) => url.pathname === "/token")).toHaveLength(1);
});

test("revised figures replace the day and are told again; the same ones are not", async () => {
  answer = snds;
  const one = await collector();
  await one.connect("microsoft", oauthSecret, "ada");
  for (const told of store.untold(10)) store.told(told);
  now += DAY_MS;
  expect(await one.look("microsoft")).toMatchObject({ changed: 0 });
  expect(store.untold(10)).toEqual([]);
  answer = (asked) =>
    asked.url.pathname.endsWith("/2026-06-06") ? { json: [row("192.0.2.1", "0.5%")] } : snds(asked);
  expect(await one.look("microsoft")).toMatchObject({ changed: 1 });
  expect(store.untold(10)).toMatchObject([
    { day: "2026-06-06", revision: 2, figures: { complaint_rate: 0.005 } },
  ]);
  expect(days()).toHaveLength(2);
});

test.each([
  [
    "taken back",
    { status: 400, json: { error: "invalid_grant", error_description: "Token has been revoked." } },
    /revoked/,
  ],
  ["of a client that is gone", { status: 401, json: { error: "invalid_client" } }, /invalid_client/],
] as const)("a refresh token %s: broken since then, until it is connected anew", async (_, reply, why) => {
  answer = snds;
  const one = await collector();
  await one.connect("microsoft", oauthSecret, "ada");
  now += DAY_MS;
  answer = () => reply;
  expect(await one.look("microsoft")).toMatchObject({
    ok: false,
    broken: true,
    why: expect.stringMatching(why),
  });
  const since = now;
  now += DAY_MS;
  await one.lookWhereDue();
  expect(store.connection("microsoft")).toMatchObject({ broken: { since }, failures: 2 });
  expect(days()).toHaveLength(2);
  answer = snds;
  await one.connect("microsoft", oauthSecret, "ada");
  expect(store.connection("microsoft")).toMatchObject({ broken: null, failures: 0 });
});

test.each([
  ["the token endpoint fails", () => ({ status: 503, text: "" }) as Reply],
  ["the token endpoint says nothing that is JSON", () => ({ text: "<html>" }) as Reply],
  ["the token endpoint hangs", () => "hang" as Reply],
  ["Google is asked for less", () => ({ status: 429, json: { error: "rate_limited" } }) as Reply],
  [
    "reports fail",
    ({ url }: Asked): Reply => (url.pathname === "/token" ? { json: tokens } : { status: 500, text: "" }),
  ],
  [
    "reports are no reports",
    ({ url }: Asked): Reply => (url.pathname === "/token" ? { json: tokens } : { text: "<html>" }),
  ],
])("%s: not broken, tried again soon", async (_, say) => {
  answer = say;
  const looked = await (await collector()).connect("microsoft", oauthSecret, "ada");
  expect(looked).toMatchObject({ ok: false, broken: false });
  expect(store.connection("microsoft")).toMatchObject({
    broken: null,
    failures: 1,
    nextAt: NOW + 15 * 60_000,
  });
});

test("SNDS that refuses the access is to be confirmed anew", async () => {
  answer = ({ url }) => (url.pathname === "/token" ? { json: tokens } : { status: 403, json: {} });
  const looked = await (await collector()).connect("microsoft", oauthSecret, "ada");
  expect(looked).toMatchObject({ ok: false, broken: true, why: expect.stringMatching(/ten months/) });
});

test("days that fail one after the other end the look", async () => {
  answer = ({ url }) => (url.pathname === "/token" ? { json: tokens } : { status: 500, text: "" });
  await (await collector()).connect("microsoft", oauthSecret, "ada");
  expect(server.asked.filter(({ url }) => url.pathname.startsWith("/api/report/data/"))).toHaveLength(3);
});

test("a login that is refused at once is not kept, and takes the place of none that works", async () => {
  const one = await collector();
  answer = () => ({ status: 400, json: { error: "invalid_grant" } });
  expect(await one.connect("microsoft", oauthSecret, "ada")).toMatchObject({ ok: false, broken: true });
  expect(store.connection("microsoft")).toBeUndefined();
  answer = snds;
  await one.connect("microsoft", oauthSecret, "ada");
  const [sealed, before] = [store.sealed("microsoft"), store.connection("microsoft")];
  answer = () => ({ status: 400, json: { error: "invalid_grant" } });
  await one.connect("microsoft", { way: "oauth", grant: { ...grant, refreshToken: "bad" } }, "ben");
  expect([store.sealed("microsoft"), store.connection("microsoft")]).toEqual([sealed, before]);
});

test("another secret of core does not open what was stored", async () => {
  answer = snds;
  await (await collector()).connect("microsoft", oauthSecret, "ada");
  const looked = await (await collector(2)).look("microsoft");
  expect(looked).toMatchObject({ ok: false, broken: true, why: expect.stringMatching(/ATMOS_CORE_SECRET/) });
});

test("a report link: its CSV while it works, and 404 when its 30 days are over", async () => {
  const secret: Secret = { way: "link", url: `${server.origin}/SNDS/DataKey?key=k` };
  answer = () => ({ text: "IP Address,Activity period,DATA commands\n192.0.2.1,6/8/2026 1:00 AM,42\n" });
  const one = await collector();
  expect(await one.connect("microsoft", secret, "ada")).toMatchObject({ ok: true, changed: 1 });
  expect(days()).toMatchObject([{ day: "2026-06-08", figures: { data_commands: 42 } }]);
  answer = () => ({ status: 404, text: "" });
  expect(await one.look("microsoft")).toMatchObject({
    ok: false,
    broken: true,
    why: expect.stringMatching(/30 days/),
  });
});

test.each([
  [1, undefined, false, 15],
  [2, undefined, false, 30],
  [20, undefined, false, 720],
  [1, 3_600_000, false, 60],
  [1, undefined, true, 720],
])("after %s failures, asked for %s ms, broken %s: %s minutes", (failures, asked, broken, minutes) => {
  expect(nextTry(failures, asked, broken)).toBe(minutes * 60_000);
});

test.each([
  ["the first look", null, "2026-05-11"],
  ["yesterday", NOW - DAY_MS, "2026-06-02"],
  ["after a long silence", NOW - 90 * DAY_MS, "2026-05-11"],
])("reach of %s", (_, fetchedAt, from) => expect(reachOf(fetchedAt, NOW)).toBe(from));

test("days and subjects are forgotten after their time", () => {
  store.save(
    { days: [{ ...address, day: "2025-01-01", figures: {} }], subjects: [address] },
    "microsoft",
    NOW - 500 * DAY_MS,
  );
  store.sweep("2025-06-01", NOW - 400 * DAY_MS);
  expect([days(), store.subjects()]).toEqual([[], []]);
});

const client = () => oauthClient("gmail", { clientId: "id", clientSecret: "shh" }, server.endpoints);
const REDIRECT = "http://127.0.0.1:4567/";

async function finish(parameters: (state: string) => Record<string, string>) {
  const begun = await beginAuthorization(client(), REDIRECT);
  const callback = new URL(REDIRECT);
  for (const [name, value] of Object.entries(parameters(begun.state))) callback.searchParams.set(name, value);
  return { begun, got: await finishAuthorization(client(), fetch, begun, REDIRECT, callback) };
}

test("the login asks for one right, offline, with PKCE, and its code is redeemed with the verifier", async () => {
  answer = () => ({ json: { ...tokens, refresh_token: "new" } });
  const { begun, got } = await finish((state) => ({ code: "c0de", state }));
  const asked = Object.fromEntries(new URL(begun.url).searchParams);
  expect(asked).toMatchObject({
    response_type: "code",
    client_id: "id",
    redirect_uri: REDIRECT,
    scope: "https://www.googleapis.com/auth/postmaster.traffic.readonly",
    code_challenge_method: "S256",
    access_type: "offline",
    prompt: "consent",
  });
  expect(got).toEqual({ ok: true, value: { clientId: "id", clientSecret: "shh", refreshToken: "new" } });
  expect(Object.fromEntries(new URLSearchParams(server.asked[0]!.body))).toMatchObject({
    grant_type: "authorization_code",
    code: "c0de",
    code_verifier: begun.verifier,
    redirect_uri: REDIRECT,
  });
});

test.each([
  ["somebody else's state", () => ({ code: "c", state: "other" }), /state/],
  ["no code", (state: string) => ({ state }), /./],
  ["a refusal", (state: string) => ({ state, error: "access_denied" }), /not agreed/],
])("%s is refused before anything is asked", async (_, parameters, why) => {
  answer = () => ({ json: tokens });
  const { got } = await finish(parameters as (state: string) => Record<string, string>);
  expect(got.ok).toBe(false);
  expect(got.ok || got.why).toMatch(why);
  expect(server.asked).toEqual([]);
});

test("an answer without a refresh token says what to do", async () => {
  answer = () => ({ json: tokens });
  const { got } = await finish((state) => ({ code: "c", state }));
  expect(got).toMatchObject({ ok: false, why: expect.stringMatching(/take this program's access back/) });
});
