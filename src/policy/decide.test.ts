import { describe, expect, test } from "vitest";
import type { ContentFacts } from "../breaker/index.ts";
import { acceptedText, decide, type DecideInput } from "./decide.ts";
import { limitsOf, TIER_LIMITS, type PoolLimits } from "./limits.ts";
import { OUTCOMES, type DecisionReason } from "./outcomes.ts";
import { base, credential, DAY, domain, HOUR, member, now } from "./policy.fixture.ts";

const reason = { text: "Bounces over 10 %.", url: "https://pool.test/why/1" };
const withOwn = { ...member, domains: [...member.domains, domain("own.member.test")] };
const both = { ...credential, domains: ["member.test", "broken.test"] };
const capped = { ...credential, hourly: 10, daily: 20 };
const steady = { ...member, tier: "steady" as const };
const young = (age: number) => ({ ...steady, domains: [domain("member.test", { addedAt: now - age })] });
const pool: PoolLimits = {
  poolHourly: 3_600,
  providers: { gmail: 100 },
  providerOf: (name) => (name === "gmail.test" ? "gmail" : undefined),
};
const unseen = (firstTime: number, probe: number): ContentFacts => ({ firstTime, known: false, probe });
const known = (firstTime: number, probe = 50): ContentFacts => ({ firstTime, known: true, probe });

type Case = [string, Partial<DecideInput>, reason: DecisionReason, outcome: string, text: string];

