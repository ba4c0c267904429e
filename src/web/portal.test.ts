import { describe, expect, test } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { createWeb } from "./app.ts";
import { warnedMember } from "./fixtures/member.fixture.ts";
import {
  credentialsView,
  domainsView,
  removalView,
  changeEventsView,
  settingsView,
  testsView,
  tokensView,
  webhooksView,
} from "./fixtures/portal.fixture.ts";
import { committeeOverview, publicOverview } from "./fixtures/pool.fixture.ts";
import { didOf, NOW } from "./fixtures/seed.fixture.ts";
import { sessionsFixture } from "./fixtures/session.fixture.ts";
import type { Identity } from "./session.ts";
import type { PortalPages, PortalResult } from "./view-portal.ts";
import { createUsedLinks, usedLinksMigration } from "./used-links.ts";

const { did, domain } = warnedMember;
const person = (n: number): Identity => ({ role: "person", did: didOf(n) });
const WHO = {
  nobody: null,
  "another member": { role: "member", did: didOf(3) },
  "a person of nobody": person(6),
  viewer: person(5),
  manager: person(4),
  "owner by role": person(7),
  "the member by link": { role: "member", did },
  "the member's account": { role: "person", did },
  committee: { role: "committee" },
} as const satisfies Record<string, Identity | null>;
type Whom = keyof typeof WHO;
const ours = { "sec-fetch-site": "same-origin" };

function setUp(result: PortalResult = { done: true }) {
  const asked: unknown[][] = [];
  const say =
    (name: keyof PortalPages) =>
    async (...args: unknown[]) => (asked.push([name, ...args]), result);
  const { sessions, people, cookie } = sessionsFixture(NOW);
  people.put(did, didOf(4), "manager", "test", NOW);
  people.put(did, didOf(5), "viewer", "test", NOW);
  people.put(did, didOf(7), "owner", "test", NOW);
  const portal: PortalPages = {
    domains: async () => domainsView,
    addDomain: say("addDomain"),
    turnKeys: say("turnKeys"),
    removal: async (_, name) => (name === domain ? removalView : null),
    removeDomain: say("removeDomain"),
    credentials: async () => credentialsView,
    makeCredential: async (...args) => {
      asked.push(["makeCredential", ...args]);
      if ("refused" in result) return result;
      return { credential: { name: "pds", username: "u", secret: "atms_x", lines: "PDS_EMAIL=x" } };
    },
    revokeCredential: say("revokeCredential"),
    webhooks: async () => webhooksView,
    setWebhook: async (...args) => {
      asked.push(["setWebhook", ...args]);
      return "refused" in result ? result : { url: "https://x.test/", secret: "whsec_x" };
    },
    removeWebhook: say("removeWebhook"),
    testWebhook: async (...args) => {
      asked.push(["testWebhook", ...args]);
      return "refused" in result ? result : { ok: true, status: 204, why: "" };
    },
    tokens: async () => tokensView,
    makeToken: async (...args) => {
      asked.push(["makeToken", ...args]);
      return "refused" in result ? result : { secret: "atmt_x", token: tokensView.tokens[0]! };
    },
    revokeToken: say("revokeToken"),
    changeEvents: async (_, change) => (change === 12 ? changeEventsView : null),
    tests: async () => testsView,
    makeTest: say("makeTest"),
    settings: async () => settingsView,
    chooseBounces: say("chooseBounces"),
    chooseReplies: say("chooseReplies"),
    putPerson: say("putPerson"),
    removePerson: say("removePerson"),
    appeal: say("appeal"),
    remedy: say("remedy"),
  };
  const app = createWeb({
    queries: {
      publicOverview: async () => publicOverview,
      committeeOverview: async () => committeeOverview,
      member: async () => warnedMember,
      label: async () => null,
    },
    portal,
    usedLinks: createUsedLinks(new Database(":memory:", [usedLinksMigration])),
    sessions,
    people,
    sessionKey: new Uint8Array(32).fill(9),
    clock: new MovableClock(NOW),
    publicUrl: "http://127.0.0.1:8080",
    log: silentLog,
  });
  const of = (who: Whom) => {
    const identity = WHO[who];
    return identity === null ? {} : { cookie: cookie(identity, "atmos-session") };
  };
  const get = (path: string, who: Whom) => app.request(`/members/${did}${path}`, { headers: of(who) });
  const post = (path: string, who: Whom, fields: string | Record<string, string>, headers: object = ours) =>
    app.request(`/members/${did}${path}`, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { ...of(who), ...headers },
    });
  return { asked, get, post };
}

