import { readdirSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { pace } from "./holds.ts";
import { INLINE_BYTES, type Acceptance, type RecipientState } from "./index.ts";
import { createRoom } from "./room.ts";
import { stateAfter } from "./store.ts";
import {
  acceptance,
  attempt,
  credential,
  domain,
  everything,
  filled,
  held,
  namesOf,
  policy,
  spools,
  text,
  who,
} from "./spool.fixture.ts";

const { path, start } = spools();

describe("holds", () => {
  test("a policy frees what policy and breaker hold, and nothing of a person or without a signature", async () => {
    const spool = await start();
    await filled(spool);
    await spool.setHolds(policy, 6_000);
    const left = await spool.list({ states: ["held"] });
    expect(left.entries.map((e) => `${e.domain} ${e.hold!.owner}`).sort()).toEqual([
      "person.test committee",
      "unsigned.test signing",
    ]);
    await spool.setHolds({ ...policy, standing: "suspended" }, 7_000);
    const suspended = await spool.list({ holdOwner: "policy", holdReason: "suspended" });
    expect(namesOf(suspended.entries)).toEqual(["breaker", "bulk", "deferred", "policy", "queued"]);
    await spool.setHolds({ ...policy, domains: [domain("member.test", "held")] }, 8_000);
    expect((await spool.list({ holdReason: "domain-held" })).entries).toHaveLength(5);
  });

  test("what a pause kept back leaves at the member's hourly limit, login codes first", async () => {
    const spool = await start();
    for (let i = 0; i < 5; i++)
      await spool.accept(acceptance({ priority: i === 4 ? 0 : 1 }, [`d${i}.test`], held("policy")));
    await spool.accept(acceptance({}, ["checked.test"], held("policy", "domain-held")));
    await spool.setHolds(policy, 1_000_000);
    const due = async (now: number) =>
      namesOf((await spool.list({ states: ["queued"] })).entries.filter((e) => e.nextAt <= now));
    // 60 an hour is one a minute.
    expect(await due(1_000_000)).toEqual(["checked", "d4"]);
    expect(await due(1_060_000)).toEqual(["checked", "d0", "d4"]);
    expect(await due(1_240_000)).toHaveLength(6);
  });

  test.each<[string, Parameters<typeof pace>, number[]]>([
    ["nothing", [[], 0, 60], []],
    ["no limit", [[one(1, "c1", 0), one(2, "c1", 0)], 7, 0], [7, 7]],
    ["a credential that may less", [[one(1, "c1", 30), one(2, "c1", 30)], 0, 60], [0, 120_000]],
    ["two credentials share the member's limit", [[one(1, "c1", 60), one(2, "c2", 60)], 0, 60], [0, 60_000]],
    ["never later than the longest wait", [[one(1), one(2)], 0, 0.001], [0, 432_000_000]],
  ])("pace: %s", (_name, input, expected) =>
    expect(pace(...input).map(({ nextAt }) => nextAt)).toEqual(expected),
  );

  function one(seq: number, kind = "c1", perHour = 1_000_000) {
    return { seq, priority: 1, reason: "paused", nextAt: 0, kind, perHour };
  }

  test("broken records of the domain in between do not undo that pace", async () => {
    const spool = await start();
    for (let i = 0; i < 3; i++)
      await spool.accept(acceptance({}, [`d${i}.test`], held("breaker", "content")));
    const broken = { ...policy, domains: [domain("member.test", "held")] };
    const due = async () => (await spool.list({})).entries.map((e) => [e.state, e.nextAt]).toReversed();
    await spool.setHolds(broken, 1_000_000);
    await spool.setHolds(policy, 1_060_000);
    const paced = [
      ["queued", 1_060_000],
      ["queued", 1_060_000],
      ["queued", 1_120_000],
    ];
    expect(await due()).toEqual(paced);
    await spool.setHolds(broken, 1_061_000);
    await spool.setHolds(policy, 1_062_000);
    expect(await due()).toEqual([["queued", 1_062_000], ["queued", 1_062_000], paced[2]]);
  });

  test("a person's release is paced as well", async () => {
    const spool = await start();
    for (let i = 0; i < 3; i++)
      await spool.accept(acceptance({}, [`d${i}.test`], held("breaker", "content")));
    await spool.release({ ...who, filter: { holdOwner: "breaker" }, perHour: () => 3_600 });
    const { entries } = await spool.list({});
    expect(entries.map((e) => e.nextAt).sort()).toEqual([5_000, 6_000, 7_000]);
  });

  test.each<[RecipientState, RecipientState, RecipientState]>([
    ["queued", "deferred", "deferred"],
    ["queued", "held", "held"],
    ["held", "deferred", "held"],
    ["held", "queued", "held"],
    ["held", "delivered", "delivered"],
    ["held", "returned", "returned"],
    ["dropped", "queued", "dropped"],
    ["delivered", "deferred", "delivered"],
    ["delivered", "bounced", "bounced"],
  ])("%s, and a result says %s: %s", (before, result, after) =>
    expect(stateAfter(before, result)).toBe(after),
  );

  test("mail held while it is in delivery stays held after a temporary refusal", async () => {
    const spool = await start();
    await spool.accept(acceptance());
    const [leased] = (await spool.lease(everything)).leased;
    await spool.hold({
      ...who,
      filter: { did: "did:plc:a" },
      hold: { reason: "by-hand", owner: "committee" },
    });
    await spool.record(
      [{ recipientId: leased!.id, state: "deferred", nextAt: 9, attempt, events: [] }],
      7_000,
    );
    expect((await spool.list({})).entries).toMatchObject([
      { state: "held", attempts: 1, inFlight: false, hold: { owner: "committee" } },
    ]);
  });
});

describe("mail that could not be signed", () => {
  test("waits for its signature, whatever else is done, and then leaves", async () => {
    const spool = await start();
    const ids = await filled(spool);
    const id = ids["unsigned"]!;
    expect((await spool.unsigned(10)).map((m) => m.id)).toEqual([id]);
    await spool.release({ ...who, filter: { ids: [id] } });
    await spool.requeue({ ...who, filter: { ids: [id] } });
    await spool.hold({ ...who, filter: { ids: [id] }, hold: { reason: "by-hand", owner: "committee" } });
    await spool.setHolds({ ...policy, standing: "suspended" }, 6_000);
    await spool.setHolds(policy, 6_000);
    expect((await spool.list({ ids: [id] })).entries[0]).toMatchObject({
      state: "held",
      hold: { owner: "signing" },
    });
    const head = Buffer.from("DKIM-Signature: x\r\nSubject: x\r\n\r\n");
    expect(await spool.sign(id, head, 7_000)).toBe(true);
    expect(await spool.sign(id, head, 7_000)).toBe(false);
    expect(await spool.unsigned(10)).toEqual([]);
    expect(await text(spool, id)).toBe("DKIM-Signature: x\r\nSubject: x\r\n\r\nbody\r\n");
    const [view] = (await spool.list({ ids: [id] })).entries;
    expect(view).toMatchObject({ state: "queued", nextAt: 7_000, size: 20 + 19, hold: null });
  });

  test("is never taken as queued, and no result of a lease lets it go", async () => {
    const spool = await start();
    await expect(spool.accept(acceptance({ unsigned: true }))).rejects.toMatchObject({ kind: "fault" });
    const a = acceptance({ unsigned: true }, ["a.test"], held("signing", "signing"));
    await spool.accept(a);
    const { leased } = await spool.leaseFor({ ...who, filter: { ids: [a.message.id] } });
    await spool.record([{ recipientId: leased[0]!.id, state: "queued", nextAt: 0, events: [] }], 1);
    expect(await spool.counts()).toEqual({ held: 1 });
    expect((await spool.unsigned(10, 0)).length).toBe(1);
    expect(await spool.unsigned(10, (await spool.unsigned(1))[0]!.seq)).toEqual([]);
  });
});

describe("idempotency", () => {
  const HOUR = 3_600_000;
  const keyed = (digest: string, receivedAt = 1_000, credentialId = "c1") =>
    acceptance({ idempotency: { key: "k", digest }, receivedAt, credential: credentialId });

  test.each<[string, Acceptance, (first: string) => object, number]>([
    ["the same again is the first", keyed("d1"), (first) => ({ duplicateOf: first }), 1],
    ["another content is a conflict", keyed("d2"), (first) => ({ conflict: first }), 1],
    ["another credential has keys of its own", keyed("d1", 1_000, "c2"), () => ({}), 2],
    ["a day later it is new", keyed("d2", 1_000 + 24 * HOUR), () => ({}), 2],
    ["just before, it is not", keyed("d1", 999 + 24 * HOUR), (first) => ({ duplicateOf: first }), 1],
  ])("%s", async (_name, second, expected, messages) => {
    const spool = await start();
    const first = keyed("d1");
    expect(await spool.accept(first)).toEqual({});
    await spool.outbox.clear(1_000);
    expect(await spool.accept(second)).toEqual(expected(first.message.id));
    expect(await spool.openCount()).toBe(messages);
    expect(await spool.outbox.depth()).toBe(messages - 1);
  });

  test("of many at once one is taken; the body of the others goes", async () => {
    const spool = await start();
    const answers = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const writer = spool.newBody();
        await writer.write(Buffer.alloc(INLINE_BYTES + 1));
        return spool.accept(
          acceptance({ idempotency: { key: "k", digest: "d" }, body: await writer.finish() }),
        );
      }),
    );
    expect(answers.filter((a) => a.duplicateOf === undefined)).toHaveLength(1);
    expect(await spool.openCount()).toBe(1);
    expect(readdirSync(`${path()}-bodies`)).toHaveLength(1);
    expect(await spool.submission("c1", "k", 2_000)).toMatchObject({ digest: "d" });
    await spool.prune(0, { now: 1_000 + 24 * HOUR });
    expect(await spool.submission("c1", "k", 2_000)).toBeUndefined();
  });
});

test("room is asked of the disk once a second", () => {
  let [free, now] = [100, 0];
  const asked = vi.fn(() => free);
  const room = createRoom("/", 50, asked, () => now);
  expect([room(), room()]).toEqual([true, true]);
  free = 49;
  now = 999;
  expect(room()).toBe(true);
  now = 1_000;
  expect([room(), asked.mock.calls.length]).toEqual([false, 2]);
  expect(createRoom("/", 50, () => undefined)()).toBe(true);
});

test("credentials with a limit of their own are released at that", async () => {
  const spool = await start();
  for (let i = 0; i < 2; i++) await spool.accept(acceptance({}, [`d${i}.test`], held("policy")));
  await spool.setHolds({ ...policy, credentials: [credential("c1", { hourly: 6 })] }, 0);
  expect((await spool.list({})).entries.map((e) => e.nextAt)).toEqual([600_000, 0]);
});
