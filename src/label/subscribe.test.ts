import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { Secp256k1Keypair } from "@atproto/crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { DAY_MS, MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { createMetrics } from "../platform/metrics.ts";
import { readFrame, verifyLabel, type Label } from "../protocol/labels/index.ts";
import {
  attachSubscribeLabels,
  createLabels,
  labelMigration,
  type AttestedDomain,
  type Labels,
} from "./index.ts";

let db: Database;
let labels: Labels;
let server: Server;
let attached: ReturnType<typeof attachSubscribeLabels>;
let keypair: Secp256k1Keypair;
let attestations: AttestedDomain[];
let clock: MovableClock;
const metrics = createMetrics();
const open: WebSocket[] = [];
const options = { slowAfterMs: 300, gatherMs: 1 };

beforeEach(async () => {
  db = new Database(":memory:", [labelMigration]);
  keypair = await Secp256k1Keypair.create();
  attestations = [];
  clock = new MovableClock(Date.parse("2026-01-01T00:00:00Z"));
  labels = createLabels({
    db,
    did: "did:plc:labeler",
    keypair,
    clock,
    log: silentLog,
    metrics,
    attestationsOf: (did) => attestations.filter((a) => a.did === did),
  });
  server = createServer((_, res) => res.end());
  attached = attachSubscribeLabels(server, labels, options);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  for (const ws of open.splice(0)) ws.terminate();
  await attached.close();
  await new Promise((resolve) => server.close(resolve));
  db.close();
});

/** Says one more label pair, about a new account. */
async function say(n: number): Promise<void> {
  const did = `did:plc:m${n}`;
  attestations.push({ uri: `at://${did}/c/x.test`, cid: "bafy", did, domain: "x.test", summary: "verified" });
  await labels.reconcile(did);
}

type Message = { seq: number; labels: Label[] };

/** A subscriber that keeps what it gets. */
function subscribe(params = "") {
  const { port } = server.address() as AddressInfo;
  const ws = new WebSocket(`ws://127.0.0.1:${port}/xrpc/com.atproto.label.subscribeLabels${params}`);
  open.push(ws);
  const messages: Message[] = [];
  const errors: string[] = [];
  const infos: string[] = [];
  ws.on("message", (data) => {
    const frame = readFrame(data as Buffer);
    if (frame?.kind === "message" && frame.type === "#labels") messages.push(frame.body as Message);
    if (frame?.kind === "message" && frame.type === "#info") infos.push(String(frame.body["name"]));
    if (frame?.kind === "error") errors.push(frame.error);
  });
  ws.on("error", (err) => errors.push(err.message));
  return {
    ws,
    messages,
    errors,
    infos,
    opened: new Promise((resolve) => ws.once("open", resolve)),
    ended: new Promise((resolve) => ws.once("close", resolve)),
    async has(n: number) {
      while (messages.length < n) await once(ws, "message");
    },
  };
}

test("from 0: everything, then live, in order, without a gap while labels are being made", async () => {
  for (let n = 0; n < 150; n++) await say(n);
  const subscriber = subscribe("?cursor=0");
  for (let n = 150; n < 300; n++) await say(n);
  await subscriber.has(600);
  const seqs = subscriber.messages.map((m) => m.seq);
  expect(seqs).toHaveLength(600);
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
  expect(await verifyLabel(subscriber.messages[599]!.labels[0]!, keypair.did())).toBe(true);
});

test("without a cursor: only what comes from now on; with one: what follows it", async () => {
  await say(1);
  const live = subscribe();
  await live.opened;
  const seq = labels.lastSeq();
  await say(2);
  await live.has(2);
  expect(live.messages.every((m) => m.seq > seq)).toBe(true);
  const resumed = subscribe(`?cursor=${seq}`);
  await resumed.has(2);
  expect(resumed.messages).toEqual(live.messages);
  const metric = await metrics.labelSubscribers.get();
  expect(metric.values[0]!.value).toBe(2);
});

test("a cursor from the future is refused with FutureCursor", async () => {
  const subscriber = subscribe(`?cursor=${labels.highestCursor() + 1}`);
  await subscriber.ended;
  expect(subscriber.errors).toEqual(["FutureCursor"]);
  expect(subscriber.ws.readyState).toBe(WebSocket.CLOSED);
});

test("a cursor that is none is refused at the door", async () => {
  const subscriber = subscribe("?cursor=x");
  await subscriber.ended;
  expect(subscriber.errors[0]).toContain("400");
});

