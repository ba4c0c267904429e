import { afterEach, expect, test } from "vitest";
import type { ProviderPages } from "../../web/index.ts";
import { ADA, BOB, NOW, openMemberApi } from "./member-xrpc.fixture.ts";

let api: Awaited<ReturnType<typeof openMemberApi>>;
let key: string;
async function open(own: Parameters<typeof openMemberApi>[0] = {}) {
  api = await openMemberApi(own);
  key = api.token(ADA);
}
afterEach(() => api.close());

/** A breaker stops Ada's credential. */
async function trip(): Promise<{ pause: number; credential: string }> {
  await api.core.members.addDomain(ADA, "ada.test");
  const made = api.core.members.createCredential(ADA, ["ada.test"]);
  if ("error" in made) throw new Error(made.error);
  const about = {
    member: { did: ADA, domain: "ada.test" },
    credential: made.id,
    detail: { cause: "content" },
  };
  api.core.pauseDesk.record(api.newEvent("member_paused", { dedupe_key: "p", ...about }));
  return { pause: api.core.pauses.open(ADA)[0]!.id, credential: made.id };
}
const end = () => api.core.pauses.of(ADA, 1)[0]!.end;

test("a breaker's pause is answered once, by its own member, and what replaces its credential is answered", async () => {
  await open();
  const { pause, credential } = await trip();
  expect((await api.get("getStanding", key)).body).toMatchObject({
    pauses: [{ id: pause, credential, isOpen: true, isAnswerable: true }],
  });
  const answer = (bearer: string, said: string, more = {}) =>
    api.post("answerPause", bearer, { pause, answer: said, ...more });
  for (const said of ["resumed", "toString", ""])
    expect((await answer(key, said)).body["error"]).toBe("InvalidRequest");
  expect((await answer(api.token(BOB), "this-was-me")).body["error"]).toBe("NotPaused");
  expect(end()).toBeNull();
  expect((await answer(key, "this-was-me")).body).toMatchObject({
    credentials: [
      { secret: expect.stringMatching(/^atms_/), environment: expect.stringContaining("@mx.coop.test:465") },
    ],
  });
  expect(end()).toMatchObject({ how: "this-was-me", by: 'API token "test"', reason: "It was the member." });
  expect(await answer(key, "this-was-me")).toMatchObject({
    status: 400,
    body: { error: "NotPaused", message: expect.stringContaining("answered before") },
  });
  expect((await api.get("getStanding", key)).body).toMatchObject({ pauses: [{ isAnswerable: false }] });
});

test("what somebody else sent is dropped, for a reason that the member may give", async () => {
  await open();
  const { pause } = await trip();
  await api.post("answerPause", key, { pause, answer: "this-was-not-me", reason: " The key leaked. " });
  expect(end()).toMatchObject({ how: "this-was-not-me", reason: "The key leaked." });
});

test("what a person began, a person ends", async () => {
  await open();
  api.core.pauseDesk.pause(ADA, { credential: null, reason: "Asked", by: "rosa" });
  const { id: pause } = api.core.pauses.open(ADA)[0]!;
  expect((await api.get("getStanding", key)).body).toMatchObject({ pauses: [{ isAnswerable: false }] });
  expect((await api.post("answerPause", key, { pause, answer: "this-was-me" })).body["error"]).toBe(
    "NotYours",
  );
  expect(end()).toBeNull();
});

const keyOf = (address: string) => `key of ${address}`;
async function suppress(did: string | null, address: string, from = "") {
  const about = { did, streams: "all", reason: "manual", expiresAt: null, by: "rosa" } as const;
  const domain = from || address.split("@")[1]!;
  await api.core.suppressions.add({ key: keyOf(address), domain }, about);
}
type Listed = { id: number; domain: string };
const listed = async (params: Record<string, string> = {}) =>
  (await api.get("listSuppressions", key, params)).body as { suppressions: Listed[]; cursor?: string };

test("suppressed recipients are listed by page, masked, and found by an address that stands in the body", async () => {
  await open({ keyOf });
  for (let i = 0; i < 51; i++) await suppress(ADA, `berta@mail${i}.test`);
  await suppress(BOB, "berta@bobs.test");
  const first = await listed();
  expect(first).toMatchObject({ counts: [{ reason: "manual", count: 51 }], cursor: expect.any(String) });
  const rest = await listed({ cursor: first.cursor! });
  expect(rest).not.toHaveProperty("cursor");
  const domains = [...first.suppressions, ...rest.suppressions].map(({ domain }) => domain);
  expect(domains).toEqual(Array.from({ length: 51 }, (_, i) => `mail${50 - i}.test`));
  expect(first.suppressions[0]).toMatchObject({ address: "…@mail50.test", isPools: false, by: "rosa" });
  const found = await api.post("findSuppressions", key, { address: " berta@mail3.test " });
  expect(found.body).toMatchObject({ isKnown: true, suppressions: [{ address: "b…@mail3.test" }] });
  expect((await api.post("findSuppressions", key, { address: "berta@bobs.test" })).body).toEqual({
    isKnown: true,
    suppressions: [],
  });
  expect(JSON.stringify([first, found.body])).not.toContain("berta");
  expect((await api.get("listSuppressions", key, { cursor: "x" })).body["error"]).toBe("InvalidRequest");
  expect((await api.post("findSuppressions", key, { address: "berta" })).body["error"]).toBe(
    "InvalidRequest",
  );
});

