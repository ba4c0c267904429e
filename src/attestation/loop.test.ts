import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { Secp256k1Keypair } from "@atproto/crypto";
import { BlockMap, blocksToCarFile, readCarWithRoot } from "@atproto/repo";
import { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { eventMaker, outboxMigration, readOutbox, type Envelope } from "../event/index.ts";
import {
  attachSubscribeLabels,
  createLabels,
  labelMigration,
  labelRoutes,
  type Labels,
} from "../label/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { snowflakes } from "../lib/ids.ts";
import { Database } from "../platform/database.ts";
import { createSafeFetch } from "../platform/fetch.ts";
import { serveHttp, type HttpServer } from "../platform/http.ts";
import { silentLog } from "../platform/log.ts";
import { formatDkimKeyRecord, keyFingerprint } from "../protocol/dkim-record/index.ts";
import {
  labelFromJson,
  readFrame,
  verifyLabel,
  type Label,
  type LabelJson,
} from "../protocol/labels/index.ts";
import { HostFixture, txt, zoneResolver } from "./host.fixture.ts";
import {
  ATTESTATION_COLLECTION,
  attestationMigration,
  createAttestations,
  type Attestations,
} from "./index.ts";

const HOUR = 3_600_000;
const dkim = generateKeyPairSync("ed25519").publicKey;
const record = {
  $type: ATTESTATION_COLLECTION,
  domain: "mail.test",
  dkim: [{ selector: "a", algorithm: "ed25519", fingerprint: keyFingerprint(dkim) }],
  mx: [{ host: "mx.mail.test" }],
  createdAt: "2026-01-01T00:00:00.000Z",
};

let host: HostFixture;
let zone: Parameters<typeof zoneResolver>[0];
let clock: MovableClock;
let db: Database;
let attestations: Attestations;
let hint: { did: string; collection: string; rkey: string };
let uri: string;

function start(resolver = zoneResolver(zone)): Attestations {
  return createAttestations({
    db,
    resolver,
    clock,
    fetch: createSafeFetch({ allowPrivate: true, timeoutMs: 2_000 }),
    plcUrl: host.origin,
    log: silentLog,
    newEvent: eventMaker(
      () => clock.now(),
      snowflakes(() => clock.now()),
    ),
    pool: { domain: "pool.test", spfInclude: "spf.pool.test", returnPathHost: "bounce.pool.test" },
    maxPerDid: 2,
    allowPrivate: true,
  });
}

beforeEach(async () => {
  host = await HostFixture.start();
  await host.put("app.bsky.feed.post", "3k", { $type: "app.bsky.feed.post", text: "hello" });
  await host.put(ATTESTATION_COLLECTION, "mail.test", record);
  hint = { did: host.did, collection: ATTESTATION_COLLECTION, rkey: "mail.test" };
  uri = `at://${host.did}/${ATTESTATION_COLLECTION}/mail.test`;
  zone = {
    "mail.test": { ...txt("v=spf1 mx -all"), MX: [{ preference: 10, exchange: "mx.mail.test" }] },
    "mx.mail.test": { A: [{ address: "192.0.2.1" }] },
    "_email-attestation.mail.test": txt(`did=${host.did}`),
    "a._domainkey.mail.test": txt(formatDkimKeyRecord(dkim)),
    "_dmarc.mail.test": txt("v=DMARC1; p=reject"),
  };
  clock = new MovableClock(Date.parse("2026-01-01T00:00:00Z"));
  db = new Database(":memory:", [attestationMigration, labelMigration, outboxMigration]);
  attestations = start();
});
afterEach(async () => {
  await host.close();
  db.close();
});

const events = (): Envelope[] => readOutbox(db, 100).map((row) => JSON.parse(row.envelope) as Envelope);
const outcome = async (at = hint) => (await attestations.intake(at)).outcome;
const summary = () => attestations.byDid(host.did)[0]?.summary;

describe("intake", () => {
  test("a proved record is stored once; a newer version replaces it; its deletion ends it", async () => {
    expect(await outcome()).toBe("stored");
    expect(attestations.byDomain("mail.test")).toMatchObject([{ uri, did: host.did, endedAt: null, record }]);
    expect(await outcome()).toBe("unchanged");
    await host.put("app.bsky.feed.post", "3l", { $type: "app.bsky.feed.post", text: "again" });
    expect(await outcome()).toBe("unchanged");
    await host.put(ATTESTATION_COLLECTION, "mail.test", { ...record, mx: [] });
    expect(await outcome()).toBe("stored");
    const old = await host.proof(hint.collection, hint.rkey);
    await host.delete(ATTESTATION_COLLECTION, "mail.test");
    expect(await outcome()).toBe("ended");
    expect(await outcome()).toBe("absent");
    host.tamper = () => old;
    expect(await outcome()).toBe("stale");
    expect(attestations.list()).toEqual([]);
    expect(attestations.byDid(host.did)[0]!.endedAt).toBe(clock.now());
  });

  test("a proof that was tampered with, of another key or of nothing is refused", async () => {
    const cases: [string, (car: Uint8Array) => Uint8Array][] = [
      ["a changed byte", (car) => car.map((byte, i) => (i === car.length - 9 ? byte ^ 1 : byte))],
      ["cut off", (car) => car.subarray(0, car.length - 40)],
      ["empty", () => new Uint8Array()],
      ["no CAR", () => Buffer.from("<html>not here</html>")],
      ["a claim of endless length", () => Buffer.alloc(5000, 0xff)],
    ];
    for (const [name, tamper] of cases) {
      host.tamper = tamper;
      expect(await outcome(), name).toBe("bad-proof");
    }
    host.tamper = (car) => car;
    host.announcedKey = (await Secp256k1Keypair.create()).did();
    expect(await outcome()).toBe("bad-proof");
    expect(attestations.list()).toEqual([]);
  });

  test("a proof with a gap proves neither presence nor absence", async () => {
    for (let n = 0; n < 60; n++) await host.put("app.bsky.feed.post", `3m${n}`, { $type: "x", n });
    for (const rkey of ["mail.test", "other.test"]) {
      const { root, blocks } = await readCarWithRoot(await host.proof(ATTESTATION_COLLECTION, rkey));
      expect(blocks.size).toBeGreaterThan(2);
      for (const gap of blocks.entries()) {
        const rest = new BlockMap();
        for (const { cid, bytes } of blocks.entries()) if (!cid.equals(gap.cid)) rest.set(cid, bytes);
        const car = await blocksToCarFile(root, rest);
        host.tamper = () => car;
        expect(await outcome({ ...hint, rkey })).toBe("bad-proof");
      }
    }
  });

  test("outcomes have names", async () => {
    expect(await outcome({ ...hint, collection: "app.bsky.feed.post" })).toBe("other-collection");
    expect(await outcome({ ...hint, rkey: "Mail.test" })).toBe("bad-rkey");
    expect(await outcome({ ...hint, did: "did:key:z6Mk" })).toBe("bad-did");
    expect(await outcome({ ...hint, rkey: "other.test" })).toBe("absent");
    await host.put(ATTESTATION_COLLECTION, "bad.test", { $type: ATTESTATION_COLLECTION, domain: 7 });
    expect(await outcome({ ...hint, rkey: "bad.test" })).toBe("bad-record");
    await host.put(ATTESTATION_COLLECTION, "two.test", record);
    expect(await outcome({ ...hint, rkey: "two.test" })).toBe("rkey-mismatch");
    host.refuse = { status: 400, error: "RecordNotFound" };
    expect(await outcome()).toBe("bad-proof");
    host.refuse = { status: 502, error: "" };
    expect(await outcome()).toBe("pds-unreachable");
    host.refuse = undefined;
    host.hideDid = true;
    expect(await outcome()).toBe("did-unresolvable");
  });

  test("an account attests only so many domains", async () => {
    const found: string[] = [];
    for (const rkey of ["a.test", "b.test", "c.test"]) {
      await host.put(ATTESTATION_COLLECTION, rkey, { ...record, domain: rkey });
      found.push(await outcome({ ...hint, rkey }));
    }
    expect(found).toEqual(["stored", "stored", "too-many"]);
  });

  test("what cannot be reached is tried again, and an inactive account comes back", async () => {
    host.refuse = { status: 503, error: "" };
    expect(await outcome()).toBe("pds-unreachable");
    host.refuse = undefined;
    expect(await attestations.refreshDue()).toBe(0);
    clock.advance(61_000);
    expect(await attestations.refreshDue()).toBe(1);
    expect(attestations.list()).toHaveLength(1);
    host.refuse = { status: 400, error: "RepoDeactivated" };
    expect(await outcome()).toBe("account-inactive");
    expect(attestations.list()).toEqual([]);
    host.refuse = undefined;
    expect(await outcome()).toBe("stored");
  });

  test("every record is proved anew each day", async () => {
    await outcome();
    await host.delete(ATTESTATION_COLLECTION, "mail.test");
    expect(await attestations.refreshDue()).toBe(0);
    clock.advance(25 * HOUR);
    expect(await attestations.refreshDue()).toBe(1);
    expect(attestations.list()).toEqual([]);
  });
});

describe("checks", () => {
  test("new ones at once, then by their time; each tells an event; a dead checker is not believed", async () => {
    await outcome();
    expect(summary()).toBe("unknown");
    expect(await attestations.checkDue()).toBe(1);
    expect(await attestations.checkDue()).toBe(0);
    expect(summary()).toBe("verified");
    const statuses = Object.fromEntries(attestations.latestChecks(uri).map((r) => [r.check, r.status]));
    expect(statuses).toMatchObject({ "domain-control": "pass", spf: "pass", dmarc: "pass" });
    expect(Object.values(statuses)).not.toContain("fail");
    expect(
      events().map((e) => [e.data.action_name, e.data.data.member.did, e.data.data.detail?.["summary"]]),
    ).toEqual([["domain_checked", host.did, "verified"]]);
    clock.advance(6 * HOUR);
    expect(await attestations.checkDue()).toBe(1);
    clock.advance(19 * HOUR);
    expect(summary()).toBe("unknown");
  });

  test("a record that changes while it is checked is not judged by its old version", async () => {
    const gate = Promise.withResolvers<void>();
    const zoned = zoneResolver(zone);
    attestations = start({ resolve: (name, type) => gate.promise.then(() => zoned.resolve(name, type)) });
    await outcome();
    const checking = attestations.checkDue();
    await host.put(ATTESTATION_COLLECTION, "mail.test", { ...record, mx: [] });
    expect(await outcome()).toBe("stored");
    gate.resolve();
    expect(await checking).toBe(1);
    expect(attestations.latestChecks(uri)).toEqual([]);
    expect(events()).toEqual([]);
    expect(await attestations.checkDue()).toBe(1);
    expect(summary()).toBe("unknown");
    expect(attestations.latestChecks(uri).find((r) => r.check === "mx")!.findings[0]!.code).toBe(
      "mx-not-attested",
    );
  });
});

describe("the firehose", () => {
  test("hints are followed, the cursor is kept over a restart, and accounts end and return", async () => {
    const changes: string[] = [];
    attestations.onChange((c) => changes.push(c.kind));
    let firehose = attestations.followSources([{ protocol: "repos", url: host.origin }]);
    await vi.waitFor(() => expect(host.connections).toEqual([undefined]), 15_000);
    host.emit("#identity", { did: host.did });
    await host.put(ATTESTATION_COLLECTION, "live.test", { ...record, domain: "live.test" });
    await vi.waitFor(() => expect(changes).toEqual(["stored"]), 15_000);
    await firehose.close();

    const seen = host.seq;
    await host.delete(ATTESTATION_COLLECTION, "live.test");
    firehose = attestations.followSources([{ protocol: "repos", url: host.origin }]);
    await vi.waitFor(() => expect(changes).toEqual(["stored", "ended"]), 15_000);
    expect(host.connections).toEqual([undefined, seen]);

    await host.put(ATTESTATION_COLLECTION, "mail.test", { ...record, mx: [] });
    await vi.waitFor(() => expect(changes).toHaveLength(3), 15_000);
    host.account(false);
    await vi.waitFor(() => expect(changes.slice(3)).toEqual(["ended"]), 15_000);
    host.account(true);
    await vi.waitFor(() => expect(changes.slice(3)).toEqual(["ended", "stored"]), 15_000);

    for (const breakOff of [() => host.dropConnections(), () => host.emitBytes(Buffer.from("garbage"))]) {
      const before = host.connections.length;
      breakOff();
      await vi.waitFor(() => {
        clock.advance(1_000);
        expect(host.connections).toHaveLength(before + 1);
      }, 15_000);
      expect(host.connections.at(-1)).toBe(host.seq);
    }
    await firehose.close();
  });
});

describe("the whole loop", () => {
  let labels: Labels;
  let http: HttpServer;
  let streams: ReturnType<typeof attachSubscribeLabels>;
  let keypair: Secp256k1Keypair;

  beforeEach(async () => {
    keypair = await Secp256k1Keypair.create();
    labels = createLabels({
      db,
      did: "did:plc:labeler",
      keypair,
      clock,
      log: silentLog,
      attestationsOf: attestations.activeOf,
    });
    attestations.onChange((change) => void labels.reconcile(change.did));
    http = await serveHttp(new Hono().route("/", labelRoutes(labels)), { host: "127.0.0.1", port: 0 });
    streams = attachSubscribeLabels(http.server, labels);
  });
  afterEach(async () => {
    await streams.close();
    await http.close();
  });

  async function queried(): Promise<Label[]> {
    const url = `http://127.0.0.1:${http.address.port}/xrpc/com.atproto.label.queryLabels?uriPatterns=${uri}`;
    const { labels } = (await (await fetch(url)).json()) as { labels: LabelJson[] };
    return labels.map(labelFromJson);
  }

  test("record -> proof -> checks -> label -> broken DNS -> negation, over HTTP and WebSocket", async () => {
    const ws = new WebSocket(
      `ws://127.0.0.1:${http.address.port}/xrpc/com.atproto.label.subscribeLabels?cursor=0`,
    );
    const streamed: Label[] = [];
    ws.on("message", (data) => {
      const frame = readFrame(data as Buffer);
      if (frame?.kind === "message") streamed.push(...(frame.body["labels"] as Label[]));
    });
    await once(ws, "open");

    await outcome();
    await attestations.checkDue();
    const { cid } = attestations.list()[0]!;
    await vi.waitFor(() => expect(streamed).toHaveLength(2), 15_000);
    expect(await queried()).toMatchObject([
      { uri, cid, val: "verified-mail-operator", src: "did:plc:labeler" },
    ]);
    for (const label of [...(await queried()), ...streamed]) {
      expect(await verifyLabel(label, keypair.did())).toBe(true);
    }

    const good = zone["a._domainkey.mail.test"]!;
    zone["a._domainkey.mail.test"] = txt("v=DKIM1; p=");
    clock.advance(6 * HOUR);
    expect(await attestations.checkDue()).toBe(1);
    expect(labels.active()).toHaveLength(2);
    clock.advance(HOUR);
    await attestations.checkDue();
    await vi.waitFor(() => expect(streamed).toHaveLength(4), 15_000);
    expect(await queried()).toMatchObject([{ uri, neg: true }]);
    expect(labels.active()).toEqual([]);

    zone["a._domainkey.mail.test"] = good;
    clock.advance(HOUR);
    await attestations.checkDue();
    await vi.waitFor(() => expect(streamed).toHaveLength(6), 15_000);
    expect(streamed.map((l) => l.neg ?? false)).toEqual([false, false, true, true, false, false]);
    for (const label of streamed) expect(await verifyLabel(label, keypair.did())).toBe(true);
    ws.terminate();
  });
});