const cases: Case[] = [
  ["a member in good standing", {}, "ok", "accept", "OK"],
  ["a warned member", { member: { ...member, standing: "warned" } }, "ok", "accept", "OK"],
  [
    "MAIL, before anything is known",
    { stage: "mail", fromDomain: undefined, recipients: 0 },
    "ok",
    "accept",
    "OK",
  ],
  ["by the API", { stage: "api" }, "ok", "accept", "OK"],
  ["a subdomain", { fromDomain: "news.member.test" }, "ok", "accept", "OK"],
  ["bulk mail", { stream: "bulk" }, "ok", "accept", "OK"],
  [
    "a subdomain that is a domain of its own, with its own credential",
    {
      member: withOwn,
      credential: { ...credential, domains: ["own.member.test"] },
      fromDomain: "own.member.test",
    },
    "ok",
    "accept",
    "OK",
  ],
  [
    "an applicant",
    { member: { ...member, membership: "applicant" } },
    "applicant",
    "refuse",
    "waits for the committee",
  ],
  [
    "who has left",
    { member: { ...member, membership: "left" } },
    "left",
    "refuse",
    "has left the cooperative [left]",
  ],
  [
    "a node that is drained",
    { poolLimits: { node: () => "draining" } },
    "draining",
    "defer",
    "being emptied, try again",
  ],
  [
    "a member in good standing at a node that is cut off",
    { poolLimits: { node: () => "cut-off" } },
    "ok",
    "accept",
    "OK",
  ],
  [
    "a member on probation there",
    { member: { ...member, standing: "probation" }, poolLimits: { node: () => "cut-off" } },
    "cut-off",
    "defer",
    "has lost the rest of the pool",
  ],
  [
    "a suspended member there",
    { member: { ...member, standing: "suspended" }, poolLimits: { node: () => "cut-off" } },
    "suspended",
    "refuse",
    "This member is suspended",
  ],
  [
    "anybody at a node that has not heard core for too long",
    { poolLimits: { node: () => "silent" } },
    "cut-off",
    "defer",
    "has lost the rest of the pool",
  ],
  [
    "a suspended member",
    { member: { ...member, standing: "suspended", reason } },
    "suspended",
    "refuse",
    "This member is suspended: Bounces over 10 %. See https://pool.test/why/1 [suspended]",
  ],
  [
    "an applicant at MAIL, where nobody knows for whom it is",
    { member: { ...member, membership: "applicant" }, stage: "mail" },
    "ok",
    "accept",
    "OK",
  ],
  [
    "an applicant's test",
    { member: { ...member, membership: "applicant" }, test: true },
    "ok",
    "accept",
    "OK",
  ],
  [
    "a test of who is suspended",
    { member: { ...member, standing: "suspended" }, test: true },
    "suspended",
    "refuse",
    "This member is suspended",
  ],
  [
    "a test from a domain whose records are broken",
    { fromDomain: "broken.test", credential: both, test: true },
    "ok",
    "accept",
    "OK",
  ],
  [
    "tests, more than a burst",
    { recipients: 61, test: true },
    "too-many-at-once",
    "refuse",
    "61 recipients at once",
  ],
  [
    "an ejected member",
    { member: { ...member, standing: "ejected" } },
    "ejected",
    "refuse",
    "This member is ejected",
  ],
  [
    "a credential revoked meanwhile",
    { credential: { ...credential, revoked: true } },
    "revoked",
    "refuse",
    "revoked",
  ],
  [
    "another's domain",
    { fromDomain: "other.test" },
    "foreign-domain",
    "refuse",
    "other.test is not a domain of this",
  ],
  [
    "a domain given up",
    { member: { ...member, domains: [] } },
    "foreign-domain",
    "refuse",
    "member.test is not",
  ],
  ["a look-alike", { fromDomain: "notmember.test" }, "foreign-domain", "refuse", "notmember.test is not"],
  ["a parent domain", { fromDomain: "test" }, "foreign-domain", "refuse", "test is not"],
  [
    "a subdomain that is a domain of its own, with the credential of its parent",
    { member: withOwn, fromDomain: "news.own.member.test" },
    "foreign-domain",
    "refuse",
    "news.own.member.test is not",
  ],
  [
    "a stream that is not the credential's",
    { credential: { ...credential, streams: ["transactional"] }, stream: "bulk" },
    "stream",
    "refuse",
    "does not send bulk mail, but transactional",
  ],
  [
    "bulk mail on probation",
    { member: { ...member, standing: "probation", reason }, stream: "bulk" },
    "bulk-on-probation",
    "refuse",
    "only transactional mail is taken: Bounces over 10 %. See https://pool.test/why/1",
  ],
  [
    "a suppressed recipient",
    { stage: "rcpt", suppressed: "It bounced." },
    "suppressed",
    "refuse",
    "It bounced.",
  ],
  ["the last of the burst and the hour", { recipients: 60 }, "ok", "accept", "OK"],
  [
    "more than a burst at once",
    { recipients: 61 },
    "too-many-at-once",
    "refuse",
    "61 recipients at once; 60 is the most",
  ],
  [
    "the burst used up",
    { limits: { burst: now + 600_000 } },
    "paced",
    "accept",
    "Paced by 10 seconds [paced]",
  ],
  ["the hour used up", { limits: { hour: now + HOUR } }, "paced", "accept", "Paced by 60 seconds [paced]"],
  [
    "the longest wait counts",
    { limits: { burst: now + 600_000, day: now + DAY } },
    "paced",
    "accept",
    "by 576 seconds",
  ],
  ["the last place", { limits: { hour: now + HOUR + 540_000 } }, "paced", "accept", "Paced by 600 seconds"],
  [
    "one after it",
    { limits: { hour: now + HOUR + 600_000 } },
    "over-limit",
    "defer",
    "Over the limit of 60 recipients an hour, try again in 60 seconds [over-limit]",
  ],
  [
    "a message of which a part would be too late",
    { limits: { hour: now + HOUR }, recipients: 11 },
    "over-limit",
    "defer",
    "in 60 seconds",
  ],
  [
    "the day over and over",
    { limits: { day: now + DAY + 600_000 } },
    "over-limit",
    "defer",
    "Over the limit of 150 recipients a day, try again in 576 seconds",
  ],
  [
    "probation is a quarter",
    { member: { ...member, standing: "probation" }, recipients: 16 },
    "too-many-at-once",
    "refuse",
    "16 recipients at once; 15",
  ],
  [
    "probation says why",
    { member: { ...member, standing: "probation", reason }, limits: { hour: now + HOUR + 600_000 } },
    "over-limit",
    "defer",
    "15 recipients an hour, try again in 240 seconds; on probation: Bounces",
  ],
  [
    "a domain of yesterday is held to the first tier",
    { member: young(DAY), limits: { "domain:member.test:hour": now + HOUR + 600_000 } },
    "over-domain-limit",
    "defer",
    "Over the limit of 60 recipients an hour for the new domain member.test",
  ],
  [
    "one of last week to the second",
    { member: young(8 * DAY), limits: { "domain:member.test:day": now + DAY + 600_000 } },
    "over-domain-limit",
    "defer",
    "500 recipients a day for the new domain",
  ],
  [
    "one of a month ago to its member's",
    { member: young(30 * DAY), limits: { "domain:member.test:hour": now + HOUR + 600_000 } },
    "ok",
    "accept",
    "OK",
  ],
  [
    "a credential's hour",
    { credential: capped, limits: { "credential:c1:hour": now + HOUR + 600_000 } },
    "over-credential-limit",
    "defer",
    "10 recipients an hour for this credential, try again in 360 seconds",
  ],
  [
    "a credential's day",
    { credential: capped, limits: { "credential:c1:day": now + DAY } },
    "over-credential-limit",
    "defer",
    "20 recipients a day",
  ],
  [
    "another credential's",
    { credential: capped, limits: { "credential:c2:day": now + DAY } },
    "ok",
    "accept",
    "OK",
  ],
  [
    "first-time recipients while so many do not exist",
    { facts: { ...known(1), slowed: true }, limits: { "slow:c1": now + HOUR + 600_000 } },
    "dead-contacts",
    "defer",
    "20 first-time recipients an hour while so many of them do not exist, try again in",
  ],
  [
    "more of them in one message than the hour has: it passes when it is over",
    { facts: { ...known(21), slowed: true } },
    "dead-contacts",
    "defer",
    "try again in 21600 seconds",
  ],
  [
    "recipients who are not new, meanwhile",
    { facts: { ...known(0), slowed: true }, limits: { "slow:c1": now + HOUR + 600_000 } },
    "ok",
    "accept",
    "OK",
  ],
  [
    "first-time recipients of an hour",
    { facts: known(1), limits: { "spray:c1": now + HOUR + 600_000 } },
    "spray",
    "defer",
    "60 first-time recipients an hour",
  ],
  [
    "others are not of them",
    { facts: known(0), limits: { "spray:c1": now + HOUR + 600_000 } },
    "ok",
    "accept",
    "OK",
  ],
  [
    "who writes to few new people has half of the room",
    { member: steady, facts: { ...known(61), share: 0.1 }, recipients: 61 },
    "too-many-at-once",
    "refuse",
    "61 recipients at once; 60 is the most (60 first-time recipients an hour)",
  ],
  [
    "who writes to many has all of it",
    { member: steady, facts: { ...known(61), share: 0.9 }, recipients: 61 },
    "ok",
    "accept",
    "OK",
  ],
  [
    "the pool's hour",
    { poolLimits: pool, limits: { "pool:hour": now + HOUR + 600_000 } },
    "over-pool-limit",
    "defer",
    "3600 recipients an hour for the whole pool, try again in 1 seconds",
  ],
  [
    "the provider's day",
    { poolLimits: pool, recipientDomains: ["gmail.test"], limits: { "provider:gmail:day": now + DAY } },
    "over-provider-limit",
    "defer",
    "100 recipients a day to gmail for the whole pool",
  ],
  [
    "another provider's",
    { poolLimits: pool, recipientDomains: ["other.test"], limits: { "provider:gmail:day": now + DAY } },
    "ok",
    "accept",
    "OK",
  ],
  ["the fiftieth probe", { facts: unseen(1, 49) }, "ok", "accept", "OK"],
  [
    "the fifty-first",
    { facts: unseen(1, 50) },
    "content",
    "hold",
    "a new kind of message to many new recipients",
  ],
  ["one of which a part would be over", { facts: unseen(10, 45), recipients: 10 }, "content", "hold", "Held"],
  ["a known template", { facts: known(1) }, "ok", "accept", "OK"],
  ["an unseen one to people known", { facts: unseen(0, 50) }, "ok", "accept", "OK"],
  [
    "a member paused by core",
    { member: { ...member, paused: true } },
    "paused",
    "hold",
    "Held: sending is paused",
  ],
  ["a credential paused by core", { credential: { ...credential, paused: true } }, "paused", "hold", "Held"],
  [
    "a member stopped by the breaker",
    { member: { ...member, breaker: "first-contact" } },
    "first-contact",
    "hold",
    "Held",
  ],
  [
    "a credential stopped by the breaker",
    { credential: { ...credential, breaker: "content" } },
    "content",
    "hold",
    "Held",
  ],
  [
    "paused, limits of sending do not count",
    { member: { ...member, paused: true }, limits: { hour: now + 2 * HOUR } },
    "paused",
    "hold",
    "Held",
  ],
  [
    "paused, and twice the hour is waiting",
    { member: { ...member, paused: true }, limits: { held: now + 5 * DAY } },
    "held-full",
    "defer",
    "Over the limit of 120 recipients waiting while sending is stopped, try again in 3600 seconds",
  ],
  [
    "a held domain",
    { credential: both, fromDomain: "broken.test" },
    "domain-held",
    "hold",
    "the DNS records of broken.test",
  ],
  [
    "a held domain counts as sending too: what it waits for is no person's yes",
    { credential: both, fromDomain: "broken.test", limits: { hour: now + HOUR + 600_000 } },
    "over-limit",
    "defer",
    "60 recipients an hour",
  ],
];

