import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TOKEN_SCOPES, type TokenScope } from "../../account/index.ts";
import { ADA, BOB, EVE, NOW, openMemberApi } from "./member-xrpc.fixture.ts";

const DAY = 86_400_000;
let api: Awaited<ReturnType<typeof openMemberApi>>;
beforeEach(async () => void (api = await openMemberApi()));
afterEach(() => api.close());

/** Each method, what a token needs for it (null: none may), and a body where it is a procedure. */
const METHODS: [name: string, scope: TokenScope | null, body: object | null][] = [
  ["getStanding", "read", null],
  ["getLimits", "read", null],
  ["listDomains", "read", null],
  ["lookForRecords", "read", null],
  ["getDomainRemoval", "read", null],
  ["listCredentials", "read", null],
  ["getWebhook", "read", null],
  ["getSettings", "read", null],
  ["getDelivery", "read", null],
  ["listTests", "read", null],
  ["makeTest", "domains", {}],
  ["listMessages", "messages", null],
  ["getMessage", "messages", null],
  ["traceAddress", "messages", { address: "berta@mail.test" }],
  ["addDomain", "domains", { domain: "ada.test" }],
  ["rotateKeys", "domains", { domain: "ada.test", action: "rotate" }],
  ["removeDomain", "domains", { domain: "ada.test" }],
  ["issueCredential", "credentials", { name: "pds", domains: ["ada.test"] }],
  ["revokeCredential", "credentials", { id: "c1" }],
  ["setWebhook", "webhooks", { url: "https://hooks.ada.test/" }],
  ["removeWebhook", "webhooks", {}],
  ["testWebhook", "webhooks", {}],
  ["updateSettings", "settings", { bounces: { to: "nobody" } }],
  ["appeal", "standing", { change: 1, words: "No" }],
  ["confirmRemedy", "standing", { words: "Mended" }],
  ["answerPause", "pauses", { pause: 1, answer: "this-was-me" }],
  ["listSuppressions", "messages", null],
  ["findSuppressions", "messages", { address: "berta@mail.test" }],
  ["releaseSuppression", "suppressions", { id: 1 }],
  ["getReports", "read", null],
  ["getProviderData", "read", null],
  ["listChangeEvents", "messages", null],
  ["exportData", "export", null],
  ["getProof", "read", null],
  ["getLeaving", "read", null],
  ["listVouches", "read", null],
  ["vouch", null, { account: BOB }],
  ["withdrawVouch", null, { id: 1 }],
  ["leave", null, { name: "somebody" }],
  ["deleteData", null, { name: "somebody" }],
];
const PARAMS: Record<string, Record<string, string>> = {
  getMessage: { id: "m1" },
  getReports: { domain: "ada.test" },
  lookForRecords: { domain: "ada.test" },
  getDomainRemoval: { domain: "ada.test" },
  listChangeEvents: { change: "1" },
};
const params = (name: string) => PARAMS[name] ?? {};
/** There is nothing of the kind here: Ada holds no domain, and nothing changed her standing. */
const ABSENT = ["getReports", "lookForRecords", "getDomainRemoval", "listChangeEvents"];
const answered = (name: string) => (ABSENT.includes(name) ? 400 : 200);
const OF_OWNERS = ["leave", "deleteData"];
const readsOnly = (scope: TokenScope | null) => scope === "read" || scope === "messages";
const ask = (name: string, body: object | null, bearer: string | null, more: { member?: string } = {}) =>
  body === null
    ? api.get(name, bearer, { ...params(name), ...more })
    : api.post(name, bearer, { ...body, ...more });

