import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { BlockMap, blocksToCarFile, readCarWithRoot, signCommit } from "@atproto/repo";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { eventMaker, outboxMigration } from "../event/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { snowflakes } from "../lib/ids.ts";
import { Database } from "../platform/database.ts";
import { createSafeFetch } from "../platform/fetch.ts";
import { silentLog } from "../platform/log.ts";
import { HostFixture, zoneResolver } from "./host.fixture.ts";
import { HostilePds } from "./hostile.fixture.ts";
import { ATTESTATION_COLLECTION, attestationMigration, createAttestations } from "./index.ts";

const MiB = 1024 * 1024;
const TIMEOUT_MS = 1_000;
const MAX_PER_DID = 20;
const record = { domain: "mail.test", createdAt: "2026-01-01T00:00:00.000Z" };

let host: HostFixture;
let pds: HostilePds;
let db: Database;
let clock: MovableClock;
let attestations: ReturnType<typeof createAttestations>;
let hint: { did: string; collection: string; rkey: string };

beforeEach(async () => {
  host = await HostFixture.start();
  pds = await HostilePds.start();
  host.pds = pds.origin;
  hint = { did: host.did, collection: ATTESTATION_COLLECTION, rkey: "mail.test" };
  clock = new MovableClock(Date.parse("2026-01-01T00:00:00Z"));
  db = new Database(":memory:", [attestationMigration, outboxMigration]);
  attestations = createAttestations({
    db,
    resolver: zoneResolver({}),
    clock,
    fetch: createSafeFetch({ allowPrivate: true, timeoutMs: TIMEOUT_MS }),
    plcUrl: host.origin,
    log: silentLog,
    newEvent: eventMaker(
      () => clock.now(),
      snowflakes(() => clock.now()),
    ),
    pool: { domain: "pool.test", spfInclude: "spf.pool.test", returnPathHost: "bounce.pool.test" },
    maxPerDid: MAX_PER_DID,
    allowPrivate: true,
  });
});
afterEach(async () => {
  await host.close();
  await pds.close();
  db.close();
});

const rows = (table: string) => db.get<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)!.n;

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const start = performance.now();
  const value = await work();
  return { value, ms: performance.now() - start };
}

