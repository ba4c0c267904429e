import { describe, expect, test } from "vitest";
import { createPolicyBook, type PolicyBook } from "./book.ts";
import { secretKey } from "./credential.ts";
import { whyHeld } from "./holds.ts";
import { decide, type DecideInput } from "./decide.ts";
import { base, credential, DAY, domain, HOUR, member, now, openStore } from "./policy.fixture.ts";
import { loadPolicies, saveLimits } from "./store.ts";
import type { MemberPolicy } from "./types.ts";

const { did } = member;

/** Decides and takes, as the end of DATA does: the wait in seconds, or the name of what was in the way. */
function take(book: PolicyBook, change: Partial<DecideInput> = {}): number | string {
  const at = change.now ?? now;
  const who = change.member ?? member;
  const input = { ...base, ...change, limits: book.limits(who.did, at), poolLimits: book.poolLimits };
  const decision = decide(input);
  if (decision.outcome !== "accept") return decision.reason;
  return (book.consume(input)?.waitMs ?? NaN) / 1000;
}

const bookOf = async (
  ...args: Parameters<typeof createPolicyBook> extends [unknown, ...infer R] ? R : never
) => {
  const book = await createPolicyBook(openStore().store, ...args);
  await book.apply(member);
  return book;
};

describe("policies", () => {
  test("the newest is kept, over a restart too", async () => {
    const { store } = openStore();
    const book = await createPolicyBook(store);
    const changes: number[] = [];
    book.onChange((p) => changes.push(p.version));
    expect(await book.apply({ ...member, version: 2 })).toBe(true);
    expect(await book.apply({ ...member, version: 1, standing: "suspended" })).toBe(false);
    expect(await book.apply({ ...member, version: 2, standing: "suspended" })).toBe(false);
    expect(changes).toEqual([2]);
    const again = await createPolicyBook(store);
    expect(again.byDid(did)?.version).toBe(2);
    expect(again.byUsername("u1")?.credential.id).toBe("c1");
    await again.apply({ ...member, version: 3, credentials: [] });
    expect(again.byUsername("u1")).toBeUndefined();
  });

  test("a credential that is gone: its mail waits on as revoked, what was kept of it goes, also over a restart", async () => {
    const { db, store } = openStore();
    const book = await createPolicyBook(store);
    await book.apply({ ...member, credentials: [{ ...credential, revoked: true, paused: true }] });
    await book.pause({ did, credential: "c1", cause: "content", at: now });
    saveLimits(db, [{ did, bucket: "probe:c1", tat: 7 }]);
    const gone = [secretKey(did, "secret")];
    await book.apply({ ...member, version: 2, credentials: [], gone });
    for (const one of [book, await createPolicyBook(store)]) {
      expect(whyHeld(one.byDid(did)!, "member.test", "c1")).toEqual({ reason: "revoked", owner: "policy" });
      expect(one.byUsername("u1")).toBeUndefined();
      expect(one.isGone({ did, secret: "secret" })).toBe(true);
    }
    expect(loadPolicies(db)).toMatchObject({ pauses: [], limits: [] });
    expect(book.probe(did, "c1")).toBe(0);
  });

  test.each<[string, { username: string } | { did: string }, string, boolean]>([
    ["its member's DID", { did }, "secret", true],
    ["a user name with the handle of its member", { username: "a-qrstuvwx" }, "secret", true],
    ["another secret", { did }, "secret2", false],
    ["another member", { did: "did:plc:b" }, "secret", false],
    ["a member that has none", { username: "b-qrstuvwx" }, "secret", false],
    ["a name of nobody", { username: "x" }, "secret", false],
    ["no name", { username: "" }, "secret", false],
  ])("who still uses a credential that is gone is known: %s", async (_, who, secret, expected) => {
    const book = await bookOf();
    await book.apply({ ...member, version: 2, credentials: [], gone: [secretKey(did, "secret")] });
    await book.apply({ ...member, did: "did:plc:b", handle: "b" });
    expect(book.isGone({ ...who, secret })).toBe(expected);
  });

  test("one that could not be written is written when it comes again", async () => {
    const { db, store } = openStore();
    let full = true;
    const book = await createPolicyBook({
      ...store,
      savePolicy: (policy) => (full ? Promise.reject(new Error("full")) : store.savePolicy(policy)),
    });
    const changes: number[] = [];
    book.onChange((p) => changes.push(p.version));
    const suspended: MemberPolicy = { ...member, version: 2, standing: "suspended" };
    await expect(book.apply(suspended)).rejects.toThrow("full");
    expect(book.byDid(did)?.standing).toBe("suspended");
    await expect(book.apply(suspended)).rejects.toThrow("full");
    full = false;
    expect(await book.apply(member)).toBe(false);
    expect(loadPolicies(db).policies).toMatchObject([{ version: 2, standing: "suspended" }]);
    expect(changes).toEqual([2]);
  });
});