test("of whom nobody knows the name, the domain alone is told; without a relay nothing is known", async () => {
  await open();
  await suppress(ADA, "berta@mail.test");
  expect((await api.post("findSuppressions", key, { address: "berta@mail.test" })).body).toEqual({
    isKnown: false,
    suppressions: [],
  });
});

test("a member releases what binds it, once; what binds everybody goes on for the others", async () => {
  await open({ keyOf });
  await suppress(ADA, "berta@mail.test");
  await suppress(BOB, "carl@mail.test");
  const [own] = (await listed()).suppressions;
  const [bobs] = api.core.suppressions.list({ did: BOB, limit: 1 });
  const release = (id: number) => api.post("releaseSuppression", key, { id });
  expect((await release(bobs!.id)).body["error"]).toBe("NotFound");
  expect((await release(own!.id)).body).toEqual({ id: own!.id });
  expect((await release(own!.id)).body["error"]).toBe("NotFound");
  expect(api.core.suppressions.get(own!.id)).toMatchObject({ releasedBy: 'API token "test"' });
  await suppress(null, "dora@mail.test");
  const find = async (bearer: string) =>
    (await api.post("findSuppressions", bearer, { address: "dora@mail.test" })).body as {
      suppressions: { id: number; isPools: boolean }[];
    };
  const [pools] = (await find(key)).suppressions;
  expect(pools).toMatchObject({ isPools: true });
  expect((await release(pools!.id)).status).toBe(200);
  expect((await find(key)).suppressions).toEqual([]);
  expect((await find(api.token(BOB))).suppressions).toHaveLength(1);
});

test("reports are those of its own domains, with what to publish", async () => {
  await open();
  await api.core.members.addDomain(ADA, "ada.test");
  const { body } = await api.get("getReports", key, { domain: "Ada.test" });
  expect(body).toMatchObject({
    domain: "ada.test",
    by: "day",
    sources: [],
    publish: { dmarc: { status: "new", value: expect.stringContaining("rua=mailto:dmarc@coop.test") } },
  });
  expect(body["periods"]).toHaveLength(14);
  expect((await api.get("getReports", api.token(BOB), { domain: "ada.test" })).body["error"]).toBe(
    "DomainNotHeld",
  );
});

test("providers' figures are given in words without fractions of their own; where none are fetched it says so", async () => {
  await open();
  expect((await api.get("getProviderData", key)).body).toEqual({ subjects: [], isKnown: false });
  await api.close();
  const day = { day: "2026-01-14", value: 0.0012, level: "warn", words: "0.12 % reported as spam" } as const;
  const silent = { day: "2026-01-13", value: null, level: null, words: null };
  const tiny = { ...day, value: 0.0000001 };
  const subject = {
    provider: "gmail",
    kind: "domain",
    name: "ada.test",
    unit: "spam reports",
    days: [silent, day, tiny, { ...day, value: 0 }, { ...day, value: 20 }],
    figures: [{ name: "Reported as spam", value: "0.12 %" }],
    figuresOf: "2026-01-14",
    compliance: [{ name: "SPF", status: "met", reason: "", remedy: null }],
  } as const;
  const ofMember = (did: string) => ({ subjects: did === ADA ? [subject] : [] });
  await open({ providers: { ofMember } as unknown as ProviderPages });
  const { body } = await api.get("getProviderData", key);
  const { days } = (body["subjects"] as [{ days: { value?: string }[] }])[0];
  expect(days.map(({ value }) => value)).toEqual([undefined, "0.0012", "0.0000001", "0", "20"]);
  expect(days[0]).toEqual({ day: "2026-01-13" });
  expect(body).toMatchObject({ isKnown: true, subjects: [{ compliance: [{ name: "SPF", status: "met" }] }] });
});

test("the very events behind a change, of this member alone", async () => {
  await open();
  const smtp = { code: 550, enhanced: "5.1.1", text: "", provider: "yahoo", class: "bad-mailbox" } as const;
  await api.publish(
    api.newEvent("recipient_bounced", {
      dedupe_key: "b1",
      member: { did: ADA, domain: "ada.test" },
      recipient: { key: "k1", domain: "mail.test" },
      message: { id: "m1", size: 1, recipients: 1, stream: "transactional", received_at: NOW },
      smtp: { ...smtp, fault: "recipient" },
    }),
  );
  const finding = { cause: "bounce-warning", rule: "BounceWarning", description: "", evidence: {} } as const;
  api.core.standings.consider(ADA, [{ ...finding, at: NOW, sentAt: NOW, actionId: "1" }]);
  const change = api.core.standings.changesOf(ADA, 1)[0]!.id;
  const asked = { change: String(change) };
  expect((await api.get("listChangeEvents", key, asked)).body).toMatchObject({
    change,
    from: "good",
    to: "warned",
    rule: "BounceWarning",
    bounces: [{ message: "m1", domain: "mail.test", isKept: true }],
    complaints: [],
  });
  expect((await api.get("listChangeEvents", api.token(BOB), asked)).body["error"]).toBe("NotFound");
  expect((await api.get("listChangeEvents", key, { change: "77" })).body["error"]).toBe("NotFound");
});
