import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { eventMaker, outboxMigration } from "../event/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { snowflakes } from "../lib/ids.ts";
import { Database } from "../platform/database.ts";
import { createSafeFetch } from "../platform/fetch.ts";
import { silentLog } from "../platform/log.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import { formatDkimKeyRecord } from "../protocol/dkim-record/index.ts";
import { txt, zoneResolver } from "./host.fixture.ts";
import {
  ATTESTATION_COLLECTION,
  attestationMigration,
  createAttestations,
  type AttestationRecord,
} from "./index.ts";
import { createStore } from "./store.ts";

const HOUR = 3_600_000;
const DID = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const key = formatDkimKeyRecord(generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey);
const SHARED = "mx.host.test A";

let clock: MovableClock;
let db: Database;
let zone: Parameters<typeof zoneResolver>[0];
let asked: string[];
let running: number;
let most: number;

beforeEach(() => {
  clock = new MovableClock(Date.parse("2026-01-01T00:00:00Z"));
  db = new Database(":memory:", [attestationMigration, outboxMigration]);
  zone = { "mx.host.test": { A: [{ address: "198.41.0.4" }] } };
  asked = [];
  running = 0;
  most = 0;
});
afterEach(() => db.close());

function attest(count: number): void {
  const store = createStore(db);
  for (let n = 0; n < count; n++) {
    const domain = `d${n}.test`;
    zone[domain] = { ...txt("v=spf1 mx -all"), MX: [{ preference: 10, exchange: "mx.host.test" }] };
    zone[`_email-attestation.${domain}`] = txt(`did=${DID}`);
    zone[`s._domainkey.${domain}`] = txt(key);
    zone[`_dmarc.${domain}`] = txt("v=DMARC1; p=reject");
    const record: AttestationRecord = {
      $type: ATTESTATION_COLLECTION,
      domain,
      dkim: [{ selector: "s", algorithm: "rsa" }],
      mx: [{ host: "mx.host.test" }],
      createdAt: "2026-01-01T00:00:00Z",
    };
    const facts = { domain, cid: "bafy", record, rev: "3k", now: clock.now() };
    store.put({ did: DID, collection: ATTESTATION_COLLECTION, rkey: domain }, facts);
  }
}

function start(before: (name: string) => unknown = () => undefined) {
  const zoned = zoneResolver(zone);
  const resolver: Resolver = {
    async resolve(name, type) {
      asked.push(`${name} ${type}`);
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      await before(name);
      running--;
      return zoned.resolve(name, type);
    },
  };
  return createAttestations({
    db,
    resolver,
    clock,
    fetch: createSafeFetch({ allowPrivate: false }),
    plcUrl: "http://127.0.0.1:1",
    log: silentLog,
    newEvent: eventMaker(
      () => clock.now(),
      snowflakes(() => clock.now()),
    ),
    pool: { domain: "pool.test", spfInclude: "spf.pool.test", returnPathHost: "bounce.pool.test" },
  });
}

const times = (question: string) => asked.filter((one) => one === question).length;

test("a round takes all that is due, many at once but not all, and asks for what they share once", async () => {
  attest(450);
  const attestations = start();
  expect(await attestations.checkDue()).toBe(450);
  expect(attestations.list().filter((a) => a.summary === "verified")).toHaveLength(450);
  expect(times(SHARED)).toBe(1);
  expect(times("d7.test MX")).toBe(1);
  expect(most).toBeGreaterThan(96);
  expect(new Set(asked.map((question) => /d(\d+)\.test/.exec(question)?.[1])).size).toBe(451);
  expect(await attestations.checkDue()).toBe(0);
});

test("a domain that is silent holds up no other", async () => {
  attest(450);
  const gate = Promise.withResolvers<void>();
  const attestations = start((name) => (name === "d0.test" ? gate.promise : undefined));
  const round = attestations.checkDue();
  const verified = () => attestations.list().filter((a) => a.summary === "verified");
  await vi.waitFor(() => expect(verified()).toHaveLength(449), 15_000);
  gate.resolve();
  expect(await round).toBe(450);
});

test("the next round asks again", async () => {
  attest(2);
  const attestations = start();
  await attestations.checkDue();
  clock.advance(7 * HOUR);
  await attestations.checkDue();
  expect(times(SHARED)).toBe(2);
});

test("an aborted round begins no further domain", async () => {
  attest(450);
  const stop = new AbortController();
  const attestations = start(() => stop.abort());
  const checked = await attestations.checkDue(stop.signal);
  expect(checked).toBeLessThan(100);
  expect(running).toBe(0);
  expect(await attestations.checkDue()).toBe(450 - checked);
});

test("what failed is confirmed by answers of its own, and so is what somebody asks for", async () => {
  attest(3);
  const attestations = start();
  await attestations.checkDue();
  zone["mx.host.test"] = {};
  clock.advance(6 * HOUR);
  await attestations.checkDue();
  expect(attestations.list().map((a) => [a.summary, a.failures])).toEqual([
    ["verified", 1],
    ["verified", 1],
    ["verified", 1],
  ]);
  expect(times(SHARED)).toBe(2);
  clock.advance(HOUR);
  await attestations.checkDue();
  expect(attestations.list().map((a) => a.summary)).toEqual(["broken", "broken", "broken"]);
  expect(times(SHARED)).toBe(2 + 3);
  await attestations.checkNow(attestations.list()[0]!.uri);
  await attestations.examine("d1.test");
  expect(times(SHARED)).toBe(2 + 3 + 2);
});
