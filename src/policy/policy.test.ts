import { describe, expect, test } from "vitest";
import { Database } from "../platform/database.ts";
import { createPolicyBook } from "./book.ts";
import { hashSecret, secretMatches } from "./credential.ts";
import { decide, type DecideInput } from "./decide.ts";
import { coveringDomain } from "./domains.ts";
import { mayDeliver, whyHeld } from "./holds.ts";
import { limitsOf, TIER_LIMITS } from "./limits.ts";
import { loadPolicies, policyMigration, saveLimits, savePause, savePolicy } from "./store.ts";
import type { CredentialPolicy, MemberPolicy } from "./types.ts";

const now = 1_767_225_600_000;
const credential: CredentialPolicy = {
  id: "c1",
  username: "u1",
  hash: hashSecret("u1", "secret"),
  domains: ["member.test"],
  streams: ["transactional", "bulk"],
  hourly: null,
  daily: null,
  revoked: false,
};
const member: MemberPolicy = {
  did: "did:plc:a",
  handle: "a",
  version: 1,
  membership: "member",
  standing: "good",
  tier: "new",
  joinedAt: 0,
  reason: null,
  domains: [
    { name: "member.test", status: "active", returnPath: null, addedAt: 0, keys: [] },
    { name: "broken.test", status: "held", returnPath: null, addedAt: 0, keys: [] },
  ],
  credentials: [credential],
};
const reason = { text: "Bounces over 10 %.", url: "https://pool.test/why/1" };
const base: DecideInput = {
  stage: "data",
  member,
  credential,
  fromDomain: "member.test",
  recipients: 1,
  limits: {},
  now,
};
const HOUR = 3_600_000;
const both: CredentialPolicy = { ...credential, domains: ["member.test", "broken.test"] };

const withOwn: MemberPolicy = {
  ...member,
  domains: [
    ...member.domains,
    { name: "own.member.test", status: "active", returnPath: null, addedAt: 0, keys: [] },
  ],
};

