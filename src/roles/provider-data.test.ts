import { afterEach, beforeEach, expect, test } from "vitest";
import type { EgressStatus } from "../egress/index.ts";
import type { Envelope } from "../event/index.ts";
import { DAY_MS } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { openingKeyFrom } from "../platform/seal.ts";
import { busMigration } from "../platform/bus/index.ts";
import { providerDataMigration } from "../provider-data/index.ts";
import { openCore } from "./core/core.fixture.ts";
import { coreMigrations } from "./core/index.ts";
import { providerDataApi } from "./provider-data-api.ts";
import { blocklistFigures, yahooFigures } from "./provider-data-own.ts";
import { createProviderPages, providerStates } from "./provider-data-pages.ts";
import { createProviderDesk, type ProviderDesk } from "./provider-data.ts";

const NOW = Date.UTC(2026, 5, 10, 12);
const ADA = "did:plc:ada";
const BEN = "did:plc:ben";
let core: Awaited<ReturnType<typeof openCore>>;
let desk: ProviderDesk;
let status: EgressStatus[] = [];
let rate = 0.004;

/** Google, with figures of two members' domains and of the pool's, which signs second. */
async function google(url: string | URL, init?: RequestInit): Promise<Response> {
  const { pathname } = new URL(url);
  if (pathname === "/token")
    return Response.json({ access_token: "a", token_type: "Bearer", expires_in: 3600 });
  if (pathname === "/v2/domains")
    return Response.json({
      domains: ["ada.test", "ben.test", "coop.test"].map((d) => ({ name: `domains/${d}` })),
    });
  if (pathname.endsWith("/complianceStatus"))
    return Response.json({
      complianceData: { rowData: [{ requirement: "DKIM", status: { status: "NEEDS_WORK" } }] },
    });
  const { metricDefinitions } = JSON.parse(String(init?.body)) as { metricDefinitions: { name: string }[] };
  const date = { year: 2026, month: 6, day: 8 };
  if (metricDefinitions[0]!.name === "f0")
    return Response.json({ domainStats: [{ metric: "f0", date, value: { floatValue: 0.002 } }] });
  const ids = pathname.includes("coop.test") ? [core.core.members.get(ADA)!.handle] : [];
  return Response.json({
    domainStats: [
      { metric: "spam_rate", date, value: { floatValue: rate } },
      { metric: "feedback_ids", date, value: { stringList: { values: ids } } },
    ],
  });
}

beforeEach(async () => {
  status = [];
  rate = 0.004;
  const db = new Database(":memory:", [busMigration, ...coreMigrations, providerDataMigration]);
  core = await openCore(NOW, { db });
  for (const [did, domain] of [
    [ADA, "ada.test"],
    [BEN, "ben.test"],
  ] as const) {
    core.core.admission.join(did, domain);
    await core.core.members.addDomain(did, domain);
  }
  const at = "https://google.test";
  desk = createProviderDesk({
    db,
    bus: core.bus,
    clock: core.clock,
    log: silentLog,
    scheduler: { every: () => {}, close: async () => {} },
    newEvent: core.newEvent,
    members: core.core.members,
    evidence: core.core.evidence,
    key: await openingKeyFrom(new Uint8Array(32).fill(9)),
    fetch: google,
    domain: "coop.test",
    authority: "did:web:coop.test",
    egress: () => ({ status: () => status }) as never,
    endpoints: { gmail: { authorizeUrl: `${at}/a`, tokenUrl: `${at}/token`, api: at } },
  });
});
afterEach(() => core.close());

const grant = { clientId: "c", clientSecret: undefined, refreshToken: "r" };
const connect = () => desk.connect("gmail", { way: "oauth", grant }, "rosa");

function reported(): Envelope[] {
  return core.core.events
    .recent(50)
    .map(({ envelope }) => envelope)
    .filter(({ data }) => data.action_name === "provider_reported");
}

test("each day of each subject is one event, of the member whose domain or handle it is", async () => {
  expect(await connect()).toMatchObject({ ok: true, changed: 4 });
  await desk.tell();
  await core.bus.settle();
  const told = reported().map(({ data: { data } }) => [
    data.member.did,
    data.detail?.["subject"],
    data.detail?.["level"],
  ]);
  const handle = core.core.members.get(ADA)!.handle;
  expect(told.sort()).toEqual(
    [
      [ADA, "ada.test", "bad"],
      [BEN, "ben.test", "bad"],
      ["did:web:coop.test", "coop.test", "bad"],
      [ADA, `coop.test/${handle}`, "warn"],
    ].sort(),
  );
});