/** Each form: its path, what is sent, what is done, the least role, and where it leads; 200: a page with what is seen once. */
const FORMS: [path: string, fields: string, does: string, needs: "manager" | "owner", to: string | 200][] = [
  ["/domains", "domain=new.test", "addDomain", "manager", "/domains"],
  [`/domains/${domain}/keys`, "how=rotate", "turnKeys", "manager", `/domains#domain-${domain}`],
  [`/domains/${domain}/keys`, "how=cancel", "turnKeys", "manager", `/domains#domain-${domain}`],
  [`/domains/${domain}/keys`, "how=now", "turnKeys", "manager", `/domains#domain-${domain}`],
  [`/domains/${domain}/remove`, `sure=${domain}`, "removeDomain", "manager", "/domains"],
  ["/credentials", `name=pds&domains=${domain}&streams=bulk`, "makeCredential", "manager", 200],
  ["/credentials/c1/revoke", "", "revokeCredential", "manager", "/credentials"],
  ["/webhooks", "url=https://x.test/", "setWebhook", "manager", 200],
  ["/webhooks/remove", "", "removeWebhook", "manager", "/webhooks"],
  ["/webhooks/test", "", "testWebhook", "manager", 200],
  ["/tokens", "name=monitor&scopes=read&scopes=domains&days=30", "makeToken", "manager", 200],
  ["/tokens/tok2/revoke", "", "revokeToken", "manager", "/tokens"],
  ["/test", "", "makeTest", "manager", "/test"],
  ["/test", `domain=${domain}`, "makeTest", "manager", "/test"],
  ["/bounces", "to=nobody", "chooseBounces", "manager", "/settings"],
  ["/replies", "address=ops@a.test", "chooseReplies", "manager", "/settings"],
  ["/people", "account=ada.test&role=viewer", "putPerson", "owner", "/settings#people"],
  ["/people/remove", `person=${didOf(4)}`, "removePerson", "owner", "/settings#people"],
  ["/changes/12/appeal", "words=It+was+a+test", "appeal", "manager", "#changes"],
  ["/remedy", "words=We+confirm", "remedy", "manager", "#changes"],
];
const PAGES = [
  "/domains",
  `/domains/${domain}/remove`,
  "/credentials",
  "/webhooks",
  "/tokens",
  "/test",
  "/changes/12/events",
  "/settings",
];

function statusOf(who: Whom, needs: "viewer" | "manager" | "owner", done: number): number {
  if (who === "nobody") return 403;
  if (who === "another member" || who === "a person of nobody") return 404;
  if (who === "viewer") return needs === "viewer" ? done : 403;
  return who === "manager" && needs === "owner" ? 403 : done;
}
const EVERYBODY = Object.keys(WHO) as Whom[];

describe("who may read and send what", () => {
  test.each(PAGES.flatMap((path) => EVERYBODY.map((who) => [path, who] as const)))(
    "GET %s by %s",
    async (path, who) => {
      const { get } = setUp();
      const answer = await get(path, who);
      expect(answer.status).toBe(statusOf(who, "viewer", 200));
      if (answer.status !== 200) expect(await answer.text()).not.toContain(domain);
    },
  );

  test.each(FORMS.flatMap((form) => EVERYBODY.map((who) => [form[0], form[1], who, form] as const)))(
    "POST %s %s by %s",
    async (path, fields, who, [, , does, needs, to]) => {
      const { asked, post } = setUp();
      const answer = await post(path, who, fields);
      const done = to === 200 ? 200 : 303;
      const status = statusOf(who, needs, done);
      expect(answer.status).toBe(status);
      expect(asked.map(([name]) => name)).toEqual(status === done ? [does] : []);
      if (status === 303) expect(answer.headers.get("location")).toBe(`/members/${did}${to}`);
    },
  );

  test.each(FORMS)(
    "from another site, or from nowhere known, nothing is done: %s %s",
    async (path, fields) => {
      const { asked, post } = setUp();
      for (const headers of [{ "sec-fetch-site": "cross-site" }, { origin: "https://evil.test" }, {}])
        expect((await post(path, "the member by link", fields, headers)).status).toBe(403);
      expect(asked).toEqual([]);
    },
  );

  test.each(FORMS)("what was not done is said: %s %s", async (path, fields) => {
    const { post } = setUp({ refused: "Not today." });
    const answer = await post(path, "manager" as Whom, fields);
    if (answer.status === 403) return expect(path).toContain("/people");
    expect(answer.status).toBe(409);
    expect(await answer.text()).toContain("Not today.");
  });
});