describe.each(METHODS)("%s", (name, scope, body) => {
  test("a token needs its scope, and reaches its own member alone", async () => {
    const others = TOKEN_SCOPES.filter((one) => one !== scope);
    expect(await ask(name, body, api.token(ADA, others))).toMatchObject({
      status: 403,
      body:
        scope === null
          ? { error: "AccountNeeded" }
          : { error: "ScopeMissing", message: expect.stringContaining(`"${scope}"`) },
    });
    const whole = api.token(ADA);
    const foreign = await ask(name, body, whole, { member: BOB });
    const nobody = await ask(name, body, whole, { member: EVE });
    expect([foreign.status, foreign.body["error"]]).toEqual([404, "MemberNotFound"]);
    expect(String(foreign.body["message"]).replace(BOB, EVE)).toBe(nobody.body["message"]);
    if (scope === null) return;
    const own = await ask(name, body, api.token(ADA, [scope]), { member: ADA });
    expect([401, 403, 404, 405, 429, 500]).not.toContain(own.status);
  });

  test("an account reads as a viewer, writes as a manager, and is nobody elsewhere", async () => {
    api.act(ADA, EVE, "viewer");
    const asEve = async (member: string) => ask(name, body, await api.jwt(EVE, name), { member });
    const viewer = await asEve(ADA);
    if (readsOnly(scope)) expect(viewer.status).toBe(body === null ? answered(name) : 200);
    else expect([viewer.status, viewer.body["error"]]).toEqual([403, "RoleMissing"]);
    api.act(ADA, EVE, "manager");
    const manager = await asEve(ADA);
    if (OF_OWNERS.includes(name)) expect(manager.body["error"]).toBe("RoleMissing");
    else expect([200, 400]).toContain(manager.status);
    api.act(ADA, EVE, "owner");
    expect([200, 400]).toContain((await asEve(ADA)).status);
    expect(await asEve(BOB)).toMatchObject({ status: 404, body: { error: "MemberNotFound" } });
    const own = await ask(name, body, await api.jwt(ADA, name));
    expect([200, 400]).toContain(own.status);
    const none = await ask(name, body, await api.jwt(EVE, name));
    expect([none.status, none.body["error"]]).toEqual([404, "MemberNotFound"]);
  });

  test("nobody else, nothing by another verb, nothing without bound, and it is kept by no cache", async () => {
    expect(await ask(name, body, null)).toMatchObject({ status: 401, body: { error: "AuthMissing" } });
    expect(await ask(name, body, `atmt_${"x".repeat(43)}`)).toMatchObject({
      status: 401,
      body: { error: "InvalidToken" },
    });
    const wrong = await api.raw(name, api.token(ADA), { method: body === null ? "POST" : "PUT" });
    expect(wrong.status).toBe(405);
    const long = await api.raw(name, api.token(ADA), { method: "POST", body: "x".repeat(33_000) });
    expect([long.status, await long.json()]).toMatchObject([413, { error: "PayloadTooLarge" }]);
    const answer = await ask(name, body, api.token(ADA));
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const own = await api.raw(
      `org.example.mail.${name}?${new URLSearchParams(params(name))}`,
      api.token(ADA),
      {
        ...(body !== null && { method: "POST", body: JSON.stringify(body) }),
      },
    );
    expect(own.status).toBe(body === null ? answered(name) : own.status);
    expect(own.status).not.toBe(404);
  });
});

