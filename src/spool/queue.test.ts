import { readdirSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { outboxMigration } from "../event/index.ts";
import { Database } from "../platform/database.ts";
import { policyMigration } from "../policy/index.ts";
import { INLINE_BYTES, type QueueAction, type QueueFilter, type RecipientState } from "./index.ts";
import { applies, find, WINDOW } from "./queue.ts";
import { spoolMigration } from "./schema.ts";
import { acceptance, event, everything, filled, namesOf, spools, who } from "./spool.fixture.ts";

const { path, start, stop } = spools();

describe("operations", () => {
  test.each<[string, QueueFilter, string[]]>([
    ["a member", { did: "did:plc:b" }, ["other"]],
    ["a credential", { credential: "c2" }, ["other"]],
    ["the domain of the sender", { fromDomain: "OTHER.test" }, ["other"]],
    ["a recipient", { recipient: "Bob@Bulk.test" }, ["bulk"]],
    ["a recipient's domain", { recipientDomain: "bulk.test" }, ["bulk"]],
    ["states", { states: ["deferred", "delivered"] }, ["deferred", "done"]],
    ["the reason of a hold", { holdReason: "content" }, ["breaker"]],
    ["the owner of a hold", { holdOwner: "committee" }, ["person"]],
    ["a stream", { stream: "bulk" }, ["bulk"]],
    ["the time", { receivedUpTo: 300 }, ["bulk", "queued"]],
    ["all together", { receivedUpTo: 300, stream: "bulk", did: "did:plc:a" }, ["bulk"]],
    ["nothing that is there", { receivedUpTo: 300, did: "did:plc:b" }, []],
  ])("find by %s", async (_name, filter, expected) => {
    const spool = await start();
    await filled(spool);
    expect(namesOf((await spool.list(filter)).entries)).toEqual(expected);
  });

  test("ids of messages and of recipients; pages from the newest", async () => {
    const spool = await start();
    const ids = await filled(spool);
    const all = await spool.list({});
    expect(all.entries).toHaveLength(9);
    const [first] = all.entries;
    expect(namesOf((await spool.list({ ids: [ids["bulk"]!, first!.id, "none"] })).entries)).toEqual([
      "bulk",
      "done",
    ]);
    const page = await spool.list({}, { limit: 4 });
    const rest = await spool.list({}, { before: page.next!, limit: 50 });
    expect([...page.entries, ...rest.entries].map((e) => e.id)).toEqual(all.entries.map((e) => e.id));
    expect(rest.next).toBeUndefined();
  });

  test.each<[QueueAction, string[], Partial<Record<RecipientState, number>>]>([
    ["hold", ["breaker", "bulk", "deferred", "other", "policy", "queued"], { delivered: 1, held: 8 }],
    ["release", ["breaker", "person"], { delivered: 1, deferred: 1, held: 2, queued: 5 }],
    ["requeue", ["bulk", "deferred", "other", "queued"], { delivered: 1, held: 4, queued: 4 }],
    [
      "drop",
      ["breaker", "bulk", "deferred", "other", "person", "policy", "queued", "unsigned"],
      { delivered: 1, dropped: 8 },
    ],
  ])("%s touches what it may, tells how many, and leaves a trace", async (action, names, counts) => {
    const spool = await start();
    const ids = await filled(spool);
    const hold = { reason: "by-hand", owner: "committee", note: "because" } as const;
    const run = (dryRun: boolean) => {
      const request = { ...who, filter: {}, dryRun };
      if (action === "hold") return spool.hold({ ...request, hold });
      if (action === "bounce") return spool.leaseFor(request).then(({ result }) => result);
      return spool[action](request);
    };
    const before = await spool.counts();
    const looked = await run(true);
    expect(await spool.counts()).toEqual(before);
    const result = await run(false);
    expect(result).toEqual({ ...looked, recipients: names.length, messages: names.length });
    expect(result).toMatchObject({ more: false, inFlight: 0, kept: action === "release" ? 2 : 0 });
    expect(await spool.counts()).toEqual(counts);
    for (const [name, id] of Object.entries(ids)) {
      const trace = [{ at: 5_000, by: "ann", action, why: "because", recipients: 1 }];
      expect([name, await spool.operations(id)]).toEqual([name, names.includes(name) ? trace : []]);
    }
    await stop(spool);
  });

  test("what is given back is one caller's alone, held or not; in delivery it is left alone", async () => {
    const spool = await start();
    const ids = await filled(spool);
    const [inFlight] = (await spool.lease({ ...everything, max: 1, busy: ["other.test"] })).leased;
    const { leased, result } = await spool.leaseFor({ ...who, filter: { did: "did:plc:a" } });
    expect(namesOf(leased)).not.toContain(inFlight!.domain.replace(".test", ""));
    expect(result).toMatchObject({ recipients: 6, inFlight: 1 });
    expect((await spool.leaseFor({ ...who, filter: {} })).leased.map((l) => l.domain)).toEqual([
      "other.test",
    ]);
    const outcome = { state: "returned" as const, nextAt: 0, events: [] };
    await spool.record(
      leased.map(({ id }) => ({ recipientId: id, ...outcome })),
      6_000,
    );
    expect((await spool.counts()).returned).toBe(6);
    expect(await spool.operations(ids["person"]!)).toMatchObject([{ action: "bounce" }]);
    expect(await spool.drop({ ...who, filter: { ids: [inFlight!.message.id] } })).toMatchObject({
      recipients: 0,
      inFlight: 1,
    });
  });

  test("a limit is kept, and says that there is more", async () => {
    const spool = await start();
    await filled(spool);
    const result = await spool.requeue({ ...who, filter: { did: "did:plc:a" }, limit: 2 });
    expect(result).toMatchObject({ recipients: 2, messages: 2, more: true });
    expect(result.messageIds).toHaveLength(2);
  });

  test("what is requeued by so much is due so much earlier, and not before now", async () => {
    const spool = await start();
    const ids = await filled(spool);
    const filter = { ids: [ids["deferred"]!] };
    const nextAt = async () => (await spool.list(filter)).entries[0]!.nextAt;
    const before = await nextAt();
    await spool.requeue({ ...who, now: before - 300, filter, earlierBy: 100 });
    expect(await nextAt()).toBe(before - 100);
    await spool.requeue({ ...who, now: before - 150, filter, earlierBy: 100 });
    expect(await nextAt()).toBe(before - 150);
  });

  test("what is dropped goes from the disk when nobody else waits for it, and is told to core", async () => {
    const spool = await start();
    const writer = spool.newBody();
    await writer.write(Buffer.alloc(INLINE_BYTES + 1));
    const a = acceptance({ body: await writer.finish() }, ["a.test", "b.test"]);
    await spool.accept(a);
    await spool.outbox.clear(1_000);
    const told = vi.fn(() =>
      event("recipient_dropped", { dedupe_key: "d", member: { did: "did:plc:a", domain: "member.test" } }),
    );
    const drop = (recipientDomain: string) =>
      spool.drop({ ...who, filter: { recipientDomain }, event: told });
    await drop("a.test");
    expect(readdirSync(`${path()}-bodies`)).toHaveLength(1);
    await drop("b.test");
    expect(readdirSync(`${path()}-bodies`)).toEqual([]);
    expect(await spool.content(a.message.id)).toBeUndefined();
    expect(told).toHaveBeenCalledTimes(2);
    expect(await spool.outbox.depth()).toBe(2);
  });

  const states: RecipientState[] = ["queued", "deferred", "held", "delivered", "dropped"];
  const owners: (string | null)[] = ["policy", "breaker", "signing", "committee", "member"];
  const expected: Record<QueueAction, string[]> = {
    hold: ["queued", "deferred", "held policy", "held breaker"],
    release: ["held breaker", "held committee", "held member"],
    requeue: ["queued", "deferred"],
    bounce: ["queued", "deferred", ...owners.map((o) => `held ${o}`)],
    drop: ["queued", "deferred", ...owners.map((o) => `held ${o}`)],
  };
  test.each(Object.keys(expected) as QueueAction[])("%s applies to", (action) => {
    const cases: { state: RecipientState; owner: string | null }[] = states.flatMap((state) =>
      (state === "held" ? owners : [null]).map((owner) => ({ state, owner })),
    );
    const fits = (inFlight: boolean) =>
      cases
        .filter((target) => applies(action, target, inFlight))
        .map(({ state, owner }) => (owner ? `${state} ${owner}` : state));
    expect(fits(false)).toEqual(expected[action]);
    expect(fits(true)).toEqual(action === "hold" ? expected.hold : []);
  });
});

test.each<[string, QueueFilter]>([
  ["what waits", { states: ["queued"] }],
  ["anything", {}],
])("a search of a large spool goes on window by window, and forgets nothing: %s", (_name, filter) => {
  const db = new Database(":memory:", [spoolMigration, outboxMigration, policyMigration]);
  db.run(
    `INSERT INTO message (seq, id, did, kind, sender, from_domain, stream, received_at, size, open)
     VALUES (1, 'm', 'did:a', 'mail', '', 'x', 'bulk', 0, 0, 1)`,
  );
  db.run(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO recipient (id, message, address, domain, state, next_at, updated_at)
     SELECT 'r' || i, 1, iif(i % ? = 1, 'needle@x.test', 'hay@x.test'), 'x.test', 'queued', 0, 0 FROM n`,
    WINDOW * 3,
    WINDOW / 4,
  );
  let before: number | undefined;
  const found: number[] = [];
  let calls = 0;
  do {
    const page = find(db, { filter: { ...filter, recipient: "needle@x.test" }, before, limit: 5 });
    found.push(...page.entries.map((e) => e.seq));
    before = page.next;
    calls++;
  } while (before !== undefined);
  expect(found).toEqual(Array.from({ length: 12 }, (_, i) => (11 - i) * (WINDOW / 4) + 1));
  expect(calls).toBeLessThan(9);
  db.close();
});