describe("one answer", () => {
  test("a record without end: the body is cut off after a megabyte", async () => {
    pds.answer = (_, res) => pds.pour(res, Buffer.alloc(64 * 1024, 0xa5), 256 * MiB);
    const { value, ms } = await timed(() => attestations.intake(hint));
    expect(value.outcome).toBe("pds-unreachable");
    expect(pds.requests).toBe(1);
    // What the buffers of two sockets hold comes on top of what was read.
    expect(pds.bytesSent).toBeLessThan(16 * MiB);
    expect(ms).toBeLessThan(8_000);
    await vi.waitFor(() => expect(pds.open).toBe(0), 15_000);
  });

  test("a length that is announced is not even read", async () => {
    pds.answer = (_, res) => {
      res.writeHead(200, { "content-length": String(4 * 1024 * MiB) });
      return pds.pour(res, Buffer.alloc(64 * 1024), 256 * MiB);
    };
    expect((await attestations.intake(hint)).outcome).toBe("pds-unreachable");
    expect(pds.bytesSent).toBeLessThan(16 * MiB);
  });

  test("a body that grows when it is unpacked", async () => {
    const bomb = gzipSync(Buffer.alloc(200 * MiB));
    pds.answer = (_, res) => {
      pds.bytesSent += bomb.length;
      res.writeHead(200, { "content-encoding": "gzip" }).end(bomb);
    };
    const before = process.memoryUsage().rss;
    expect((await attestations.intake(hint)).outcome).toBe("pds-unreachable");
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * MiB);
  });

  test("a signed record of 200 kB is refused, though its proof is good", async () => {
    await host.put(ATTESTATION_COLLECTION, "mail.test", {
      ...record,
      $type: ATTESTATION_COLLECTION,
      filler: "x".repeat(200_000),
    });
    const car = await host.proof(ATTESTATION_COLLECTION, "mail.test");
    pds.answer = (_, res) => void res.end(car);
    expect(await attestations.intake(hint)).toMatchObject({ outcome: "bad-proof", detail: /64 kB/ });
    expect(rows("attestation")).toBe(0);
  });

  test.each([
    [
      "headers that do not come",
      () => {
        // Nothing is ever said.
      },
    ],
    [
      "a body that drips",
      (res: ServerResponse) => {
        res.writeHead(200, { "content-type": "application/vnd.ipld.car" });
        const drip = setInterval(() => {
          pds.bytesSent++;
          res.write("x");
        }, 50);
        res.on("close", () => clearInterval(drip));
      },
    ],
  ])("%s: cut off in time", async (_, behave) => {
    pds.answer = (_, res) => behave(res);
    const { value, ms } = await timed(() => attestations.intake(hint));
    expect(value.outcome).toBe("pds-unreachable");
    expect(ms).toBeGreaterThan(TIMEOUT_MS / 2);
    expect(ms).toBeLessThan(TIMEOUT_MS * 5);
    expect(pds.bytesSent).toBeLessThan(200);
    await vi.waitFor(() => expect(pds.open).toBe(0), 15_000);
  });

  test("a redirect to a private address is not followed", async () => {
    let reached = 0;
    const inner = createServer((_, res) => {
      reached++;
      res.end("secret");
    }).listen(0, "127.0.0.1");
    await once(inner, "listening");
    const { port } = inner.address() as AddressInfo;
    for (const status of [301, 302, 303, 307, 308]) {
      pds.answer = (_, res) => void res.writeHead(status, { location: `http://127.0.0.1:${port}/` }).end();
      expect((await attestations.intake(hint)).outcome).toBe("pds-unreachable");
      clock.advance(60_000);
    }
    expect(pds.requests).toBe(5);
    expect(reached).toBe(0);
    await new Promise((resolve) => inner.close(resolve));
  });

  test("a host on a private address is not asked at all outside of a sandbox", async () => {
    const sandbox = createSafeFetch({ allowPrivate: true });
    const outside = createSafeFetch({ timeoutMs: TIMEOUT_MS });
    const strict = createAttestations({
      db,
      resolver: zoneResolver({}),
      clock,
      // The directory is ours here; everything else is the network outside.
      fetch: (url, init) => (String(url).startsWith(host.origin) ? sandbox : outside)(url, init),
      plcUrl: host.origin,
      log: silentLog,
      newEvent: eventMaker(
        () => clock.now(),
        snowflakes(() => clock.now()),
      ),
      pool: { domain: "pool.test", spfInclude: "spf.pool.test", returnPathHost: "bounce.pool.test" },
    });
    for (const origin of [
      pds.origin,
      pds.origin.replace("127.0.0.1", "localhost"),
      "https://169.254.169.254",
    ]) {
      host.pds = origin;
      expect((await strict.intake(hint)).outcome).toBe("pds-unreachable");
      clock.advance(60_000);
    }
    expect(pds.requests).toBe(0);
  });
});

describe("wrong CARs", () => {
  test("blocks of another account, or of nothing, prove nothing, and cost little", async () => {
    const other = await HostFixture.start();
    await other.put(ATTESTATION_COLLECTION, "mail.test", { ...record, $type: ATTESTATION_COLLECTION });
    const stolen = await other.proof(ATTESTATION_COLLECTION, "mail.test");
    const { root } = await readCarWithRoot(stolen);
    const many = new BlockMap();
    for (let i = 0; i < 15_000; i++) await many.add({ i });
    const cars: [string, Uint8Array][] = [
      ["another repository", stolen],
      ["a root that is not in it", await blocksToCarFile(root, new BlockMap())],
      ["15,000 blocks that nothing leads to", await blocksToCarFile(root, many)],
      ["no CAR", Buffer.alloc(900 * 1024, 0x80)],
    ];
    for (const [name, car] of cars) {
      pds.answer = (_, res) => void res.end(car);
      const { value, ms } = await timed(() => attestations.intake(hint));
      expect(value.outcome, name).toBe("bad-proof");
      expect(ms, name).toBeLessThan(5_000);
    }
    expect(rows("attestation")).toBe(0);
    await other.close();
  });
});