describe("decide", () => {
  const cases: [string, Partial<DecideInput>, outcome: string, reply: string][] = [
    ["a member in good standing", {}, "accept", "250 2.0.0 OK"],
    [
      "bulk mail on probation",
      { member: { ...member, standing: "probation" }, stream: "bulk" },
      "refuse",
      "550 5.7.1 On probation only",
    ],
    ["bulk mail otherwise", { stream: "bulk" }, "accept", "250 2.0.0 OK"],
    ["a subdomain", { fromDomain: "news.member.test" }, "accept", "250 2.0.0 OK"],
    ["a warned member", { member: { ...member, standing: "warned" } }, "accept", "250 2.0.0 OK"],
    [
      "MAIL, before anything is known",
      { stage: "mail", fromDomain: undefined, recipients: 0 },
      "accept",
      "250 2.0.0 OK",
    ],
    [
      "another's domain",
      { fromDomain: "other.test" },
      "refuse",
      "550 5.7.1 other.test is not a domain of this credential",
    ],
    [
      "a subdomain that is a domain of its own, with the credential of its parent",
      { member: withOwn, fromDomain: "news.own.member.test" },
      "refuse",
      "550 5.7.1 news.own.member.test is not a domain of this credential",
    ],
    [
      "the same with its own credential",
      {
        member: withOwn,
        credential: { ...credential, domains: ["own.member.test"] },
        fromDomain: "own.member.test",
      },
      "accept",
      "250 2.0.0 OK",
    ],
    [
      "a domain that the member has given up",
      { member: { ...member, domains: [] } },
      "refuse",
      "550 5.7.1 member.test is not",
    ],
    ["a look-alike", { fromDomain: "notmember.test" }, "refuse", "550 5.7.1 notmember.test is not"],
    ["a parent domain", { fromDomain: "test" }, "refuse", "550 5.7.1 test is not"],
    [
      "a suspended member",
      { member: { ...member, standing: "suspended", reason } },
      "refuse",
      "550 5.7.1 This member is suspended: Bounces over 10 %. See https://pool.test/why/1",
    ],
    [
      "an ejected member",
      { member: { ...member, standing: "ejected" } },
      "refuse",
      "550 5.7.1 This member is ejected",
    ],
    [
      "a credential revoked meanwhile",
      { credential: { ...credential, revoked: true } },
      "refuse",
      "535 5.7.8",
    ],
    [
      "a held domain",
      { credential: both, fromDomain: "broken.test" },
      "hold",
      "250 2.0.0 Held: the DNS records of broken.test",
    ],
    ["a paused member", { member: { ...member, paused: true } }, "hold", "250 2.0.0 Held: sending is paused"],
    ["a paused credential", { credential: { ...credential, paused: true } }, "hold", "250 2.0.0 Held"],
    ["the last of the hour", { recipients: 60 }, "accept", "250 2.0.0 OK"],
    [
      "more than a burst at once",
      { recipients: 61 },
      "refuse",
      "550 5.5.3 61 recipients at once; 60 is the most",
    ],
    [
      "the burst used up",
      { limits: { burst: now + 600_000 } },
      "defer",
      "451 4.7.1 Over the limit of 60 recipients in 10 minutes, try again in 10 seconds",
    ],
    [
      "the hour used up",
      { limits: { hour: now + HOUR } },
      "defer",
      "451 4.7.1 Over the limit of 60 recipients an hour, try again in 60 seconds",
    ],
    [
      "the day used up",
      { limits: { day: now + 24 * HOUR } },
      "defer",
      "451 4.7.1 Over the limit of 150 recipients a day, try again in 576 seconds",
    ],
    [
      "the longest wait counts",
      { limits: { burst: now + 600_000, day: now + 24 * HOUR } },
      "defer",
      "451 4.7.1 Over the limit of 150 recipients a day",
    ],
    [
      "probation is a quarter",
      { member: { ...member, standing: "probation" }, recipients: 16 },
      "refuse",
      "550 5.5.3 16 recipients at once; 15",
    ],
    [
      "probation says why",
      { member: { ...member, standing: "probation", reason }, limits: { hour: now + HOUR } },
      "defer",
      "451 4.7.1 Over the limit of 15 recipients an hour, try again in 240 seconds; on probation: Bounces",
    ],
    [
      "paused, and twice the hour is waiting",
      { member: { ...member, paused: true }, limits: { held: now + HOUR } },
      "defer",
      "451 4.7.1 Over the limit of 120 recipients waiting",
    ],
    [
      "paused, limits of sending do not count",
      { member: { ...member, paused: true }, limits: { hour: now + HOUR } },
      "hold",
      "250",
    ],
  ];
  test.each(cases)("%s", (_name, change, outcome, reply) => {
    const decision = decide({ ...base, ...change });
    expect(decision.outcome).toBe(outcome);
    expect(`${decision.code} ${decision.enhanced} ${decision.text}`).toContain(reply);
    expect(decision.text.length).toBeLessThan(460);
  });

  test("nothing from outside breaks a reply line", () => {
    const text = decide({ ...base, fromDomain: "x\r\n250 ok" + "y".repeat(1000) }).text;
    expect(text).not.toMatch(/[\r\n]/);
    expect(text.length).toBeLessThan(460);
  });
});

test("the tiers are those of the plan", () => {
  expect(TIER_LIMITS.steady.hour).toEqual({ limit: 400, periodMs: HOUR, burst: 400 });
  expect(limitsOf({ tier: "trusted", standing: "probation" }).day.limit).toBe(2_500);
});

test.each<[string, Partial<MemberPolicy>, string, string | null, string | undefined]>([
  ["good", {}, "member.test", "c1", undefined],
  ["suspended", { standing: "suspended" }, "member.test", "c1", "suspended"],
  ["ejected", { standing: "ejected" }, "member.test", "c1", "ejected"],
  ["paused", { paused: true }, "member.test", "c1", "paused"],
  ["credential paused", { credentials: [{ ...credential, paused: true }] }, "member.test", "c1", "paused"],
  [
    "another credential paused",
    { credentials: [{ ...credential, paused: true }] },
    "member.test",
    "c2",
    undefined,
  ],
  ["revoked only", { credentials: [{ ...credential, revoked: true }] }, "member.test", "c1", undefined],
  ["domain held", {}, "broken.test", "c1", "domain-held"],
  ["domain gone", {}, "gone.test", "c1", "domain-held"],
])("what is in the spool may leave: %s", (_name, change, domain, id, expected) => {
  expect(whyHeld({ ...member, ...change }, domain, id)).toBe(expected);
  expect(mayDeliver({ ...member, ...change }, domain, id)).toBe(expected === undefined);
});

