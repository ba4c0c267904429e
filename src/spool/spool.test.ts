import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Worker } from "node:worker_threads";
import { describe, expect, test, vi } from "vitest";
import type { MemberPolicy } from "../policy/index.ts";
import { INLINE_BYTES, SpoolError, type Acceptance } from "./index.ts";
import {
  acceptance,
  attempt,
  domain,
  everything,
  paused,
  policy,
  spools,
  text,
  credential,
} from "./spool.fixture.ts";

const { path, start, stop } = spools();

describe("the way of a message", () => {
  test("accepted, leased once, deferred, delivered; then its content goes and its log stays", async () => {
    const spool = await start();
    const a = acceptance();
    await spool.accept(a);
    expect(await text(spool, a.message.id)).toBe("Subject: x\r\n\r\nbody\r\n");
    const first = await spool.lease(everything);
    expect(first.leased).toMatchObject([
      { address: "bob@a.test", attempts: 0, message: { id: a.message.id } },
    ]);
    expect((await spool.lease(everything)).leased).toEqual([]);
    const recipientId = a.recipients[0]!.id;
    await spool.record([{ recipientId, state: "deferred", nextAt: 9_000, attempt, events: [] }], 5_000);
    expect(await spool.lease({ ...everything, now: 8_999 })).toEqual({ leased: [], nextDue: 9_000 });
    expect((await spool.lease(everything)).leased).toMatchObject([{ attempts: 1 }]);
    await spool.record([{ recipientId, state: "delivered", nextAt: 0, attempt, events: [] }], 9_500);
    expect(await spool.content(a.message.id)).toBeUndefined();
    expect(await spool.counts()).toEqual({ delivered: 1 });
    expect(await spool.messages("did:plc:a")).toMatchObject([
      { id: a.message.id, recipients: [{ state: "delivered", attempts: 2, updatedAt: 9_500 }] },
    ]);
    expect(await spool.messageByRecipient(recipientId)).toMatchObject({ id: a.message.id });
    expect(await spool.attempts(a.message.id)).toMatchObject([
      { recipientId, transcript: "S: 220" },
      { code: 250 },
    ]);
    expect(await spool.messages("did:plc:b")).toEqual([]);
    expect(await spool.prune(1_000)).toBe(0);
    expect(await spool.prune(1_001)).toBe(1);
  });

  test("one domain cannot take all places", async () => {
    const spool = await start();
    for (let i = 0; i < 5; i++) await spool.accept(acceptance({}, ["slow.test"]));
    await spool.accept(acceptance({}, ["fast.test"]));
    const domains = async (busy: string[]) =>
      (await spool.lease({ now: 2_000, max: 4, perDomain: 2, busy })).leased.map((l) => l.domain);
    expect(await domains([])).toEqual(["fast.test", "slow.test", "slow.test"]);
    expect(await domains(["slow.test"])).toEqual([]);
    expect(await domains([])).toEqual(["slow.test", "slow.test"]);
  });

  test("no member can take all places", async () => {
    const spool = await start();
    const domains = Array.from({ length: 6 }, (_, i) => `d${i}.test`);
    await spool.accept(acceptance({}, domains));
    await spool.accept(acceptance({ did: "did:plc:b" }, ["b.test"]));
    const dids = async (busyMembers: string[]) =>
      (
        await spool.lease({ now: 2_000, max: 4, perDomain: 2, busy: [], perMember: 2, busyMembers })
      ).leased.map((l) => l.message.did.at(-1));
    expect(await dids([])).toEqual(["b", "a", "a"]);
    expect(await dids(["did:plc:a"])).toEqual([]);
    expect(await dids([])).toEqual(["a", "a"]);
  });

  test.each<[string, Partial<MemberPolicy>, string[]]>([
    ["nothing", {}, []],
    ["the member is suspended", { standing: "suspended" }, ["c1 member", "c1 news", "c1 snews", "c2 member"]],
    ["the member is paused", { paused: true }, ["c1 member", "c1 news", "c1 snews", "c2 member"]],
    ["a credential is paused", { credentials: [credential("c1"), paused("c2")] }, ["c2 member"]],
    [
      "the parent is held, its subdomain is a domain of its own",
      { domains: [domain("member.test", "held"), domain("news.member.test", "active")] },
      ["c1 member", "c1 snews", "c2 member"],
    ],
    [
      "the subdomain alone is held",
      { domains: [domain("member.test", "active"), domain("news.member.test", "held")] },
      ["c1 news"],
    ],
    [
      "an underscore is no wildcard",
      { domains: [domain("member.test", "active"), domain("_news.member.test", "held")] },
      [],
    ],
    [
      "the domain is gone",
      { domains: [domain("news.member.test", "active")] },
      ["c1 member", "c1 snews", "c2 member"],
    ],
  ])("what waits is held as it would be decided: %s", async (_name, change, expected) => {
    const spool = await start();
    await spool.accept(acceptance({ fromDomain: "news.member.test" }, ["news"]));
    await spool.accept(acceptance({ fromDomain: "snews.member.test" }, ["snews"]));
    await spool.accept(acceptance({}, ["member"]));
    await spool.accept(acceptance({ credential: "c2" }, ["member"]));
    await spool.accept(acceptance({ kind: "dsn", credential: null, fromDomain: "pool.test" }, ["dsn"]));
    await spool.accept(acceptance({ did: "did:plc:b" }, ["other"]));
    const held = async (policy: MemberPolicy) => {
      await spool.setHolds(policy, 2_000);
      const rows = [...(await spool.messages("did:plc:a")), ...(await spool.messages("did:plc:b"))];
      return rows
        .flatMap((m) =>
          m.recipients.flatMap((r) => (r.state === "held" ? [`${m.credential} ${r.domain}`] : [])),
        )
        .sort();
    };
    expect(await held({ ...policy, ...change })).toEqual(expected);
    expect(await held({ ...policy, standing: "ejected" })).toHaveLength(4);
    expect(await held({ ...policy, ...change })).toEqual(expected);
    expect(await held(policy)).toEqual([]);
    expect(await spool.counts()).toEqual({ queued: 6 });
  });

  test("held mail that is to be given back is one caller's alone, and not what is being delivered", async () => {
    const spool = await start();
    const old = acceptance({ receivedAt: 500 });
    await spool.accept(old);
    await spool.accept(acceptance({}, ["b.test"]));
    await spool.accept(acceptance({ did: "did:plc:b" }, ["c.test"]));
    const [inFlight] = (await spool.lease({ ...everything, busy: ["a.test", "c.test"] })).leased;
    for (const did of ["did:plc:a", "did:plc:b"])
      await spool.setHolds({ ...policy, did, standing: "suspended" }, 2_000);
    const due = async (receivedUpTo: number, ...dids: string[]) =>
      (await spool.leaseHeld({ receivedUpTo, dids, max: 10 })).map((l) => l.domain).sort();
    expect(await due(499)).toEqual([]);
    expect(await due(500)).toEqual(["a.test"]);
    expect(await due(500)).toEqual([]);
    expect(await due(0, "did:plc:a", "did:plc:b")).toEqual(["c.test"]);
    const recipientId = old.recipients[0]!.id;
    await spool.record([{ recipientId, state: "returned", nextAt: 0, events: [] }], 3_000);
    expect(await spool.content(old.message.id)).toBeUndefined();
    await spool.record([{ recipientId: inFlight!.id, state: "delivered", nextAt: 0, events: [] }], 3_000);
    expect(await spool.counts()).toEqual({ delivered: 1, held: 1, returned: 1 });
  });

  test("everything that is old goes, in groups; the numbers of the states follow", async () => {
    const spool = await start();
    for (let i = 0; i < 7; i++) {
      const a = acceptance({}, ["a.test", "b.test"]);
      await spool.accept(a);
      if (i === 0) continue;
      const outcomes = a.recipients.map(({ id }) => ({
        recipientId: id,
        state: "delivered" as const,
        nextAt: 0,
        attempt,
        events: [],
      }));
      await spool.record(outcomes, 2_000);
    }
    expect(await spool.counts()).toEqual({ delivered: 12, queued: 2 });
    expect(await spool.prune(5_000, { limit: 2 })).toBe(6);
    expect(await spool.counts()).toEqual({ queued: 2 });
  });

  test("a result and the mail it gives rise to are one", async () => {
    const spool = await start();
    const a = acceptance();
    await spool.accept(a);
    const follow = { ...acceptance({ kind: "dsn", credential: null, sender: "" }), events: [] };
    const recipientId = a.recipients[0]!.id;
    const outcome = { recipientId, state: "bounced" as const, nextAt: 0, attempt, events: [], follow };
    await expect(
      spool.record(
        [{ ...outcome, follow: { ...follow, message: { ...follow.message, id: a.message.id } } }],
        1,
      ),
    ).rejects.toThrow(SpoolError);
    expect(await spool.counts()).toEqual({ queued: 1 });
    await spool.record([outcome], 1);
    expect(await spool.counts()).toEqual({ bounced: 1, queued: 1 });
  });
});