const daysOf = (subject: string, kind: "domain" | "feedback-id" = "domain") =>
  desk.store.days({ provider: "gmail", kind, subject }, "2026-06-08", "2026-06-08").length;

test.each([
  ["at once", 0, true],
  ["after 89 days", 89, true],
  ["after 91 days", 91, false],
])("of a member that left, %s", async (_ago, days, kept) => {
  await connect();
  const own = { provider: "yahoo", kind: "member", subject: ADA } as const;
  desk.store.save({ days: [], subjects: [own] }, "yahoo", core.clock.now());
  const handle = core.core.members.get(ADA)!.handle;
  core.clock.advance(60_000);
  core.core.admission.leave(ADA, { reason: "", by: "Rosa" });
  core.clock.advance(days * DAY_MS);
  await desk.fetch("gmail");
  expect(daysOf("ada.test")).toBe(kept ? 1 : 0);
  expect(desk.store.subjects().some(({ subject }) => subject === ADA)).toBe(kept);
  expect(desk.store.subjects().some(({ subject }) => subject === "ada.test")).toBe(kept);
  expect([daysOf("ben.test"), daysOf("coop.test")]).toEqual([1, 1]);
  if (kept) expect(daysOf(`coop.test/${handle}`, "feedback-id")).toBe(1);
});

test("whoever takes over a domain sees nothing of who had it before", async () => {
  await connect();
  desk.store.save(
    {
      days: [
        {
          provider: "gmail",
          kind: "domain",
          subject: "ada.test",
          day: "2026-05-01",
          figures: { spam_rate: 1 },
        },
      ],
      subjects: [],
    },
    "gmail",
    core.clock.now(),
  );
  core.core.admission.leave(ADA, { reason: "", by: "Rosa" });
  core.clock.advance(DAY_MS);
  await core.core.members.addDomain(BEN, "ada.test");
  await desk.fetch("gmail");
  const about = { provider: "gmail", kind: "domain", subject: "ada.test" } as const;
  expect(desk.store.days(about, "2026-05-01", "2026-06-09").map(({ day }) => day)).toEqual(["2026-06-08"]);
});

test("told again nothing is new; revised figures are one more event, and the window counts the day once", async () => {
  await connect();
  await desk.pass();
  await desk.pass();
  await core.bus.settle();
  expect(reported()).toHaveLength(4);
  rate = 0.0002;
  await desk.fetch("gmail");
  await core.bus.settle();
  const ada = reported().filter(({ data }) => data.data.detail?.["subject"] === "ada.test");
  expect(ada.map(({ data }) => data.data.detail?.["window"])).toEqual([
    { days: 30, known: 1, warn: 0, bad: 0 },
    { days: 30, known: 1, warn: 0, bad: 1 },
  ]);
});

test("a member's page has its own domains alone; gaps are days without words", async () => {
  await connect();
  const pages = createProviderPages({ desk, members: core.core.members, clock: core.clock });
  const ada = pages.ofMember(ADA)!;
  expect(ada.connections).toBeNull();
  expect(ada.subjects.map(({ name }) => name)).toEqual([
    "ada.test",
    `coop.test/${core.core.members.get(ADA)!.handle}`,
  ]);
  const known = ada.subjects[0]!.days.filter(({ words }) => words !== null);
  expect(known).toEqual([
    { day: "2026-06-08", value: 0.004, level: "bad", words: expect.stringMatching(/0.4 %/) },
  ]);
  expect(ada.subjects[0]!.days).toHaveLength(30);
  expect(ada.subjects[0]!.compliance).toMatchObject([{ name: "DKIM", status: "unmet" }]);
  expect(JSON.stringify(ada)).not.toMatch(/ben\.test/);
  expect(pages.ofPool().subjects).toHaveLength(4);
  expect(pages.ofMember("did:plc:nobody")).toBeNull();
});