describe("pacing", () => {
  test("60 of a new member at once leave at once, ten more within ten minutes, the next is told when", async () => {
    const book = await bookOf();
    const known = { facts: { firstTime: 1, known: true, probe: 0 } };
    const waits = Array.from({ length: 72 }, () => take(book, known));
    expect(waits.slice(0, 60)).toEqual(Array(60).fill(0));
    expect(waits.slice(60, 70)).toEqual([60, 120, 180, 240, 300, 360, 420, 480, 540, 600]);
    expect(waits.slice(70)).toEqual(["over-limit", "over-limit"]);
    expect(take(book, { ...known, now: now + 59_000 })).toBe("over-limit");
    expect(take(book, { ...known, now: now + 60_000 })).toBe(600);
  });

  test("who comes later never leaves earlier, and no window has more than its limit", async () => {
    const book = await bookOf();
    const steady = { ...member, tier: "warming" as const };
    const leaves: number[] = [];
    let seed = 1;
    for (let at = now; at < now + DAY; at += 20_000) {
      seed = (seed * 48_271) % 2_147_483_647;
      for (let i = seed % 5; i > 0; i--) {
        const wait = take(book, { member: steady, now: at });
        if (typeof wait === "number") leaves.push(at + wait * 1000);
      }
    }
    expect(leaves.length).toBeGreaterThan(500);
    expect([...leaves].sort((a, b) => a - b)).toEqual(leaves);
    for (const [ms, most] of [
      [5 * 60_000, 60 + 60],
      [HOUR, 150 + 150],
      [DAY, 500 + 500],
    ] as const) {
      let first = 0;
      for (let last = 0; last < leaves.length; last++) {
        while (leaves[last]! - leaves[first]! > ms) first++;
        expect(last - first + 1).toBeLessThanOrEqual(most);
      }
    }
  });
});