describe("durability", () => {
  test("a body of 128 KiB stands in the database, and its memory is given away", async () => {
    const spool = await start();
    const writer = spool.newBody();
    for (let i = 0; i < 8; i++) await writer.write(Buffer.alloc(INLINE_BYTES / 8, String(i)));
    const body = await writer.finish();
    const a = acceptance({ body });
    await spool.accept(a);
    expect(readdirSync(`${path()}-bodies`)).toEqual([]);
    expect("bytes" in body && body.bytes.length).toBe(0);
    const whole = [..."01234567"].map((n) => n.repeat(INLINE_BYTES / 8)).join("");
    expect(await text(spool, a.message.id)).toBe(`Subject: x\r\n\r\n${whole}`);
  });

  test("a large body is a file while it is needed", async () => {
    const spool = await start();
    const large = Buffer.alloc(INLINE_BYTES * 3, "0123456789");
    const writer = spool.newBody();
    for (let i = 0; i < large.length; i += 50_000) await writer.write(large.subarray(i, i + 50_000));
    const a = acceptance({ body: await writer.finish() });
    await spool.accept(a);
    const bodies = `${path()}-bodies`;
    expect(readdirSync(bodies)).toHaveLength(1);
    expect(await text(spool, a.message.id)).toBe(`Subject: x\r\n\r\n${large.toString()}`);
    await spool.record([{ recipientId: a.recipients[0]!.id, state: "delivered", nextAt: 0, events: [] }], 1);
    expect(readdirSync(bodies)).toEqual([]);
    const unwanted = spool.newBody();
    await unwanted.write(large);
    await unwanted.discard();
    expect(readdirSync(bodies)).toEqual([]);
  });

  test("a restart gives leases back and sweeps what was never acknowledged", async () => {
    const first = await start();
    await first.accept(acceptance());
    expect((await first.lease(everything)).leased).toHaveLength(1);
    await stop(first);
    const orphan = join(`${path()}-bodies`, "orphan.part");
    writeFileSync(orphan, "x");
    const second = await start();
    expect(existsSync(orphan)).toBe(false);
    expect((await second.lease(everything)).leased).toHaveLength(1);
    expect(await second.policies.loadPolicies()).toMatchObject({ limits: [{ bucket: "hour", tat: 5 }] });
  });

  test("a wait set by a clock that was ahead ends when it should at the next start", async () => {
    const first = await start();
    const [a, b] = [acceptance(), acceptance({}, ["b.test"])];
    await first.accept(a);
    await first.accept(b);
    const HOUR = 3_600_000;
    const wait = (of: Acceptance, nextAt: number) => {
      const recipientId = of.recipients[0]!.id;
      return first.record([{ recipientId, state: "deferred", nextAt, attempt, events: [] }], 2_000);
    };
    await wait(a, 900 * HOUR);
    await wait(b, 2 * HOUR);
    await stop(first);
    const second = await start({ now: 0 });
    const due = async (now: number) =>
      (await second.lease({ ...everything, now })).leased.map((l) => l.domain);
    expect(await due(2 * HOUR)).toEqual(["b.test"]);
    expect(await due(6 * HOUR)).toEqual(["a.test"]);
  });

  test("when the writer dies it is said once, and nothing more is taken", async () => {
    const fatal = vi.fn<(error: Error) => void>();
    const posts = vi.spyOn(Worker.prototype, "postMessage");
    const spool = await start({ onFatal: fatal });
    await spool.accept(acceptance());
    await (posts.mock.contexts[0] as Worker).terminate();
    posts.mockRestore();
    await expect(spool.accept(acceptance())).rejects.toThrow("the writer of the spool ended");
    expect(fatal).toHaveBeenCalledOnce();
    await stop(spool);
    const again = await start({ onFatal: fatal });
    expect(await again.counts()).toEqual({ queued: 1 });
    await stop(again);
    expect(fatal).toHaveBeenCalledOnce();
  });

  test("events wait in the outbox until they are cleared", async () => {
    const spool = await start();
    const a = acceptance();
    await spool.accept(a);
    const rows = await spool.outbox.read(10);
    expect(rows.map((r) => JSON.parse(r.envelope).data.data.dedupe_key)).toEqual([a.message.id]);
    await spool.outbox.clear(rows[0]!.seq);
    expect(await spool.outbox.depth()).toBe(0);
  });

  test("a full disk refuses, loses nothing, and is over when there is room", async () => {
    const spool = await start({ maxPages: 120 });
    const big = { bytes: new Uint8Array(30_000) };
    const results = await Promise.allSettled(
      Array.from({ length: 40 }, () => {
        const a = acceptance({ body: big });
        return spool.accept(a).then(() => a.message.id);
      }),
    );
    const kept = results.flatMap((r) => (r.status === "fulfilled" ? [r.value] : []));
    const refused = results.flatMap((r) => (r.status === "rejected" ? [r.reason as SpoolError] : []));
    expect(kept.length).toBeGreaterThan(0);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every((e) => e instanceof SpoolError && e.full)).toBe(true);
    expect((await spool.messages("did:plc:a")).map((m) => m.id).sort()).toEqual(kept.sort());
    await stop(spool);
    const roomy = await start();
    await roomy.accept(acceptance({ body: big }));
    expect(await roomy.counts()).toEqual({ queued: kept.length + 1 });
  });

  test("kill -9 under load: every acknowledged message is there", async () => {
    const program = `
      import { createSpool } from ${JSON.stringify(new URL("./index.ts", import.meta.url).href)};
      import { randomId } from ${JSON.stringify(new URL("../lib/ids.ts", import.meta.url).href)};
      const spool = await createSpool({ path: ${JSON.stringify(path())} });
      const template = ${JSON.stringify({ ...acceptance(), events: [] })};
      const one = async (large) => {
        const id = randomId(10);
        const writer = spool.newBody();
        await writer.write(Buffer.alloc(large ? 200_000 : 2_000, id));
        const message = { ...template.message, id, head: Buffer.from("Subject: " + id), body: await writer.finish() };
        const recipients = [{ ...template.recipients[0], id: randomId(10) }];
        await spool.accept({ message, recipients, events: [] });
        process.stdout.write(id + "\\n");
      };
      for (let worker = 0; worker < 16; worker++) (async () => { for (;;) await one(worker % 4 === 0); })();
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const acknowledged: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line);
      if (acknowledged.length === 400) child.kill("SIGKILL");
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    expect(child.signalCode).toBe("SIGKILL");
    const spool = await start();
    const bodies = await Promise.all(acknowledged.map((id) => text(spool, id)));
    const broken = acknowledged.filter(
      (id, i) => !bodies[i]?.startsWith(`Subject: ${id}${id}`) || bodies[i]!.length < 2_000,
    );
    expect(acknowledged.length).toBeGreaterThanOrEqual(400);
    expect(broken).toEqual([]);
    expect(
      (await spool.lease({ ...everything, max: 5_000, perDomain: 5_000 })).leased.length,
    ).toBeGreaterThanOrEqual(400);
  });
});