test("coveringDomain takes the nearest", () => {
  expect(coveringDomain(["b.test", "a.b.test"], "X.A.b.test")).toBe("a.b.test");
  expect(coveringDomain([], "b.test")).toBeUndefined();
});

test("secrets match only under their own name", () => {
  expect(secretMatches("u1", "secret", credential.hash)).toBe(true);
  expect(secretMatches("u1", "Secret", credential.hash)).toBe(false);
  expect(secretMatches("u2", "secret", credential.hash)).toBe(false);
  expect(secretMatches("u1", "secret", "")).toBe(false);
});

const open = (db = new Database(":memory:", [policyMigration])) => ({
  db,
  store: {
    loadPolicies: async () => loadPolicies(db),
    savePolicy: async (policy: MemberPolicy) => savePolicy(db, policy),
  },
});

describe("the book", () => {
  test("keeps the newest policy, over a restart too", async () => {
    const { store } = open();
    const book = await createPolicyBook(store);
    const changes: number[] = [];
    book.onChange((p) => changes.push(p.version));
    expect(await book.apply({ ...member, version: 2 })).toBe(true);
    expect(await book.apply({ ...member, version: 1, standing: "suspended" })).toBe(false);
    expect(await book.apply({ ...member, version: 2, standing: "suspended" })).toBe(false);
    expect(changes).toEqual([2]);
    const again = await createPolicyBook(store);
    expect(again.byDid(member.did)?.version).toBe(2);
    expect(again.byUsername("u1")?.credential.id).toBe("c1");
    await again.apply({ ...member, version: 3, credentials: [] });
    expect(again.byUsername("u1")).toBeUndefined();
  });

  test("what was taken survives a restart; what was given back is free again", async () => {
    const { db, store } = open();
    const book = await createPolicyBook(store);
    const receipt = book.consume(member, credential, 50, now);
    expect(receipt).toBeDefined();
    expect(book.consume(member, credential, 11, now)).toBeUndefined();
    saveLimits(db, book.limitRows(member.did));
    const again = await createPolicyBook(store);
    expect(again.consume(member, credential, 11, now)).toBeUndefined();
    again.refund(receipt!);
    expect(again.consume(member, credential, 60, now)).toBeDefined();
  });

  test("a policy that could not be written is written when it comes again", async () => {
    const { db, store } = open();
    let full = true;
    const book = await createPolicyBook({
      ...store,
      savePolicy: (policy) => (full ? Promise.reject(new Error("full")) : store.savePolicy(policy)),
    });
    const changes: number[] = [];
    book.onChange((p) => changes.push(p.version));
    const suspended: MemberPolicy = { ...member, version: 2, standing: "suspended" };
    await expect(book.apply(suspended)).rejects.toThrow("full");
    expect(book.byDid(member.did)?.standing).toBe("suspended");
    await expect(book.apply(suspended)).rejects.toThrow("full");
    full = false;
    expect(await book.apply(member)).toBe(false);
    expect(loadPolicies(db).policies).toMatchObject([{ version: 2, standing: "suspended" }]);
    expect(changes).toEqual([2]);
  });

  test("a clock that was ahead costs a member at most one full bucket", async () => {
    const { db, store } = open();
    await store.savePolicy(member);
    const ahead = now + 30 * 24 * HOUR;
    saveLimits(db, [
      { did: member.did, bucket: "day", tat: ahead },
      { did: member.did, bucket: "held", tat: ahead },
    ]);
    const book = await createPolicyBook(store);
    const at = (time: number) => decide({ ...base, limits: book.limits(member.did, time), now: time });
    expect(at(now)).toMatchObject({ outcome: "defer", text: expect.stringContaining("in 576 seconds") });
    expect(at(now + 576_000)).toMatchObject({ outcome: "accept" });
    expect(book.limits(member.did, now).held).toBe(now + HOUR);
  });
});