describe("limits", () => {
  test("100 that ask at once get no more than there is", async () => {
    const book = await bookOf();
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => {
        await Promise.resolve();
        return take(book);
      }),
    );
    expect(answers.filter((answer) => typeof answer === "number")).toHaveLength(70);
    expect(answers.filter((answer) => answer === "over-limit")).toHaveLength(30);
  });

  test("100 that decided before any of them took get no more either", async () => {
    const book = await bookOf();
    const inputs = Array.from({ length: 100 }, () => ({ ...base, limits: book.limits(did, now) }));
    expect(inputs.every((input) => decide(input).outcome === "accept")).toBe(true);
    expect(inputs.filter((input) => book.consume(input))).toHaveLength(70);
  });

  test("of many members share the pool's, and one that refuses takes from none", async () => {
    const book = await bookOf({
      poolHourly: 100,
      providers: { gmail: 50 },
      providerOf: (name) => (name === "gmail.test" ? "gmail" : undefined),
    });
    const other = { ...member, did: "did:plc:b", tier: "steady" as const };
    const gmail = { recipients: 50, recipientDomains: Array(50).fill("gmail.test") };
    expect(take(book, { member: other, ...gmail })).toBe(0);
    const before = book.limits(did, now);
    expect(take(book, { recipients: 1, recipientDomains: ["gmail.test"] })).toBe("over-provider-limit");
    expect(book.limits(did, now)).toEqual(before);
    expect(take(book, { recipients: 50 })).toBe(0);
    expect(take(book, { member: other, recipients: 30 })).toBe("over-pool-limit");
    expect(take(book, { member: other, recipients: 10 })).toBe(360);
  });

  test("what was taken survives a restart; what was given back is free again", async () => {
    const { db, store } = openStore();
    const pool = { poolHourly: 1_000, providers: { gmail: 100 }, providerOf: () => "gmail" };
    const book = await createPolicyBook(store, pool);
    await book.apply(member);
    const input: DecideInput = {
      ...base,
      credential: { ...credential, hourly: 55, daily: 55 },
      recipients: 50,
      recipientDomains: Array(50).fill("x.test"),
      facts: { firstTime: 3, known: false, probe: 0 },
    };
    const { receipt } = book.consume({ ...input, limits: book.limits(did, now) })!;
    saveLimits(db, book.limitRows(receipt));
    const again = await createPolicyBook(store, pool);
    expect(again.limits(did, now)).toEqual(book.limits(did, now));
    expect(Object.keys(again.limits(did, now)).sort()).toEqual([
      "burst",
      "credential:c1:day",
      "credential:c1:hour",
      "day",
      "hour",
      "pool:hour",
      "probe:c1",
      "provider:gmail:day",
      "spray:c1",
    ]);
    expect(again.probe(did, "c1")).toBe(3);
    again.refund(receipt);
    expect(again.limits(did, now + 1)).toEqual({});
    expect(again.probe(did, "c1")).toBe(0);
  });

  test("a clock that was ahead costs at most one full bucket", async () => {
    const { db, store } = openStore();
    await store.savePolicy(member);
    const ahead = now + 30 * DAY;
    saveLimits(db, [
      { did, bucket: "day", tat: ahead },
      { did, bucket: "held", tat: ahead },
    ]);
    const book = await createPolicyBook(store);
    expect(take(book)).toBe("over-limit");
    expect(take(book, { now: now + 576_000 })).toBe(600);
    expect(book.limits(did, now + 576_000)["held"]).toBe(now + 5 * DAY + 600_000);
  });

  test("unused buckets leave memory and the file", async () => {
    const { db, store } = openStore();
    const book = await createPolicyBook(store);
    for (let i = 0; i < 1_000; i++) {
      const one = { ...member, did: `did:plc:${i}` };
      const input = { ...base, member: one, limits: book.limits(one.did, now) };
      saveLimits(db, book.limitRows(book.consume(input)!.receipt));
    }
    const rows = () => db.get<{ n: number }>("SELECT count(*) AS n FROM policy_limit")!.n;
    expect(rows()).toBe(3_000);
    for (let i = 0; i < 65; i++) {
      const input = { ...base, limits: {}, now: now + 2 * DAY + i * 60_000 };
      saveLimits(db, book.limitRows(book.consume(input)!.receipt));
    }
    expect(rows()).toBe(3);
    expect(loadPolicies(db).limits.map((row) => row.did)).toEqual([did, did, did]);
  });

  test("a domain's age is looked at anew each time", async () => {
    const book = await bookOf();
    const grown = { ...member, tier: "trusted" as const, domains: [domain("member.test", { addedAt: now })] };
    for (let i = 0; i < 6; i++) expect(take(book, { member: grown, recipients: 10 })).toBe(0);
    expect(take(book, { member: grown, recipients: 60 })).toBe("over-domain-limit");
    expect(take(book, { member: grown, recipients: 60, now: now + 7 * DAY })).toBe(0);
    expect(take(book, { member: grown, recipients: 100, now: now + 21 * DAY })).toBe(0);
  });
});

