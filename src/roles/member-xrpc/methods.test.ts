import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { joinXrpc } from "../join-xrpc.ts";
import { listingXrpc } from "../zone/listing-xrpc.ts";
import { emailXrpc } from "../xrpc.ts";
import { memberXrpc } from "./index.ts";
import { ADA, BOB, EVE, NOW, openMemberApi } from "./member-xrpc.fixture.ts";

let api: Awaited<ReturnType<typeof openMemberApi>>;
let key: string;
beforeEach(async () => {
  api = await openMemberApi();
  key = api.token(ADA);
});
afterEach(() => api.close());

async function withDomain(domain = "ada.test") {
  api.prove(ADA, domain);
  expect((await api.post("addDomain", key, { domain })).status).toBe(200);
}

test("how a member stands, and what it says of that", async () => {
  expect((await api.get("getStanding", key)).body).toMatchObject({
    did: ADA,
    membership: "member",
    standing: "good",
    tier: "new",
    joinedAt: new Date(NOW).toISOString(),
    isRemedyAsked: false,
    changes: [],
  });
  expect((await api.get("getLimits", key)).body).toMatchObject({ tier: "new", limits: [], waitsAt: [] });
  await api.core.decide(ADA, "probation", { by: "rosa", why: "Bounces" });
  const { body } = await api.get("getStanding", key);
  expect(body).toMatchObject({
    standing: "probation",
    isRemedyAsked: true,
    changes: [
      { from: "good", to: "probation", decidedBy: "committee", by: "rosa", appeal: { state: "open" } },
    ],
  });
  const [{ id: change }] = body["changes"] as [{ id: number }];
  expect((await api.post("appeal", key, { change, words: " It was a test. " })).body).toMatchObject({
    change,
    words: "It was a test.",
  });
  expect(await api.post("appeal", key, { change, words: "Again" })).toMatchObject({
    status: 400,
    body: { error: "AppealedAlready" },
  });
  expect((await api.post("appeal", api.token(BOB), { change, words: "No" })).body).toMatchObject({
    error: "NotFound",
  });
  expect((await api.post("confirmRemedy", key, { words: "We confirm addresses." })).body).toHaveProperty(
    "standing",
    "probation",
  );
  expect((await api.get("getStanding", key)).body).toMatchObject({
    isRemedyAsked: false,
    changes: [{ appeal: { state: "waits", words: "It was a test." } }],
  });
  expect((await api.post("confirmRemedy", key, { words: "  " })).body["error"]).toBe("InvalidRequest");
});

describe("domains", () => {
  test("one is added once it names the account, listed, and taken out", async () => {
    expect(await api.post("addDomain", key, { domain: "ada.test" })).toMatchObject({
      status: 400,
      body: { error: "NotProved", message: expect.stringContaining(`did=${ADA}`) },
    });
    await withDomain();
    expect((await api.get("listDomains", key)).body).toMatchObject({
      domains: [{ domain: "ada.test", status: "held", findings: [], keys: { publish: [] } }],
    });
    expect((await api.get("listDomains", api.token(BOB))).body).toEqual({ domains: [] });
    const found = await api.get("lookForRecords", key, { domain: "Ada.test" });
    expect(found.body).toMatchObject({ domain: "ada.test" });
    const states = (found.body["records"] as { state: string }[]).map(({ state }) => state);
    expect(states).toContain("no-name");
    for (const name of ["lookForRecords", "getDomainRemoval"]) {
      const foreign = await api.get(name, api.token(BOB), { domain: "ada.test" });
      expect(foreign.body["error"]).toBe("DomainNotHeld");
    }
    const taken = await api.post("removeDomain", api.token(BOB), { domain: "ada.test" });
    expect(taken.body).toHaveProperty("error", "DomainNotHeld");
    await api.post("issueCredential", key, { name: "pds", domains: ["ada.test"] });
    expect((await api.get("getDomainRemoval", key, { domain: "ada.test" })).body).toMatchObject({
      domain: "ada.test",
      narrowed: [],
      revoked: [{ name: "pds" }],
      isLast: true,
    });
    expect((await api.post("removeDomain", key, { domain: "Ada.test" })).body).toMatchObject({
      domain: "ada.test",
      narrowed: [],
      revoked: [{ name: "pds" }],
    });
    const [note] = api.core.standings.notes.list(ADA, 1);
    expect(note!.body).toContain('By API token "test".');
  });

  test("keys turn, and go back before they sign", async () => {
    await withDomain();
    const turn = (action: string) => api.post("rotateKeys", key, { domain: "ada.test", action });
    expect((await turn("cancel")).body["error"]).toBe("NoRotation");
    expect((await turn("rotate")).body["publish"]).toHaveLength(2);
    expect((await turn("rotate")).body["error"]).toBe("RotationUnderWay");
    expect((await turn("hurry")).body["publish"]).toHaveLength(2);
    expect((await turn("cancel")).body["publish"]).toEqual([]);
    for (const action of ["", "constructor", "toString", "burn"])
      expect((await turn(action)).body["error"]).toBe("InvalidRequest");
  });
});