test("a signed tree that is as deep as a megabyte allows", async () => {
  const blocks = new BlockMap();
  let node = await blocks.add({ l: null, e: [] });
  for (let level = 1; level < 8_000; level++) node = await blocks.add({ l: node, e: [] });
  const unsigned = { did: host.did, version: 3, data: node, rev: "3kaaaaaaaaaaa", prev: null };
  const commit = await signCommit(unsigned as never, host.keypair);
  const car = await blocksToCarFile(await blocks.add(commit as never), blocks);
  expect(car.length).toBeLessThan(MiB);
  pds.answer = (_, res) => void res.end(car);
  const { value, ms } = await timed(() => attestations.intake(hint));
  expect(["absent", "bad-proof"]).toContain(value.outcome);
  expect(ms).toBeLessThan(10_000);
});

describe("one account with 100,000 attestations", () => {
  /** The host that proves whatever is asked for, and tells of more and more of it. */
  async function serveMany(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const rkey = `d${i}.test`;
      await host.put(ATTESTATION_COLLECTION, rkey, {
        ...record,
        $type: ATTESTATION_COLLECTION,
        domain: rkey,
      });
    }
    pds.answer = async (req, res) => {
      const url = new URL(req.url!, pds.origin);
      const rkey = url.searchParams.get("rkey");
      if (rkey !== null) return void res.end(await host.proof(ATTESTATION_COLLECTION, rkey));
      const records = Array.from({ length: 5_000 }, (_, i) => ({
        uri: `at://${host.did}/${ATTESTATION_COLLECTION}/d${i}.test`,
        cid: "bafyreib2rxk3rybk3aobmv5cjuql3bm2twh4jo5uxgf5kpqcsgz7soitae",
      }));
      res
        .setHeader("content-type", "application/json")
        .end(JSON.stringify({ records, cursor: String(pds.requests) }));
    };
  }

  function flood(messages: number, perMessage: number): void {
    for (let m = 0; m < messages; m++) {
      const ops = Array.from({ length: perMessage }, (_, i) => ({
        action: "create",
        path: `${ATTESTATION_COLLECTION}/d${m * perMessage + i}.test`,
      }));
      host.emit("#commit", { repo: host.did, ops });
    }
  }

  test("told by the stream: so many proofs, so many rows, and the position moves on", async () => {
    await serveMany(MAX_PER_DID + 5);
    const before = host.seq;
    const stream = attestations.followSources([{ protocol: "repos", url: host.origin }]);
    await vi.waitFor(() => expect(host.connections).toHaveLength(1), 15_000);
    const start = performance.now();
    flood(1, 25);
    await vi.waitFor(() => expect(attestations.activeOf(host.did)).toHaveLength(MAX_PER_DID), 15_000);
    flood(500, 200);
    await vi.waitFor(
      () => {
        const done = db.get<{ seq: number }>("SELECT seq FROM attestation_cursor")?.seq;
        expect(done).toBe(before + 501);
      },
      { timeout: 60_000, interval: 100 },
    );
    await stream.close();
    expect(performance.now() - start).toBeLessThan(60_000);
    expect(attestations.activeOf(host.did)).toHaveLength(MAX_PER_DID);
    // A hundred hints an hour are followed, and of those that are one too many not even a proof is asked for.
    expect(pds.requests).toBeLessThanOrEqual(2 * MAX_PER_DID);
    expect(host.requests).toBeLessThanOrEqual(100);
    expect(rows("attestation_retry")).toBeLessThanOrEqual(50);
  }, 90_000);

  test("none of them valid: a hundred proofs an hour, fifty put aside, the rest forgotten", async () => {
    pds.answer = (_, res) => void res.writeHead(500).end();
    const stream = attestations.followSources([{ protocol: "repos", url: host.origin }]);
    await vi.waitFor(() => expect(host.connections).toHaveLength(1), 15_000);
    flood(500, 200);
    await vi.waitFor(
      () => expect(db.get<{ seq: number }>("SELECT seq FROM attestation_cursor")?.seq).toBe(500),
      { timeout: 60_000, interval: 100 },
    );
    await stream.close();
    expect(pds.requests).toBeLessThanOrEqual(100);
    expect(rows("attestation_retry")).toBe(50);
    expect(rows("attestation")).toBe(0);
  }, 90_000);

  test("found by the sweep: one page of its list, as many proofs as records may be held", async () => {
    await serveMany(MAX_PER_DID + 5);
    const relay = await HostilePds.start();
    // Always the same account, and never an end.
    relay.answer = (_, res) => {
      const repos = Array.from({ length: 5_000 }, () => ({ did: host.did }));
      const page = JSON.stringify({ repos, cursor: String(relay.requests) });
      res.setHeader("content-type", "application/json").end(page);
    };
    expect(await attestations.sweepDue([relay.origin])).toBe(2);
    expect(relay.requests).toBe(2 * 400);
    expect(attestations.activeOf(host.did)).toHaveLength(MAX_PER_DID);
    // A page of each of two collections, and the proofs.
    expect(pds.requests).toBe(2 + MAX_PER_DID);
    await relay.close();
  }, 60_000);

  test("made and deleted again and again: few ended ones are remembered", async () => {
    pds.answer = async (req, res) => {
      const rkey = new URL(req.url!, pds.origin).searchParams.get("rkey")!;
      res.end(await host.proof(ATTESTATION_COLLECTION, rkey));
    };
    for (let i = 0; i < 120; i++) {
      const rkey = `d${i}.test`;
      await host.put(ATTESTATION_COLLECTION, rkey, {
        ...record,
        $type: ATTESTATION_COLLECTION,
        domain: rkey,
      });
      await attestations.intake({ ...hint, rkey });
      await host.delete(ATTESTATION_COLLECTION, rkey);
      await attestations.intake({ ...hint, rkey });
    }
    expect(attestations.activeOf(host.did)).toEqual([]);
    expect(rows("attestation")).toBeLessThanOrEqual(51);
  }, 60_000);
});