describe("decide", () => {
  test.each(cases)("%s", (_name, change, name, outcome, text) => {
    const decision = decide({ ...base, ...change });
    expect([decision.outcome, decision.reason]).toEqual([outcome, name]);
    expect(decision.text).toContain(text);
    expect([decision.code, decision.enhanced]).toEqual([OUTCOMES[name].code, OUTCOMES[name].enhanced]);
    expect(decision.text.endsWith(name === "ok" ? "OK" : ` [${name}]`)).toBe(true);
    expect(decision.waitMs > 0).toBe(name === "paced");
    expect(decision.waitMs).toBeLessThanOrEqual(600_000);
  });

  test("every name that decisions have is in the table", () => {
    const intake = ["one-each", "signing", "disk-full", "internal", "malformed", "too-large", "loop"];
    const dialogue = ["auth", "unknown-command", "bad-sequence", "too-many-errors", "not-smtp"];
    const connection = ["too-many-connections", "timeout", "shutting-down"];
    const elsewhere = [...intake, ...dialogue, ...connection];
    const told = new Set(cases.map(([, , name]) => name));
    expect(Object.keys(OUTCOMES).filter((name) => !told.has(name as DecisionReason))).toEqual(
      Object.keys(OUTCOMES).filter((name) => elsewhere.includes(name)),
    );
  });

  test("the breaker trips with the message over the budget, also when it cannot be held any more", () => {
    const over = { ...base, facts: unseen(1, 50) };
    expect(decide(over)).toMatchObject({ outcome: "hold", owner: "breaker", pause: { cause: "content" } });
    expect(decide({ ...over, limits: { held: now + 5 * DAY } })).toMatchObject({
      reason: "held-full",
      pause: { cause: "content" },
    });
    expect(decide({ ...over, credential: { ...credential, paused: true } }).pause).toBeUndefined();
    expect(decide({ ...base, facts: unseen(1, 49) }).pause).toBeUndefined();
  });

  test("nothing from outside breaks a reply line", () => {
    const text = decide({ ...base, fromDomain: "x\r\n250 ok" + "y".repeat(1000) }).text;
    expect(text).toMatch(/^[\x20-\x7e]{1,460}$/);
    const many = { ...credential, domains: Array.from({ length: 100 }, (_, i) => `d${i}.member.test`) };
    const long = { text: "x".repeat(1000), url: `https://pool.test/${"y".repeat(1000)}` };
    expect(decide({ ...base, credential: many, fromDomain: "z.test" }).text.length).toBeLessThan(460);
    expect(
      decide({ ...base, member: { ...member, standing: "suspended", reason: long } }).text.length,
    ).toBeLessThan(460);
  });
});

test("the words of an acceptance", () => {
  const say = (change: Partial<DecideInput>) => acceptedText(decide({ ...base, ...change }), "abc");
  expect(say({})).toBe("Queued as abc");
  expect(say({ limits: { hour: now + HOUR } })).toBe("Queued as abc, paced by 60 seconds [paced]");
  expect(say({ member: { ...member, paused: true } })).toBe("Held as abc [paused]");
});

test("the tiers are those of the plan", () => {
  expect(TIER_LIMITS.steady.hour).toEqual({ limit: 400, periodMs: HOUR, burst: 400 });
  expect(limitsOf({ tier: "trusted", standing: "probation" }).day.limit).toBe(2_500);
});
