import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { createWeb } from "./app.ts";
import { warnedMember } from "./fixtures/member.fixture.ts";
import { explanation } from "./fixtures/label.fixture.ts";
import { committeeOverview, publicOverview } from "./fixtures/pool.fixture.ts";
import { didOf, NOW } from "./fixtures/seed.fixture.ts";
import { SESSION_LIFETIME_MS } from "../account/index.ts";
import { sessionsFixture } from "./fixtures/session.fixture.ts";
import { accessLink, createToken, LINK_LIFETIME_MS, type LinkIdentity } from "./session.ts";
import { createUsedLinks, usedLinksMigration } from "./used-links.ts";
import type { WebQueries } from "./view.ts";

const key = new Uint8Array(32).fill(9);
const committee: LinkIdentity = { role: "committee" };
const own: LinkIdentity = { role: "member", did: warnedMember.did };

const ours = { "sec-fetch-site": "same-origin" };
const cookieOf = (answer: Response) => (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";

function setUp(publicUrl = "https://mail.example", overrides: Partial<WebQueries> = {}) {
  const clock = new MovableClock(NOW);
  const asked: string[] = [];
  const queries: WebQueries = {
    publicOverview: async () => (asked.push("public"), publicOverview),
    committeeOverview: async () => (asked.push("committee"), committeeOverview),
    member: async (did) => (asked.push(did), did === warnedMember.did ? warnedMember : null),
    label: async (subject, value) => (
      asked.push(`${subject} ${value ?? ""}`.trim()),
      subject === explanation.subject ? explanation : null
    ),
    ...overrides,
  };
  const usedLinks = createUsedLinks(new Database(":memory:", [usedLinksMigration]));
  const { sessions, people } = sessionsFixture(NOW);
  const app = createWeb({
    queries,
    sessionKey: key,
    usedLinks,
    sessions,
    people,
    clock,
    publicUrl,
    log: silentLog,
  });
  const linkFor = (identity: LinkIdentity) => {
    const link = new URL(accessLink(publicUrl, key, identity, clock.now() + LINK_LIFETIME_MS));
    return { path: link.pathname + link.search, token: link.searchParams.get("token")! };
  };
  const open = (token: string, headers: Record<string, string> = ours) =>
    app.request("/login", { method: "POST", headers, body: new URLSearchParams({ token }) });
  const logIn = async (identity: LinkIdentity) => {
    const answer = await open(linkFor(identity).token);
    return { answer, cookie: cookieOf(answer) };
  };
  const get = (path: string, cookie = "") => app.request(path, { headers: { cookie } });
  return { app, asked, clock, get, linkFor, open, logIn };
}

describe("who may see what", () => {
  test.each<[string, LinkIdentity | null, number]>([
    ["/", null, 200],
    ["/", own, 200],
    ["/committee", null, 403],
    ["/committee", own, 403],
    ["/committee/members", own, 403],
    ["/committee/members?page=2", committee, 200],
    ["/committee/egress", null, 403],
    ["/committee/egress", own, 403],
    ["/committee/egress?page=x", committee, 200],
    ["/committee", committee, 200],
    [`/members/${warnedMember.did}`, null, 403],
    [`/members/${warnedMember.did}`, own, 200],
    [`/members/${encodeURIComponent(warnedMember.did)}`, own, 200],
    [`/members/${warnedMember.did}`, committee, 200],
    [`/members/${didOf(3)}`, own, 404],
    [`/members/${didOf(3)}`, committee, 404],
    ["/members/", committee, 404],
    [`/labels/${explanation.subject}`, null, 200],
    ["/labels/nobody", null, 404],
    ["/labels/", null, 404],
    [`/labels/${"x".repeat(3_001)}`, null, 404],
    ["/nothing", null, 404],
  ])("%s for %j is %i", async (path, identity, status) => {
    const { asked, get, logIn } = setUp();
    const cookie = identity ? (await logIn(identity)).cookie : "";
    const answer = await get(path, cookie);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toMatch(/^text\/html/);
    if (status === 403) expect(asked).toEqual([]);
    if (path === "/") expect(asked).toEqual(["public"]);
  });
});

describe("a session", () => {
  test("opens by a link, with a cookie that scripts and other sites cannot use", async () => {
    const { answer } = await setUp().logIn(own);
    expect(answer.status).toBe(303);
    expect(answer.headers.get("location")).toBe(`/members/${warnedMember.did}`);
    const cookie = answer.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/^__Host-atmos-session=/);
    for (const part of ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"]) expect(cookie).toContain(part);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  test("needs no TLS on loopback", async () => {
    const { get, logIn } = setUp("http://127.0.0.1:8080");
    const { answer, cookie } = await logIn(committee);
    expect(answer.headers.get("set-cookie")).not.toContain("Secure");
    expect((await get("/committee", cookie)).status).toBe(200);
  });

  test("ends by itself, and so does an unused link", async () => {
    const { clock, get, linkFor, logIn, open } = setUp();
    const link = linkFor(committee);
    const { cookie } = await logIn(committee);
    clock.advance(LINK_LIFETIME_MS);
    for (const late of [await get(link.path), await open(link.token)]) {
      expect(late.status).toBe(403);
      expect(late.headers.get("set-cookie")).toBeNull();
      expect(await late.text()).toContain("atmos link");
    }
    expect((await get("/committee", cookie)).status).toBe(200);
    clock.advance(SESSION_LIFETIME_MS);
    const ended = await get("/committee", cookie);
    expect(ended.status).toBe(403);
    expect(await ended.text()).toContain("has expired");
  });

  test("ends by the button, from our own pages only", async () => {
    const { app, logIn } = setUp();
    const { cookie } = await logIn(own);
    const post = (headers: Record<string, string>) =>
      app.request("/logout", { method: "POST", headers: { cookie, ...headers } });
    const foreign = await post({ origin: "https://evil.example", "sec-fetch-site": "cross-site" });
    expect(foreign.status).toBe(403);
    expect(foreign.headers.get("set-cookie")).toBeNull();
    const ended = await post({ origin: "null", "sec-fetch-site": "same-origin" });
    expect(ended.status).toBe(200);
    expect(ended.headers.get("set-cookie")).toMatch(/^__Host-atmos-session=; Max-Age=0; Path=\/; Secure/);
    expect((await app.request("/logout", { headers: { cookie } })).status).toBe(404);
  });
});

describe("an access link", () => {
  test("shows a button to whoever asks, and only the button uses it up", async () => {
    const { app, get, linkFor, open } = setUp();
    const { path, token } = linkFor(own);
    for (let i = 0; i < 3; i++) {
      const looked = await get(path);
      expect([looked.status, looked.headers.get("set-cookie")]).toEqual([200, null]);
      expect(await looked.text()).toMatch(
        new RegExp(`<form method="post" action="/login"><input type="hidden" name="token" value="${token}"`),
      );
    }
    expect((await app.request(path, { method: "HEAD" })).status).toBe(200);
    expect(await open(token)).toMatchObject({ status: 303 });
  });

  test("opens no second session, and says when it was used and how to get another", async () => {
    const { clock, get, linkFor, open } = setUp();
    const { path, token } = linkFor(own);
    const cookie = cookieOf(await open(token));
    clock.advance(60_000);
    for (const again of [await get(path), await open(token)]) {
      expect([again.status, again.headers.get("set-cookie")]).toEqual([403, null]);
      const html = await again.text();
      expect(html).toContain("This link was used");
      expect(html).toContain(`datetime="${new Date(NOW).toISOString()}"`);
      expect(html).toContain("atmos link did:plc:");
    }
    // Whom it let in may press it again, in the same browser.
    const back = await get(path, cookie);
    expect([back.status, back.headers.get("location")]).toEqual([303, `/members/${warnedMember.did}`]);
    const other = cookieOf(await open(linkFor({ role: "member", did: didOf(3) }).token));
    expect((await get(path, other)).status).toBe(403);
  });

  test.each<[string, (link: { path: string; token: string }) => string, Record<string, string>]>([
    ["pressed on another site", ({ token }) => token, { "sec-fetch-site": "cross-site" }],
    ["pressed nowhere", ({ token }) => token, {}],
    ["cut", ({ token }) => token.slice(0, -3), ours],
    ["without a token", () => "", ours],
    ["one that could be used for ever", () => createToken(key, "link", own, NOW + LINK_LIFETIME_MS), ours],
    [
      "the command line's token",
      () => createToken(key, "api", own, NOW + LINK_LIFETIME_MS, "a".repeat(26)),
      ours,
    ],
    ["without end", () => "x".repeat(20_000), ours],
  ])("opens nothing: %s", async (_, tokenOf, headers) => {
    const { linkFor, open } = setUp();
    const link = linkFor(own);
    const answer = await open(tokenOf(link), headers);
    expect([403, 413]).toContain(answer.status);
    expect(answer.headers.get("set-cookie")).toBeNull();
    expect((await open(link.token)).status).toBe(303);
  });

  test("of the committee names the person, whom the pages then name", async () => {
    const { get, linkFor, open } = setUp();
    const link = linkFor({ role: "committee", by: "rosa <b>" });
    expect(await (await get(link.path)).text()).toContain("for rosa &lt;b&gt;");
    const page = await get("/committee", cookieOf(await open(link.token)));
    expect(await page.text()).toContain("Signed in: committee, rosa &lt;b&gt;");
  });
});

test.each(["/", "/committee", "/nothing", "/assets/style.css"])(
  "%s has the headers of safety",
  async (path) => {
    const { headers } = await setUp().get(path);
    const policy = headers.get("content-security-policy") ?? "";
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "frame-ancestors 'none'",
    ]) {
      expect(policy).toContain(part);
    }
    expect(policy).not.toContain("unsafe");
    expect(headers.get("referrer-policy")).toBe("same-origin");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  },
);

