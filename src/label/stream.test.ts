import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secp256k1Keypair } from "@atproto/crypto";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { DAY_MS, MovableClock, type Clock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import {
  labelFromJson,
  readFrame,
  verifyLabel,
  type Label,
  type LabelJson,
} from "../protocol/labels/index.ts";
import {
  attachSubscribeLabels,
  createLabels,
  labelMigration,
  labelRoutes,
  type AttestedDomain,
  type Labels,
} from "./index.ts";

const HOUR_MS = 3_600_000;
const START = Date.parse("2026-01-01T00:00:00Z");
const LABELER = "did:plc:labeler";
const ACCOUNTS = 12;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** mulberry32: the same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Stand = { summary: AttestedDomain["summary"]; version: number; clean: boolean; ended: boolean };

/** A labeler in a file, that can be stopped, given another key, and put back to an older copy of its file. */
function createLabelerUnderTest(clock: Clock) {
  const dir = mkdtempSync(join(tmpdir(), "atmos-stream-"));
  closers.push(() => rmSync(dir, { recursive: true }));
  const file = join(dir, "labeler.sqlite");
  const accounts: Stand[] = Array.from({ length: ACCOUNTS }, () => ({
    summary: "unknown",
    version: 1,
    clean: false,
    ended: false,
  }));
  let db: Database;
  let labels: Labels;
  let server: Server;
  let stream: ReturnType<typeof attachSubscribeLabels>;
  let keypair: Secp256k1Keypair;

  function attestationsOf(did: string): AttestedDomain[] {
    const { summary, version } = accounts[Number(did.slice("did:plc:m".length))]!;
    return [{ uri: `at://${did}/c/x.test`, cid: `bafy${version}`, did, domain: "x.test", summary }];
  }

  async function start(rotate: boolean): Promise<void> {
    if (rotate || !keypair) keypair = await Secp256k1Keypair.create();
    db = new Database(file, [labelMigration]);
    labels = createLabels({
      db,
      did: LABELER,
      keypair,
      clock,
      log: silentLog,
      attestationsOf,
      keepMs: DAY_MS,
    });
    server = createServer();
    stream = attachSubscribeLabels(server, labels, { gatherMs: 1 });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  }

  async function stop(): Promise<void> {
    await stream.close();
    await new Promise((resolve) => server.close(resolve));
    db.close();
  }

  return {
    accounts,
    start,
    stop,
    labels: () => labels,
    key: () => keypair.did(),
    url: () => `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    setStanding: (n: number) =>
      labels.setStanding({
        did: `did:plc:m${n}`,
        member: true,
        cleanSender: accounts[n]!.clean,
        ended: accounts[n]!.ended,
      }),
    async restart(change: { rotate?: boolean; restore?: string } = {}): Promise<void> {
      await stop();
      if (change.restore) {
        for (const end of ["-wal", "-shm"]) rmSync(file + end, { force: true });
        cpSync(change.restore, file);
      }
      await start(change.rotate ?? false);
    },
    backup(): string {
      const copy = join(dir, `backup-${clock.now()}.sqlite`);
      rmSync(copy, { force: true });
      db.exec(`VACUUM INTO '${copy}'`);
      return copy;
    },
    async query(): Promise<Label[]> {
      const all: Label[] = [];
      let cursor: string | undefined;
      do {
        const params = new URLSearchParams({ uriPatterns: "*", limit: "7", ...(cursor && { cursor }) });
        const answer = await labelRoutes(labels).request(`/xrpc/com.atproto.label.queryLabels?${params}`);
        const page = (await answer.json()) as { cursor?: string; labels: LabelJson[] };
        all.push(...page.labels.map(labelFromJson));
        cursor = page.cursor;
      } while (cursor !== undefined);
      return all;
    },
  };
}

const unsigned = (label: Label) => ({ ...label, sig: undefined });
const keyOf = ({ uri, val }: Label) => `${uri} ${val}`;
const inForce = (labels: Iterable<Label>, now: number) =>
  [...labels]
    .filter((label) => !label.neg && (label.exp === undefined || Date.parse(label.exp) > now))
    .map(unsigned)
    .sort((a, b) => `${a.uri} ${a.val}`.localeCompare(`${b.uri} ${b.val}`));

/** Keeps the latest label of each subject and value, and its cursor across connections. */
class Consumer {
  cursor = 0;
  readonly seen = new Map<string, Label>();
  readonly seqs: number[] = [];
  readonly faults: string[] = [];
  ws: WebSocket | undefined;

  async connect(url: string): Promise<void> {
    const ws = new WebSocket(`${url}/xrpc/com.atproto.label.subscribeLabels?cursor=${this.cursor}`);
    this.ws = ws;
    ws.on("error", () => undefined);
    ws.on("message", (data) => {
      if (this.ws !== ws) return;
      const frame = readFrame(data as Buffer);
      if (frame?.kind === "error") this.faults.push(frame.error);
      // All there is comes again: what was forgotten was superseded.
      if (frame?.kind === "message" && frame.type === "#info") this.cursor = 0;
      if (frame?.kind !== "message" || frame.type !== "#labels") return;
      const { seq, labels } = frame.body as { seq: number; labels: Label[] };
      if (seq <= this.cursor) this.faults.push(`${seq} after ${this.cursor}`);
      this.cursor = seq;
      this.seqs.push(seq);
      for (const label of labels) {
        const known = this.seen.get(keyOf(label));
        if (!known || known.cts <= label.cts) this.seen.set(keyOf(label), label);
      }
    });
    await once(ws, "open").catch(() => undefined);
  }
  disconnect(): void {
    this.ws?.terminate();
    this.ws = undefined;
  }
  async reach(seq: number): Promise<void> {
    while (this.cursor < seq) await once(this.ws!, "message");
  }
}

test.each([1, 2, 3, 4, 5, 6])(
  "seed %i: whatever writers, keys, restarts and connections do, each consumer ends with what queryLabels says",
  async (seed) => {
    const random = randomFrom(seed);
    const pick = (n: number) => Math.floor(random() * n);
    const clock = new MovableClock(START);
    const labeler = createLabelerUnderTest(clock);
    await labeler.start(true);
    closers.push(labeler.stop);
    const consumers = Array.from({ length: 6 }, () => new Consumer());
    closers.push(() => consumers.forEach((consumer) => consumer.disconnect()));
    let pending: Promise<unknown>[] = [];
    const writes = [
      (n: number) => {
        labeler.accounts[n]!.summary = (["verified", "broken", "unknown"] as const)[pick(3)]!;
        return labeler.labels().reconcile(`did:plc:m${n}`);
      },
      (n: number) => {
        labeler.accounts[n]!.version++;
        return labeler.labels().reconcile(`did:plc:m${n}`);
      },
      (n: number) => {
        Object.assign(labeler.accounts[n]!, { clean: random() < 0.5, ended: random() < 0.3 });
        return labeler.setStanding(n);
      },
      () => labeler.labels().renewDue(),
    ];

    for (let step = 0; step < 150; step++) {
      for (let n = pick(8); n > 0; n--) pending.push(writes[pick(writes.length)]!(pick(ACCOUNTS)));
      if (random() < 0.5) clock.advance(pick(2 * HOUR_MS));
      const consumer = consumers[pick(consumers.length)]!;
      if (random() < 0.3) consumer.disconnect();
      else if (!consumer.ws) pending.push(consumer.connect(labeler.url()));
      if (random() < 0.2) labeler.labels().prune();
      if (random() < 0.3) await new Promise((resolve) => setImmediate(resolve));
      if (random() < 0.05) {
        await Promise.all(pending);
        pending = [];
        for (const one of consumers) one.disconnect();
        await labeler.restart({ rotate: random() < 0.7 });
      }
    }
    await Promise.all(pending);

    const queried = await labeler.query();
    expect(queried.length).toBeGreaterThan(ACCOUNTS);
    const last = labeler.labels().lastSeq();
    for (const consumer of consumers) {
      if (!consumer.ws) await consumer.connect(labeler.url());
      await consumer.reach(last);
      expect(consumer.faults).toEqual([]);
      expect(inForce(consumer.seen.values(), clock.now())).toEqual(inForce(queried, clock.now()));
    }
    for (const label of queried) expect(await verifyLabel(label, labeler.key())).toBe(true);
  },
);

test("after a rotation, both endpoints sign anew with the new key and keep cts, exp and seq", async () => {
  const clock = new MovableClock(START);
  const labeler = createLabelerUnderTest(clock);
  await labeler.start(true);
  closers.push(labeler.stop);
  for (let n = 0; n < 5; n++) {
    labeler.accounts[n]!.summary = "verified";
    await labeler.labels().reconcile(`did:plc:m${n}`);
  }
  const follow = async () => {
    const consumer = new Consumer();
    await consumer.connect(labeler.url());
    await consumer.reach(labeler.labels().lastSeq());
    consumer.disconnect();
    return consumer;
  };
  const [oldKey, before, queriedBefore] = [labeler.key(), await follow(), await labeler.query()];
  clock.advance(HOUR_MS);
  await labeler.restart({ rotate: true });
  const after = await follow();
  const queried = await labeler.query();
  expect(after.seqs).toEqual(before.seqs);
  expect([...after.seen.values()].map(unsigned)).toEqual([...before.seen.values()].map(unsigned));
  expect(queried.map(unsigned)).toEqual(queriedBefore.map(unsigned));
  for (const label of [...after.seen.values(), ...queried]) {
    expect(await verifyLabel(label, labeler.key())).toBe(true);
    expect(await verifyLabel(label, oldKey)).toBe(false);
  }
});

test("seq is never given out twice: an older copy of the database, and a clock that goes back", async () => {
  let now = START;
  const clock: Clock = { now: () => now, sleep: () => new Promise(() => undefined) };
  const labeler = createLabelerUnderTest(clock);
  await labeler.start(true);
  closers.push(labeler.stop);
  const consumer = new Consumer();
  await consumer.connect(labeler.url());
  const say = async (n: number) => {
    labeler.accounts[n]!.summary = "verified";
    expect(await labeler.labels().reconcile(`did:plc:m${n}`)).toHaveLength(2);
    await consumer.reach(labeler.labels().lastSeq());
  };
  await say(0);
  const copy = labeler.backup();
  now += 1_000;
  for (let n = 1; n <= 5; n++) await say(n);
  const lost = labeler.labels().lastSeq();
  now += 1_000;
  consumer.disconnect();
  await labeler.restart({ restore: copy });
  expect(labeler.labels().lastSeq()).toBeLessThan(lost);
  await consumer.connect(labeler.url());
  // What the copy does not know is said again, and nothing of it has an old number.
  for (let n = 1; n <= 6; n++) await say(n);
  const first = labeler.labels().lastSeq();
  now -= HOUR_MS;
  await say(7);
  await labeler.restart();
  await consumer.connect(labeler.url());
  await say(8);
  expect(labeler.labels().lastSeq()).toBe(first + 4);
  expect(consumer.faults).toEqual([]);
  expect(new Set(consumer.seqs).size).toBe(consumer.seqs.length);
  expect(inForce(consumer.seen.values(), clock.now())).toEqual(inForce(await labeler.query(), clock.now()));
});