test.each([
  ["/domains", ""],
  [`/domains/${domain}/keys`, "how=later"],
  [`/domains/${domain}/remove`, ""],
  ["/credentials", "name=pds&streams=bulk"],
  ["/credentials", `name=pds&domains=${domain}`],
  ["/credentials", `name=pds&domains=${domain}&streams=bulk&hourly=0`],
  ["/webhooks", "url="],
  ["/tokens", "name=monitor"],
  ["/tokens", "name=&scopes=read"],
  ["/tokens", "name=monitor&scopes=people"],
  ["/tokens", "name=monitor&scopes=read&days=367"],
  ["/tokens", "name=monitor&scopes=read&days=0"],
  ["/bounces", "to=everybody"],
  ["/people", "account=ada.test&role=king"],
  ["/changes/12/appeal", "words="],
  ["/remedy", `words=${"x".repeat(2_001)}`],
])("a form that is not filled in as it should be does nothing: %s %s", async (path, fields) => {
  const { asked, post } = setUp();
  expect((await post(path, "the member by link", fields)).status).toBe(400);
  expect(asked).toEqual([]);
});

test("one domain is not taken out by the page of another, and one of nobody has no page", async () => {
  const { asked, get, post } = setUp();
  const other = await post(`/domains/${domain}/remove`, "the member by link", "sure=other.test");
  expect([other.status, asked]).toEqual([409, []]);
  expect((await get("/domains/other.test/remove", "the member by link")).status).toBe(404);
});

test("what is done is named after who asked, with what was typed", async () => {
  const { asked, post } = setUp();
  await post(
    "/credentials",
    "manager",
    `name=+pds+&domains=${domain}&streams=bulk&streams=transactional&daily=9`,
  );
  await post("/credentials/c1/revoke", "manager", "");
  await post("/webhooks", "committee", "url=https://x.test/");
  await post("/tokens", "manager", "name=+deploy+&scopes=domains");
  await post("/tokens/tok2/revoke", "committee", "");
  await post("/bounces", "the member by link", { to: "address", address: " ops@a.test " });
  await post("/replies", "the member by link", "address=");
  await post("/changes/12/appeal", "the member by link", "words=No");
  expect(asked).toEqual([
    [
      "makeCredential",
      did,
      { name: "pds", domains: [domain], streams: ["bulk", "transactional"], hourly: null, daily: 9 },
    ],
    ["revokeCredential", did, "c1", didOf(4)],
    ["setWebhook", did, "https://x.test/", "the committee"],
    ["makeToken", did, { name: "deploy", scopes: ["domains"], days: 90 }, didOf(4)],
    ["revokeToken", did, "tok2", "the committee"],
    ["chooseBounces", did, { to: "address", address: "ops@a.test" }],
    ["chooseReplies", did, null],
    ["appeal", did, 12, "No", "the member"],
  ]);
});

test("a secret is on the answer itself, which nobody keeps", async () => {
  const { get, post } = setUp();
  for (const [path, fields, secret] of [
    ["/credentials", `name=pds&domains=${domain}&streams=bulk`, "PDS_EMAIL=x"],
    ["/tokens", "name=monitor&scopes=read", "atmt_x"],
  ] as const) {
    const answer = await post(path, "manager", fields);
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
    const html = await answer.text();
    expect(html).toContain(secret);
    expect(html).not.toContain("data-live");
    expect(await (await get(path, "manager")).text()).not.toContain(secret);
  }
});