test("a credential's secret is in one answer, and in no list", async () => {
  await withDomain();
  const wish = { name: " blog ", domains: ["Ada.test"], streams: ["bulk"], daily: 20 };
  const { body: made } = await api.post("issueCredential", key, wish);
  expect(made).toMatchObject({ name: "blog", domains: ["ada.test"] });
  expect(made["environment"]).toContain("@mx.coop.test:465");
  const listed = await api.get("listCredentials", key);
  expect(listed.body).toMatchObject({ credentials: [{ name: "blog", streams: ["bulk"], daily: 20 }] });
  const hook = await api.post("setWebhook", key, { url: "https://hooks.ada.test/x" });
  const all = [listed, await api.get("getWebhook", key), await api.get("getSettings", key)];
  const text = JSON.stringify([all.map(({ body }) => body), (await api.get("getStanding", key)).body]);
  for (const secret of [made["secret"], hook.body["secret"], key]) {
    expect(secret).toMatch(/^(atms_|whsec_|atmt_)/);
    expect(text).not.toContain(String(secret));
  }
  for (const bad of [{ streams: [] }, { streams: ["spam"] }, { name: " " }, { daily: 0 }, { domains: "x" }])
    expect((await api.post("issueCredential", key, { ...wish, ...bad })).body["error"]).toBe(
      "InvalidRequest",
    );
  expect((await api.post("issueCredential", key, { ...wish, domains: ["bob.test"] })).body["error"]).toBe(
    "DomainNotHeld",
  );
  const revoke = (bearer: string) => api.post("revokeCredential", bearer, { id: made["id"] });
  expect((await revoke(api.token(BOB))).body["error"]).toBe("NotFound");
  expect((await revoke(key)).body).toEqual({ id: made["id"] });
  expect((await api.get("listCredentials", key)).body).toMatchObject({
    credentials: [{ revokedBy: 'API token "test"' }],
  });
});

test("a receiver is named, tried and removed", async () => {
  expect((await api.post("testWebhook", key)).body["error"]).toBe("NoReceiver");
  expect((await api.post("setWebhook", key, { url: "ftp://x.test" })).body["error"]).toBe("BadAddress");
  await api.post("setWebhook", key, { url: "https://hooks.ada.test/x" });
  expect((await api.post("testWebhook", key)).body).toEqual({ ok: true, status: 204 });
  api.setAnswer({ ok: false, status: null, why: "no answer" });
  expect((await api.post("testWebhook", key)).body).toEqual({ ok: false, why: "no answer" });
  expect((await api.get("getWebhook", key)).body).toMatchObject({
    receiver: { url: "https://hooks.ada.test/x", setBy: 'API token "test"' },
    messages: [],
  });
  expect((await api.post("removeWebhook", key)).body).toEqual({});
  expect((await api.get("getWebhook", key)).body).toEqual({ messages: [] });
});

test("settings are chosen one at a time, and people are only read", async () => {
  await withDomain();
  api.core.members.setDomainStatus("ada.test", "active");
  api.act(ADA, EVE, "viewer");
  const set = (body: object) => api.post("updateSettings", key, body);
  expect((await set({ bounces: { to: "address", address: "ops@ada.test" } })).body).toMatchObject({
    bounces: { to: "address", address: "ops@ada.test" },
    people: [{ did: EVE, role: "viewer" }],
  });
  expect((await set({ replies: "help@ada.test" })).body["replies"]).toBe("help@ada.test");
  expect((await set({ replies: null })).body).not.toHaveProperty("replies");
  expect((await set({ bounces: { to: "sender" } })).body["bounces"]).toEqual({ to: "sender" });
  expect((await set({ replies: "eve@evil.test" })).body["error"]).toBe("NotItsAddress");
  for (const bad of [{}, { bounces: { to: "nobody" }, replies: null }, { bounces: { to: "all" } }])
    expect((await set(bad)).body["error"]).toBe("InvalidRequest");
  expect((await api.get("getSettings", key)).body["bounces"]).toEqual({ to: "sender" });
});