describe("pauses of the node", () => {
  const pause = { did, credential: "c1", cause: "content" as const, at: now };
  const resumedAt = (upTo: number, version: number): MemberPolicy => ({
    ...member,
    version,
    credentials: [{ ...credential, resumedUpTo: upTo }],
  });

  test("hold at once and after a restart, until the policy says they are over", async () => {
    const { db, store } = openStore();
    const book = await createPolicyBook(store);
    await book.apply(member);
    const changes: (string | undefined)[] = [];
    book.onChange(({ credentials }) => changes.push(credentials[0]?.breaker));
    const paused = book.pause(pause);
    expect(book.byUsername("u1")?.credential.breaker).toBe("content");
    expect(await paused).toBe(true);
    expect(await book.pause({ ...pause, cause: "first-contact", at: now + 5 })).toBe(false);
    const again = await createPolicyBook(store);
    expect(again.byDid(did)?.credentials[0]?.breaker).toBe("content");
    await book.apply(resumedAt(now - 1, 2));
    expect(book.byDid(did)?.credentials[0]?.breaker).toBe("content");
    await book.apply(resumedAt(now, 3));
    expect(book.byDid(did)?.credentials[0]?.breaker).toBeUndefined();
    expect(loadPolicies(db).pauses).toEqual([]);
    expect(changes).toEqual(["content", "content", undefined]);
    expect(await book.pause(pause)).toBe(false);
    expect(await book.pause({ ...pause, at: now + 1 })).toBe(true);
    expect(loadPolicies(db).policies[0]).not.toHaveProperty("breaker");
  });

  test.each<[string, Partial<MemberPolicy>]>([
    ["a resumption of the member", { resumedUpTo: now }],
    [
      "a resumption of the credential and the member",
      { resumedUpTo: now + 1, credentials: [{ ...credential, resumedUpTo: 1 }] },
    ],
  ])("%s ends those of its credentials and of the whole", async (_, change) => {
    const { db, store } = openStore();
    const book = await createPolicyBook(store);
    await book.apply(member);
    await book.pause(pause);
    await book.pause({ ...pause, credential: null });
    expect(book.byDid(did)?.breaker).toBe("content");
    expect(loadPolicies(db).pauses.map((row) => row.credential)).toEqual([null, "c1"]);
    await book.apply({ ...member, version: 2, ...change });
    expect(book.byDid(did)?.breaker).toBeUndefined();
    expect(book.byDid(did)?.credentials[0]?.breaker).toBeUndefined();
    expect(loadPolicies(db).pauses).toEqual([]);
  });

  test("that could not be written hold all the same, and are written when they come again", async () => {
    const { db, store } = openStore();
    let full = true;
    const book = await createPolicyBook({
      ...store,
      savePause: (row) => (full ? Promise.reject(new Error("full")) : store.savePause(row)),
    });
    await book.apply(member);
    await expect(book.pause(pause)).rejects.toThrow("full");
    expect(book.byDid(did)?.credentials[0]?.breaker).toBe("content");
    full = false;
    expect(await book.pause({ ...pause, at: now + 9 })).toBe(false);
    expect(loadPolicies(db).pauses).toEqual([pause]);
  });

  test("of nobody known are none", async () => {
    const book = await bookOf();
    expect(await book.pause({ ...pause, did: "did:plc:nobody" })).toBe(false);
  });

  test("after a yes the counts begin anew, here and on disk, and whoever listens hears of it", async () => {
    const { db, store } = openStore();
    const book = await createPolicyBook(store);
    await book.apply(member);
    const heard: unknown[] = [];
    book.onResume((resumption) => heard.push(resumption));
    const probing = { ...base, facts: { firstTime: 50, known: false, probe: 0 }, recipients: 50 };
    saveLimits(db, book.limitRows(book.consume(probing)!.receipt));
    const over = { ...base, facts: { firstTime: 1, known: false, probe: 50 } };
    expect(book.consume(over)).toMatchObject({ decision: { outcome: "hold", reason: "content" }, waitMs: 0 });
    await book.pause(pause);
    expect(book.limits(did, now)["held"]).toBeGreaterThan(now);
    await book.apply(resumedAt(now, 2));
    expect(heard).toEqual([{ did, credential: "c1", upTo: now }]);
    expect(book.probe(did, "c1")).toBe(0);
    expect(book.limits(did, now)["held"]).toBeUndefined();
    expect((await createPolicyBook(store)).probe(did, "c1")).toBe(0);
    await book.apply({ ...resumedAt(now, 3), standing: "warned" });
    expect(heard).toHaveLength(1);
  });

  test("the count of probes goes down by what is forgiven, and is kept with the next acceptance", async () => {
    const { db, store } = openStore();
    const book = await createPolicyBook(store);
    const probe = (firstTime: number) => {
      const facts = { firstTime, known: false, probe: book.probe(did, "c1") };
      saveLimits(db, book.limitRows(book.consume({ ...base, facts, recipients: firstTime })!.receipt));
    };
    probe(30);
    book.forgive(did, "c1", 20);
    expect(book.probe(did, "c1")).toBe(10);
    probe(1);
    expect((await createPolicyBook(store)).probe(did, "c1")).toBe(11);
    book.forgive(did, "c1", 6);
    const facts = { firstTime: 1, known: true, probe: book.probe(did, "c1") };
    saveLimits(db, book.limitRows(book.consume({ ...base, facts })!.receipt));
    expect((await createPolicyBook(store)).probe(did, "c1")).toBe(5);
    book.forgive(did, "c1", 99);
    expect(book.probe(did, "c1")).toBe(0);
  });
});