test("a cursor of a database that was lost is served on: what it has not seen comes", async () => {
  const lost = subscribe(`?cursor=${labels.highestCursor() - 5}`);
  await lost.opened;
  await say(1);
  await lost.has(2);
  expect([lost.errors, lost.infos]).toEqual([[], []]);
});

describe("a cursor older than what is kept", () => {
  let pruned: number;
  beforeEach(async () => {
    await say(1);
    pruned = labels.lastSeq();
    attestations[0]!.cid = "bafynew";
    await labels.reconcile("did:plc:m1");
    clock.advance((20 / 24) * DAY_MS);
    attestations[0]!.cid = "bafynewer";
    await labels.reconcile("did:plc:m1");
    clock.advance(6.5 * DAY_MS);
    expect(labels.prune()).toBe(3);
    expect(labels.prune()).toBe(0);
  });
  const forgetTail = async () => {
    await attached.close();
    attached = attachSubscribeLabels(server, labels, options);
  };

  test("is served on while it is in memory", async () => {
    const known = subscribe(`?cursor=${pruned - 1}`);
    await known.has(4);
    expect([known.errors, known.infos]).toEqual([[], []]);
  });

  test("is told so, and gets all there is", async () => {
    await forgetTail();
    const outdated = subscribe(`?cursor=${pruned - 1}`);
    await outdated.has(2);
    expect([outdated.errors, outdated.infos]).toEqual([[], ["OutdatedCursor"]]);
    expect(outdated.messages.map((m) => m.labels[0]!.cid)).toEqual(["bafynewer", undefined]);
    await say(2);
    await outdated.has(4);
  });

  test.each<[string, () => number]>([
    ["0, which asks for all there is", () => 0],
    ["one after which all is kept", () => labels.lastSeq() - 1],
  ])("but not %s", async (_, cursor) => {
    await forgetTail();
    const subscriber = subscribe(`?cursor=${cursor()}`);
    await subscriber.has(1);
    expect([subscriber.errors, subscriber.infos]).toEqual([[], []]);
  });
});

test("places are counted: one too many is told to come back", async () => {
  await attached.close();
  attached = attachSubscribeLabels(server, labels, { ...options, maxSubscribers: 1 });
  await subscribe().opened;
  const second = subscribe();
  await second.ended;
  expect(second.errors[0]).toContain("503");
});

/** A backlog of 24 MB, more than all buffers on the way hold. */
async function longBacklog(): Promise<void> {
  const insert = `INSERT INTO label (subject, src, uri, val, neg, cts, sig, key_id, superseded)
    VALUES ('s', 'did:plc:labeler', ?, 'v', 0, '2026-01-01T00:00:00.000Z', x'00', ?, 1)`;
  db.transaction(() => {
    for (let n = 0; n < 3000; n++) db.run(insert, `at://${n}/${"x".repeat(8000)}`, keypair.did());
  });
  await attached.close();
  attached = attachSubscribeLabels(server, labels, options);
}

test("a consumer that does not read is dropped, and costs no memory", async () => {
  await longBacklog();
  const slow = subscribe("?cursor=0");
  await slow.opened;
  slow.ws.pause();
  await vi.waitFor(
    async () => expect((await metrics.labelSubscribers.get()).values[0]!.value).toBe(0),
    15_000,
  );
  expect(slow.messages.length).toBeLessThan(3000);
});

test("one that reads again is told why, and where to go on", async () => {
  await longBacklog();
  const slow = subscribe("?cursor=0");
  await slow.opened;
  slow.ws.pause();
  await new Promise((resolve) => setTimeout(resolve, 3 * options.slowAfterMs));
  slow.ws.resume();
  await slow.ended;
  expect(slow.errors).toEqual(["ConsumerTooSlow"]);
  const seqs = slow.messages.map((m) => m.seq);
  const resumed = subscribe(`?cursor=${seqs.at(-1)}`);
  await resumed.has(3000 - seqs.length);
  expect([...seqs, ...resumed.messages.map((m) => m.seq)]).toEqual(
    Array.from({ length: 3000 }, (_, i) => i + 1),
  );
});

describe("an upgrade that cannot be served ends, and nothing else does", () => {
  test.each([
    ["//", 400],
    ["/elsewhere", 404],
    ["http://[", 400],
  ])("%s", async (target, status) => {
    const { port } = server.address() as AddressInfo;
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    let answer = "";
    socket.setEncoding("latin1").on("data", (text: string) => (answer += text));
    await once(socket, "end");
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    await expect
      .poll(() => new Promise<number>((done) => server.getConnections((_, count) => done(count))))
      .toBe(0);
    socket.destroy();
  });
});
