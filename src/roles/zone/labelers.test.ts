import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Secp256k1Keypair } from "@atproto/crypto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocketServer } from "ws";
import {
  allowlistMigration,
  createAllowlistStore,
  createList,
  followLabeler,
  type AllowlistStore,
  type LabelerState,
  type List,
} from "../../allowlist/index.ts";
import {
  attachSubscribeLabels,
  createLabels,
  labelMigration,
  type AttestedDomain,
} from "../../label/index.ts";
import { DAY_MS, MovableClock } from "../../lib/clock.ts";
import { Database } from "../../platform/database.ts";
import { silentLog } from "../../platform/log.ts";
import { createSafeWebSocket } from "../../platform/websocket.ts";
import {
  errorFrame,
  infoFrame,
  labelsFrame,
  signLabel,
  type UnsignedLabel,
} from "../../protocol/labels/index.ts";

const SRC = "did:plc:other";
const clock = new MovableClock(Date.UTC(2026, 0, 1));
const closers: (() => unknown)[] = [];
let keypair: Secp256k1Keypair;
let store: AllowlistStore;
let list: List;
beforeEach(async () => {
  keypair = await Secp256k1Keypair.create();
  const db = new Database(":memory:", [allowlistMigration]);
  closers.push(() => db.close());
  store = createAllowlistStore(db);
  list = createList({
    store,
    place: { zone: "wl.test", poolDomain: "coop.test" },
    pool: { did: "did:web:coop.test", addresses: [], spfDomain: "bounce.coop.test" },
    resolver: { resolve: async () => ({ status: "temperror", detail: "no network" }) },
    clock,
  });
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => (server.closeAllConnections(), new Promise((done) => server.close(done))));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A labeler of ours, as another cooperative would run it. */
async function otherLabeler(key = keypair) {
  const db = new Database(":memory:", [labelMigration]);
  closers.push(() => db.close());
  const attestations: AttestedDomain[] = [];
  const labels = createLabels({
    db,
    did: SRC,
    keypair: key,
    clock,
    log: silentLog,
    attestationsOf: (did) => attestations.filter((a) => a.did === did),
  });
  const server = createServer((_, res) => res.end());
  const attached = attachSubscribeLabels(server, labels, { gatherMs: 1 });
  closers.push(() => attached.close());
  return {
    endpoint: await listen(server),
    async verify(who: string) {
      const did = `did:plc:${who}`;
      attestations.push({
        uri: uriOf(who),
        cid: `bafy${who}`,
        did,
        domain: `${who}.test`,
        summary: "verified",
      });
      await labels.setStanding({ did, member: true, cleanSender: false, ended: false });
    },
    end: (who: string) =>
      labels.setStanding({ did: `did:plc:${who}`, member: false, cleanSender: false, ended: true }),
  };
}

const uriOf = (who: string) => `at://did:plc:${who}/community.email.attestation/${who}.test`;
function claim(who: string): void {
  const did = `did:plc:${who}`;
  list.putClaims(did, [
    { uri: uriOf(who), cid: `bafy${who}`, did, domain: `${who}.test`, checks: {}, egress: [] },
  ]);
}
function follow(endpoint: string, keys: () => string = () => keypair.did()) {
  const stream = followLabeler(SRC, {
    store,
    list,
    resolve: async () => ({ endpoint, key: keys() }),
    open: createSafeWebSocket({ allowPrivate: true }),
    clock,
    log: silentLog,
    onChange: () => undefined,
  });
  closers.push(() => stream.close());
  return stream;
}
function wanted(who: string): boolean {
  while (!list.settle());
  return store.wanted(`${who}.test`) !== undefined;
}
const becomes = (who: string, is: boolean) =>
  vi.waitFor(() => expect([who, wanted(who)]).toEqual([who, is]), { timeout: 5_000 });

test("what another labeler said and says lists a domain; what it takes back unlists it", async () => {
  const other = await otherLabeler();
  for (const who of ["ada", "ben"]) claim(who);
  await other.verify("ada");
  follow(other.endpoint);
  await becomes("ada", true);
  await other.verify("ben");
  await becomes("ben", true);
  await other.end("ada");
  await becomes("ada", false);
  expect(wanted("ben")).toBe(true);
});

test("after a break it goes on where it was, and misses nothing", async () => {
  const other = await otherLabeler();
  for (const who of ["ada", "ben"]) claim(who);
  await other.verify("ada");
  const stream = follow(other.endpoint);
  await becomes("ada", true);
  await stream.close();
  const place = store.cursor(SRC)!;
  await other.verify("ben");
  await other.end("ada");
  follow(other.endpoint);
  await becomes("ben", true);
  await becomes("ada", false);
  expect(store.cursor(SRC)!).toBeGreaterThan(place);
});

test("labels by another key, or in another's name, count for nothing; a key that was turned is learned", async () => {
  const old = await Secp256k1Keypair.create();
  const other = await otherLabeler();
  claim("ada");
  await other.verify("ada");
  let published = old.did();
  const first = follow(other.endpoint, () => published);
  await vi.waitFor(() => expect(first.state().refused).toBeGreaterThanOrEqual(4), { timeout: 5_000 });
  expect(wanted("ada")).toBe(false);
  await first.close();
  list.forgetPlace(SRC);
  published = keypair.did();
  follow(other.endpoint, () => published);
  await becomes("ada", true);
});

/** A labeler that says what it is told, to everybody who comes; `asked` are the cursors. */
async function scripted(frames: (visit: number) => Uint8Array[]) {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  const asked: string[] = [];
  closers.push(() => sockets.close());
  sockets.on("connection", (socket, request) => {
    asked.push(new URL(request.url!, "http://x").searchParams.get("cursor")!);
    for (const frame of frames(asked.length)) socket.send(frame);
  });
  return { endpoint: await listen(server), asked };
}
const label = async (change: Partial<UnsignedLabel> = {}) =>
  signLabel(
    {
      ver: 1,
      src: SRC,
      uri: "did:plc:ada",
      val: "verified-member",
      cts: "2026-01-01T00:00:00.000Z",
      ...change,
    },
    keypair,
  );

test.each<[string, (good: Uint8Array) => Uint8Array[], Partial<LabelerState>]>([
  ["no frame at all", () => [Buffer.from("hello")], { fault: "a frame that cannot be read" }],
  ["a stream that began anew", () => [errorFrame("FutureCursor", "wait")], { fault: "FutureCursor: wait" }],
])("%s: it comes again, and reads on", async (_, frames, state) => {
  const good = labelsFrame(7, [await label()]);
  const { endpoint, asked } = await scripted((visit) => (visit === 1 ? frames(good) : [good]));
  const stream = follow(endpoint);
  await vi.waitFor(() => expect(stream.state()).toMatchObject(state), { timeout: 5_000 });
  await vi.waitFor(() => expect(store.cursor(SRC)).toBe(7), { timeout: 5_000 });
  expect(asked.length).toBeGreaterThan(1);
});

test("a place that is too old begins from the beginning", async () => {
  list.takeLabels(SRC, [], 1_000);
  const good = labelsFrame(2_000, [await label()]);
  const { endpoint, asked } = await scripted((visit) =>
    visit === 1 ? [infoFrame("OutdatedCursor", "too old"), good] : [good],
  );
  follow(endpoint);
  await vi.waitFor(() => expect(asked).toEqual(["1000", "0"]), { timeout: 8_000 });
});

test("labels that are none, in thousands, or of others are left out, and the rest is taken", async () => {
  const sound = await label({ uri: "did:plc:ben" });
  const odd = [
    { ver: 2 },
    null,
    "x",
    { ...sound, sig: "AAAA" },
    { ...sound, cts: "yesterday" },
    await label({ src: "did:plc:x" }),
  ];
  const { endpoint } = await scripted(() => [labelsFrame(9, [...odd, sound] as never)]);
  const stream = follow(endpoint);
  await vi.waitFor(() => expect(store.cursor(SRC)).toBe(9), { timeout: 5_000 });
  expect(stream.state().refused).toBe(odd.length);
  expect(store.labelsOf("did:plc:ben")).toHaveLength(1);
  expect(store.labelsOf("did:plc:ada")).toHaveLength(0);
});

test("one that is not heard for a day is not believed, until it is heard again from the beginning", async () => {
  const other = await otherLabeler();
  claim("ada");
  await other.verify("ada");
  follow(other.endpoint);
  await becomes("ada", true);
  expect(list.silence(SRC)).toBe(true);
  await becomes("ada", false);
  expect(store.cursor(SRC)).toBeUndefined();
  clock.advance(DAY_MS / 24);
  follow(other.endpoint);
  await becomes("ada", true);
});