test.each([
  ["/", "private, no-cache"],
  ["/committee", "no-store"],
  [`/members/${warnedMember.did}`, "no-store"],
  ["/login", "no-store"],
  ["/nothing", "no-store"],
])("%s is cached as %s", async (path, expected) => {
  const { get, logIn } = setUp();
  const { cookie } = await logIn(committee);
  expect((await get(path, cookie)).headers.get("cache-control")).toBe(expected);
});

test("mounted after other routes, it leaves them alone and answers for every other path", async () => {
  const { app } = setUp();
  const whole = new Hono();
  whole.get("/xrpc/_health", (c) => c.json({ version: "1" }));
  whole.route("/", app);
  const health = await whole.request("/xrpc/_health");
  expect(await health.json()).toEqual({ version: "1" });
  expect(health.headers.get("content-security-policy")).toBeNull();
  const missing = await whole.request("/elsewhere");
  expect(missing.status).toBe(404);
  expect(await missing.text()).toContain("There is no such page");
});

test("a failing query is a page that says so and tells nothing of the fault", async () => {
  const { get } = setUp("https://mail.example", {
    publicOverview: () => Promise.reject(new Error("no such table: secret_table")),
  });
  const answer = await get("/");
  expect(answer.status).toBe(500);
  const html = await answer.text();
  expect(html).toContain("This page failed");
  expect(html).not.toContain("secret_table");
});