test("the command line's API: connects, lists, shows gaps, and never shows a login", async () => {
  const api = providerDataApi({
    desk,
    clock: core.clock,
    log: silentLog,
    mayAct: (token) => token === "committee",
  });
  const ask = async (method: string, path: string, body?: object) => {
    const headers = { authorization: "Bearer committee", "content-type": "application/json" };
    const response = await api.request(path, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  };
  expect((await api.request("/")).status).toBe(401);
  expect((await ask("POST", "/fetch", { provider: "gmail" })).status).toBe(404);
  expect((await ask("POST", "/connect", { provider: "gmail", by: "rosa" })).status).toBe(400);
  const login = { clientId: "c", refreshToken: "very-secret" };
  const connected = await ask("POST", "/connect", { provider: "gmail", grant: login, by: "rosa" });
  expect(JSON.parse(connected.text)).toMatchObject({
    looked: { ok: true },
    connection: { by: "rosa", broken: null },
  });
  const figures = await ask("GET", "/figures/gmail");
  expect(JSON.parse(figures.text)).toMatchObject({
    from: "2026-05-11",
    to: "2026-06-09",
    subjects: expect.arrayContaining([
      expect.objectContaining({
        subject: "ada.test",
        gaps: [
          { from: "2026-05-11", to: "2026-06-07", days: 28 },
          { from: "2026-06-09", to: "2026-06-09", days: 1 },
        ],
      }),
    ]),
  });
  const list = await ask("GET", "/");
  for (const { text } of [connected, figures, list]) expect(text).not.toMatch(/very-secret|sealed/);
  expect((await ask("POST", "/disconnect", { provider: "gmail" })).status).toBe(200);
  expect((await ask("POST", "/disconnect", { provider: "gmail" })).status).toBe(404);
  expect(JSON.parse((await ask("GET", "/figures/gmail")).text).subjects).toHaveLength(4);
});

test("a look that takes longer goes on after the answer", async () => {
  const first = Promise.withResolvers<void>();
  const slow = {
    ...desk,
    connect: async () => first.promise.then(() => ({ ok: false, why: "", broken: true }) as const),
  };
  const api = providerDataApi({
    desk: slow,
    clock: core.clock,
    log: silentLog,
    mayAct: () => true,
    patienceMs: 5,
  });
  const body = JSON.stringify({ provider: "gmail", grant: { clientId: "c", refreshToken: "r" }, by: "rosa" });
  const headers = { "content-type": "application/json" };
  const response = await api.request("/connect", { method: "POST", headers, body });
  expect(await response.json()).toMatchObject({ looked: { faults: [expect.stringMatching(/goes on/)] } });
  first.resolve();
});

test("a connection without a look for two days is late", async () => {
  await connect();
  const { store } = desk;
  expect(providerStates(store, NOW + DAY_MS)[0]).toMatchObject({ provider: "gmail", state: "good" });
  expect(providerStates(store, NOW + 3 * DAY_MS)[0]).toMatchObject({ state: "late" });
  store.failed("gmail", NOW, NOW, "invalid_grant", true);
  expect(providerStates(store, NOW)[0]).toMatchObject({ state: "broken", since: NOW, why: "invalid_grant" });
  expect(providerStates(store, NOW)[1]).toMatchObject({ provider: "microsoft", state: "none" });
});

test("Yahoo: from a member's first day on, a day without is a true zero; today is left out", () => {
  const today = Math.floor(NOW / DAY_MS);
  const ofProvider = () => [
    { did: ADA, day: today - 3, delivered: 10, complaints: 1 },
    { did: ADA, day: today - 1, delivered: 4, complaints: 0 },
    { did: ADA, day: today, delivered: 9, complaints: 0 },
  ];
  expect(yahooFigures({ ofProvider }, NOW).days.map(({ day, figures }) => [day, figures])).toEqual([
    ["2026-06-07", { delivered: 10, complaints: 1 }],
    ["2026-06-08", { delivered: 0, complaints: 0 }],
    ["2026-06-09", { delivered: 4, complaints: 0 }],
  ]);
});

test("blocklists: the worst of the day stays, and a day on which no list answered has no row", async () => {
  const listing = (state: "clear" | "listed" | "silent", listed: boolean) => ({
    list: "bl.example",
    state,
    evidence: "",
    checkedAt: NOW,
    listed: listed ? { since: NOW, codes: ["127.0.0.2"], text: "" } : undefined,
    clear: 0,
  });
  const one = {
    address: "192.0.2.1",
    ehlo: "mx.test",
    out: undefined,
    warm: true,
    reverse: undefined,
    providers: [],
  };
  const days = () =>
    desk.store
      .days({ provider: "blocklists", kind: "address", subject: "192.0.2.1" }, "2026-06-01", "2026-06-30")
      .map(({ figures }) => figures);
  status = [{ ...one, listings: [listing("silent", false)] }];
  await desk.pass();
  expect(days()).toEqual([]);
  status = [{ ...one, listings: [listing("listed", true)] }];
  await desk.pass();
  status = [{ ...one, listings: [listing("clear", false)] }];
  await desk.pass();
  expect(days()).toEqual([{ asked: 1, listed: 1, lists: "bl.example" }]);
  expect(reported()).toEqual([]);
  expect(blocklistFigures([{ ...one, address: "", listings: [] }], NOW, () => undefined).subjects).toEqual(
    [],
  );
});