describe("a token is dead", () => {
  const standing = async (bearer: string) => {
    const { status, body } = await api.get("getStanding", bearer);
    return status === 200 ? "alive" : body["error"];
  };

  test("at its end, and when it is revoked", async () => {
    const [short, long] = [api.token(ADA, ["read"], 1), api.token(ADA)];
    expect([await standing(short), await standing(long)]).toEqual(["alive", "alive"]);
    api.clock.set(NOW + DAY);
    expect([await standing(short), await standing(long)]).toEqual(["ExpiredToken", "alive"]);
    for (const { id } of api.core.tokens.of(ADA, NOW)) api.core.tokens.revoke(ADA, id, ADA, NOW + 1);
    expect(await standing(long)).toBe("InvalidToken");
  });

  test("when its member leaves, also when it comes back", async () => {
    const secret = api.token(ADA);
    api.core.admission.leave(ADA, { by: "ada", reason: "" });
    expect(await standing(secret)).toBe("InvalidToken");
    expect(api.core.tokens.of(ADA, NOW)).toEqual([]);
    // Not that one only: none that were somehow kept.
    expect(await standing(api.token(ADA))).toBe("InvalidToken");
    api.core.admission.join(ADA, "Ada");
    expect(await standing(secret)).toBe("InvalidToken");
  });

  test("and its own account only reads then", async () => {
    api.core.admission.leave(ADA, { by: "ada", reason: "" });
    expect((await api.get("getStanding", await api.jwt(ADA, "getStanding"))).body).toMatchObject({
      membership: "left",
    });
    const over = ["exportData", "deleteData"];
    for (const [name, scope, body] of METHODS.filter(([one, of]) => !readsOnly(of) && !over.includes(one)))
      expect([scope, (await api.post(name, await api.jwt(ADA, name), body!)).body["error"]]).toEqual([
        scope,
        "HasLeft",
      ]);
  });

  test("an ejected member's programs only read and appeal, and its people do the rest", async () => {
    const secret = api.token(ADA);
    await api.core.decide(ADA, "ejected", { by: "rosa", why: "Phishing" });
    expect(await standing(secret)).toBe("alive");
    const change = api.core.standings.changesOf(ADA, 1)[0]!.id;
    expect((await api.post("appeal", secret, { change, words: "It was not us." })).status).toBe(200);
    const hook = { url: "https://hooks.ada.test/" };
    expect(await api.post("setWebhook", secret, hook)).toMatchObject({
      status: 403,
      body: { error: "Ejected", message: expect.stringContaining("read, messages, standing, export") },
    });
    expect((await api.post("setWebhook", await api.jwt(ADA, "setWebhook"), hook)).status).toBe(200);
  });

  test("an account that acts for a member no more is nobody from the next call on", async () => {
    api.act(ADA, EVE, "manager");
    const ask = async () => api.get("getStanding", await api.jwt(EVE, "getStanding"), { member: ADA });
    expect((await ask()).status).toBe(200);
    api.core.people.remove(ADA, EVE);
    expect((await ask()).status).toBe(404);
  });
});

test("a token of an account's server opens one call of the method that it names", async () => {
  const jwt = await api.jwt(ADA, "getStanding");
  expect(await api.get("getLimits", jwt)).toMatchObject({
    status: 401,
    body: { error: "BadJwtLexiconMethod" },
  });
  expect((await api.get("getStanding", jwt)).status).toBe(200);
  expect(await api.get("getStanding", jwt)).toMatchObject({ status: 401, body: { error: "JwtReplayed" } });
});

test.each([
  [{ mayCall: () => false }, "your address"],
  [{ mayUse: () => false }, "this token"],
])("too many calls are refused: %j", async (bound, words) => {
  const other = await openMemberApi(bound);
  const answer = await other.get("getStanding", other.token(ADA));
  expect(answer).toMatchObject({
    status: 429,
    body: { error: "RateLimitExceeded", message: expect.stringContaining(words) },
  });
  expect(answer.headers.get("retry-after")).toBe("60");
  await other.close();
});

test("where no account can be looked up, tokens of members open all the same", async () => {
  const alone = await openMemberApi({ withAccounts: false });
  expect((await alone.get("getStanding", alone.token(ADA))).status).toBe(200);
  expect(await alone.get("getStanding", await alone.jwt(ADA, "getStanding"))).toMatchObject({
    status: 401,
    body: { error: "AuthMissing" },
  });
  await alone.close();
});

test("what came in clear where it must not is done for nobody, whatever its token", async () => {
  const open = await openMemberApi({ inClear: () => true });
  for (const bearer of [open.token(ADA), await open.jwt(ADA, "getStanding"), null])
    expect(await open.get("getStanding", bearer)).toMatchObject({
      status: 403,
      body: { error: "HttpsRequired", message: expect.stringContaining("revoke it") },
    });
  await open.close();
});

test.each(["", "{", "[]", '"x"', "null"])("%j for a body does nothing", async (body) => {
  for (const name of ["addDomain", "setWebhook"]) {
    const answer = await api.raw(name, api.token(ADA), { method: "POST", body });
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: "InvalidRequest" }]);
  }
});

test("what cannot be read does nothing, also where no field is needed", async () => {
  api.desk.webhook.set(ADA, "https://hooks.ada.test/", ADA);
  const answer = await api.raw("removeWebhook", api.token(ADA), {
    method: "POST",
    body: `{"member": "${BOB}"`,
  });
  expect(answer.status).toBe(400);
  expect(api.desk.webhook.of(ADA)).toMatchObject({ receiver: { setBy: ADA } });
});