test("an account that changes its mind all the time: a hundred proofs an hour", async () => {
  await host.put(ATTESTATION_COLLECTION, "mail.test", { ...record, $type: ATTESTATION_COLLECTION });
  const car = await host.proof(ATTESTATION_COLLECTION, "mail.test");
  pds.answer = (_, res) => void res.end(car);
  await attestations.intake(hint);
  let changes = 0;
  attestations.onChange(() => changes++);
  const stream = attestations.followSources([{ protocol: "repos", url: host.origin }]);
  await vi.waitFor(() => expect(host.connections).toHaveLength(1), 15_000);
  for (let i = 0; i < 500; i++) {
    host.account(false);
    host.account(true);
    host.emit("#identity", { did: host.did });
    host.emit("#sync", { did: host.did });
  }
  host.emit("#account", { did: host.did, active: false, status: "deleted" });
  await vi.waitFor(
    () => expect(db.get<{ seq: number }>("SELECT seq FROM attestation_cursor")?.seq).toBe(host.seq),
    { timeout: 30_000, interval: 100 },
  );
  await stream.close();
  expect(pds.requests).toBeLessThanOrEqual(101);
  expect(changes).toBeLessThanOrEqual(202);
  // What was said last holds, until there is time to look.
  expect(attestations.activeOf(host.did)).toEqual([]);
  expect(rows("attestation_retry")).toBe(1);
  clock.advance(61 * 60_000);
  await attestations.refreshDue();
  expect(attestations.activeOf(host.did)).toHaveLength(1);
}, 60_000);

test("a slow host does not hold up the others: it is left alone for half a minute", async () => {
  pds.answer = () => undefined;
  const { ms } = await timed(async () => {
    for (let i = 0; i < 50; i++) await attestations.intake({ ...hint, rkey: `d${i}.test` });
  });
  expect(pds.requests).toBe(1);
  expect(ms).toBeLessThan(TIMEOUT_MS * 5);
  clock.advance(31_000);
  await attestations.intake(hint);
  expect(pds.requests).toBe(2);
});