describe("mail", () => {
  test("its log has filters and a cursor, and masks whom it was for", async () => {
    const { body } = await api.get("listMessages", key, {
      from: "Ada.test",
      state: "bounced",
      since: "2026-01-01T00:00:00Z",
      cursor: "12",
    });
    const filter = { fromDomain: "ada.test", states: ["bounced"], since: Date.UTC(2026, 0, 1), did: ADA };
    expect(api.asked).toEqual([{ filter, before: 12 }]);
    const attempts = [{ code: 550, text: "b…@mail.test: no such user b…" }];
    expect(body).toMatchObject({
      isKnown: true,
      cursor: "7",
      messages: [{ id: "m1", domain: "ada.test", recipients: [{ address: "b…@mail.test", attempts }] }],
    });
    const found = await api.get("getMessage", key, { id: "m1" });
    expect(found.body).toMatchObject({ returnPath: "n…@ada.test", told: [{ sentTo: "o…@ada.test" }] });
    expect(JSON.stringify([body, found.body])).not.toContain("berta");
  });

  test("it is traced by an address that stands in the body, and of another member nothing is found", async () => {
    const traced = await api.post("traceAddress", key, { address: " berta@mail.test " });
    expect(api.asked).toEqual([{ filter: { did: ADA, recipient: "berta@mail.test" }, before: undefined }]);
    expect(JSON.stringify(traced.body)).not.toContain("berta");
    const bobs = api.token(BOB);
    expect((await api.post("traceAddress", bobs, { address: "berta@mail.test" })).body["messages"]).toEqual(
      [],
    );
    expect(await api.get("getMessage", bobs, { id: "m1" })).toMatchObject({
      status: 404,
      body: { error: "MessageNotFound" },
    });
    expect((await api.get("traceAddress", key, { address: "berta@mail.test" })).status).toBe(405);
  });

  test.each<Record<string, string>>([
    { state: "lost" },
    { stream: "spam" },
    { cursor: "0" },
    { cursor: "x" },
    { since: "yesterday" },
    { member: "ada" },
  ])("%j is no question", async (params) => {
    expect(await api.get("listMessages", key, params)).toMatchObject({
      status: 400,
      body: { error: "InvalidRequest" },
    });
    expect(api.asked).toEqual([]);
  });

  test("what became of it at each provider", async () => {
    expect((await api.get("getDelivery", key)).body).toMatchObject({
      providers: [],
      codes: { took: { count: 0 }, late: [], slow: [] },
    });
  });
});

test("a test is made, or sent in the name of a domain of its own, and is there with what came", async () => {
  const made = await api.post("makeTest", key);
  expect(made.body).toMatchObject({
    address: expect.stringMatching(/^test-.*@bounce\.coop\.test$/),
    arrivals: [],
  });
  const foreign = await api.post("makeTest", key, { domain: "bob.test" });
  expect([foreign.status, foreign.body["error"]]).toEqual([400, "DomainNotHeld"]);
  await api.core.members.addDomain(ADA, "ada.test");
  expect((await api.post("makeTest", key, { domain: "ada.test" })).body).toMatchObject({
    domain: "ada.test",
  });
  expect((await api.get("listTests", key)).body["tests"]).toHaveLength(2);
  for (let i = 2; i < 20; i++) await api.post("makeTest", key);
  expect((await api.post("makeTest", key)).body).toMatchObject({
    error: "TooManyTests",
    message: expect.stringContaining("2026-01-16 00:00 UTC"),
  });
});

const methodsIn = () => {
  const directory = join(import.meta.dirname, "../../../lexicons/community/email");
  return readdirSync(directory)
    .map((name) => JSON.parse(readFileSync(join(directory, name), "utf8")))
    .filter(({ defs }) => ["query", "procedure", "permission-set"].includes(defs.main?.type))
    .map(({ id, defs }) => ({ id: String(id), main: defs.main }));
};
const isSet = ({ main }: { main: { type: string } }) => main.type === "permission-set";

test("the permission set asks for each method but those that an app must name: they end or take all", () => {
  const all = methodsIn();
  const asked = new Set(
    all.find(isSet)!.main.permissions.flatMap(({ lxm }: { lxm?: string[] }) => lxm ?? []),
  );
  const others = all.filter((one) => !isSet(one)).map(({ id }) => id);
  expect(asked.size).toBeGreaterThan(40);
  expect(others.filter((id) => !asked.has(id))).toEqual(
    ["deleteData", "exportData", "leave"].map((name) => `community.email.${name}`),
  );
  expect([...asked].filter((id) => !others.includes(id as string))).toEqual([]);
});

test("each method of the lexicons is served", () => {
  const methods = methodsIn()
    .filter((one) => !isSet(one))
    .map(({ id }) => `/xrpc/${id}`);
  const nothing = {} as never;
  const common = { authority: "community.email", mayCall: () => true };
  const apps = [
    joinXrpc({ ...common, join: nothing, caller: nothing, did: "", name: "", publicUrl: "https://x.test" }),
    memberXrpc({
      ...common,
      desk: api.desk,
      shown: { core: api.core } as never,
      pages: nothing,
      taking: api.taking,
      serviceAuth: undefined,
      mayUse: () => true,
      inClear: () => false,
      now: () => NOW,
    }),
    emailXrpc({
      ...common,
      labeler: { labels: { onLabels() {} } } as never,
      clock: api.clock,
      trustedProxies: [],
      checks: nothing,
    }),
    listingXrpc(nothing, { authority: "community.email", checks: nothing }),
  ];
  const served = new Set(apps.flatMap(({ routes }) => routes.map(({ path }) => path)));
  expect(methods.length).toBeGreaterThan(25);
  expect(methods.filter((path) => !served.has(path))).toEqual([]);
});
