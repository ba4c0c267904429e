import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventMaker, type ActionName, type SmtpFacts } from "../event/index.ts";
import { DAY_MS, MovableClock } from "../lib/clock.ts";
import { busMigration, createEmbeddedBus, type Bus } from "../platform/bus/index.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { suppressionMigration, type ParsedLine } from "../suppression/index.ts";
import { createSuppressionDesk, type Hashed, type SuppressionDesk } from "./suppression-desk.ts";
import { openSuppressionNode, type SuppressionNode } from "./suppression-node.ts";

const NOW = Date.UTC(2026, 0, 1, 12, 34, 56);
const ADA = "did:plc:ada";
const BEN = "did:plc:ben";
const CLEO = "did:plc:cleo";
const TO = "eve@bigmail.test";
const keyOf = (address: string) => `key-of-${address}`;
const hashed: Hashed = { key: keyOf(TO), domain: "bigmail.test" };

let dir: string;
let db: Database;
let bus: Bus;
let clock: MovableClock;
let desk: SuppressionDesk;
let node: SuppressionNode;
let n = 0;

const path = () => join(dir, "suppression.sqlite");
function openNode() {
  const publicUrl = "https://coop.test";
  node = openSuppressionNode({
    path: path(),
    hostname: "relay",
    keyOf,
    publicUrl,
    bus,
    clock,
    log: silentLog,
  });
}
const queue = { spool: { list: async () => ({ entries: [] }), requeue: async () => 0 }, wake: () => {} };
async function follow() {
  await node.follow(queue as unknown as Parameters<SuppressionNode["follow"]>[0]);
  await settled();
}
async function settled() {
  await bus.settle();
  await desk.tell();
  await bus.settle();
}
function openCore(file: string) {
  db = new Database(file, [busMigration, suppressionMigration]);
  bus = createEmbeddedBus(db, silentLog);
  desk = createSuppressionDesk({ db, bus, clock, log: silentLog });
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "atmos-suppression-desk-"));
  clock = new MovableClock(NOW);
  openCore(":memory:");
  openNode();
});
afterEach(async () => {
  await node.close();
  await desk.close();
  await bus.close();
  db.close();
  rmSync(dir, { recursive: true });
});

const refusal = (text: string): SmtpFacts => ({
  code: 550,
  enhanced: "5.1.1",
  text,
  provider: "google",
  class: "bad-mailbox",
  fault: "recipient",
});
type Told = { did?: string; at?: number; sentAt?: number; text?: string; domain?: string };
async function tell(action: ActionName, told: Told = {}) {
  const { did = ADA, at = clock.now(), sentAt = at - 1_000, text = "no such user", domain } = told;
  const make = eventMaker(
    () => at,
    () => `e${++n}`,
  );
  const message = { id: `m${n}`, size: 1, recipients: 1, stream: "transactional", received_at: sentAt };
  desk.record(
    make(action, {
      dedupe_key: `d${++n}`,
      member: { did, domain: "alder.test" },
      message,
      recipient: { key: hashed.key, domain: domain ?? hashed.domain },
      ...(action === "recipient_bounced" && { smtp: refusal(text) }),
    }),
  );
  await desk.tell();
  await bus.settle();
}
const check = (did = ADA) => node.check(did, TO, "transactional");

describe("what one member learns of others", () => {
  beforeEach(async () => {
    await follow();
    await tell("recipient_bounced", { did: ADA, text: "nobody wants mail of alder.test" });
    await tell("recipient_bounced", { did: BEN, text: "nobody wants mail of birch.test" });
  });

  test("an entry of the pool says no words of theirs and no day; the committee sees what was said", () => {
    const [entry] = desk.list({ did: null, limit: 1 });
    expect(entry!.evidence?.text).toContain("birch.test");
    expect(new Date(entry!.expiresAt!).toISOString()).toMatch(/-01T00:00:00\.000Z$/);
    expect(entry!.expiresAt! - NOW).toBeGreaterThan(90 * DAY_MS);
    const [seen] = node.about(CLEO, TO);
    expect(seen).toMatchObject({ did: null, words: "", createdAt: Date.UTC(2026, 0, 1) });
    expect(check(CLEO)).toMatch(/^Not sent: there is no such mailbox, on the list of the whole pool;/);
    expect(check(CLEO)).not.toMatch(/alder|birch|several|since/);
    // The member's own says what it was told itself.
    expect(check(ADA)).toContain("nobody wants mail of alder.test");
  });
});

test("a mailbox that is not in use any more is told by the words, and binds no pool", async () => {
  for (const did of [ADA, BEN]) await tell("recipient_bounced", { did, text: "account is inactive" });
  expect(desk.list({ limit: 9 }).map(({ did, reason }) => [did, reason])).toEqual([
    [BEN, "inactive"],
    [ADA, "inactive"],
  ]);
});

test("one member alone binds nobody else, however often it is refused", async () => {
  await follow();
  for (let day = 0; day < 120; day += 20) {
    await tell("recipient_bounced");
    clock.advance(20 * DAY_MS);
  }
  expect([desk.list({ did: null, limit: 1 }), check(BEN)]).toEqual([[], undefined]);
  expect(check(ADA)).toBeDefined();
});

test("a complaint that names no recipient puts nobody on the list", async () => {
  await tell("complaint_received", { domain: "" });
  expect(desk.list({ limit: 9 })).toEqual([]);
});

describe("the order of things", () => {
  beforeEach(follow);

  test("an older delivery that is told late takes back no newer refusal", async () => {
    await tell("recipient_bounced", { did: ADA, at: NOW + 5_000 });
    await tell("recipient_delivered", { did: ADA, at: NOW });
    expect(check()).toBeDefined();
    await tell("recipient_bounced", { did: BEN, at: NOW + 6_000 });
    expect(desk.list({ did: null, limit: 9 })).toHaveLength(1);
  });

  test("a click from before the release brings nothing back, one after it does", async () => {
    const bulk = () => node.check(ADA, TO, "bulk");
    await tell("recipient_unsubscribed");
    expect(bulk()).toBeDefined();
    clock.advance(10_000);
    await desk.release(desk.list({ did: ADA, limit: 1 })[0]!.id, "ada");
    await tell("recipient_unsubscribed", { at: NOW + 5_000 });
    expect(bulk()).toBeUndefined();
    clock.advance(1_000);
    await tell("recipient_unsubscribed");
    expect(bulk()).toBeDefined();
  });

  test("a release that waited lifts what its sender saw, and not the complaint that came since", async () => {
    await tell("recipient_bounced");
    const waits = node.askRelease(ADA, TO, "credential 1");
    // Core takes the complaint first.
    clock.advance(5_000);
    await tell("complaint_received");
    await waits;
    await settled();
    expect(check()).toContain("reported your mail as spam");
    await node.askRelease(ADA, TO, "credential 1");
    await settled();
    expect(check()).toBeUndefined();
  });

  test("a bounce never takes the place of what a person put there", async () => {
    const by = { did: ADA, streams: "all" as const, reason: "manual" as const, by: "rosa" };
    await desk.add(hashed, { ...by, expiresAt: NOW + DAY_MS });
    await tell("recipient_bounced");
    await tell("recipient_delivered", { at: NOW + 1 });
    expect(desk.about(hashed.key).map(({ reason }) => reason)).toEqual(["manual"]);
  });
});

describe("copies", () => {
  test("a damaged copy is put aside and begun anew from core", async () => {
    await follow();
    await tell("recipient_bounced");
    expect(check()).toBeDefined();
    await node.close();
    const file = openSync(path(), "r+");
    writeSync(file, Buffer.alloc(200, 7), 0, 200, 0);
    closeSync(file);
    openNode();
    expect(existsSync(`${path()}.damaged`)).toBe(true);
    expect(check()).toBeUndefined();
    await follow();
    expect(check()).toBeDefined();
  });

  test("a lost copy is whole again, also when core tells something else meanwhile", async () => {
    await follow();
    await tell("recipient_bounced");
    await node.close();
    rmSync(path());
    openNode();
    const adding = desk.add(
      { key: "other", domain: "" },
      { did: ADA, streams: "all", reason: "manual", expiresAt: null, by: "rosa" },
    );
    await follow();
    await adding;
    expect(check()).toBeDefined();
  });

  test("core put back from a backup: what it lost binds nobody for ever, what it knows still does", async () => {
    await node.close();
    await desk.close();
    await bus.close();
    db.close();
    openCore(join(dir, "core.sqlite"));
    openNode();
    await follow();
    await tell("recipient_bounced");
    db.exec(`VACUUM INTO '${join(dir, "backup.sqlite")}'`);
    clock.advance(1_000);
    const later = {
      did: BEN,
      streams: "all" as const,
      reason: "manual" as const,
      expiresAt: null,
      by: "rosa",
    };
    await desk.add(hashed, later);
    await desk.release(desk.list({ did: ADA, limit: 1 })[0]!.id, "rosa");
    await settled();
    expect([check(ADA), check(BEN)]).toEqual([undefined, expect.any(String)]);

    await node.close();
    await desk.close();
    await bus.close();
    db.close();
    openCore(join(dir, "backup.sqlite"));
    openNode();
    await follow();
    expect([check(ADA), check(BEN)]).toEqual([expect.any(String), undefined]);
  });
});

test("an import of 50,000 lines lets others be answered, and tells who has ended nothing", async () => {
  const lines = Array.from({ length: 50_000 }, (_, i): ParsedLine & Hashed => ({
    line: i + 1,
    key: `key-${i}`,
    domain: "a.test",
    reason: "complaint",
    streams: "all",
    ...(i === 0 && { expiresAt: NOW - 1 }),
  }));
  // Each turn is one in which somebody else could have been answered.
  let turns = 0;
  let done = false;
  const turn = () => void (done || (turns++, setImmediate(turn)));
  turn();
  expect(await desk.takeIn(lines, ADA, "rosa")).toBe(49_999);
  done = true;
  // 500 lines at once, written and then told.
  expect(turns).toBeGreaterThanOrEqual(200);
});

test("an import that was cut off is taken up where it was by the same import again", async () => {
  const lines = Array.from({ length: 2_000 }, (_, i): ParsedLine & Hashed => ({
    line: i + 1,
    key: `key-${i}`,
    domain: "a.test",
    reason: "bad-mailbox",
    streams: "all",
  }));
  const told: number[] = [];
  expect(await desk.takeIn(lines, ADA, "rosa", (n) => told.push(n) < 2)).toBe(1_000);
  expect(told).toEqual([500, 1_000]);
  clock.advance(60_000);
  expect(await desk.takeIn(lines, ADA, "rosa")).toBe(1_000);
  clock.advance(60_000);
  expect(await desk.takeIn(lines, ADA, "rosa")).toBe(0);
  expect(desk.list({ limit: 9_999 })).toHaveLength(2_000);
});

test("an incident takes back what it confirmed: a refusal from before it binds its member alone", async () => {
  await tell("recipient_bounced", { did: ADA });
  clock.advance(10_000);
  await tell("recipient_bounced", { did: BEN, at: NOW + 10_000 });
  expect(desk.list({ did: null, limit: 1 })).toHaveLength(1);
  // The incident was over before the second, which the first had made the pool's.
  const undone = await desk.undoIncident({ provider: "google", from: NOW - 1, to: NOW + 1 }, "rosa");
  expect(undone).toEqual({ refusals: 1, lifted: 2 });
  expect(desk.list({ limit: 9 }).map(({ did }) => did)).toEqual([BEN]);
});

test("an incident of a provider: its refusals are none, and mail goes there again", async () => {
  await follow();
  await tell("recipient_bounced");
  const about = { provider: "google", from: NOW - 1, to: NOW + 1 };
  expect(await desk.undoIncident({ ...about, provider: "yahoo" }, "rosa")).toEqual({
    refusals: 0,
    lifted: 0,
  });
  expect(await desk.undoIncident(about, "rosa: it said so")).toEqual({ refusals: 1, lifted: 1 });
  await settled();
  expect(check()).toBeUndefined();
  await tell("recipient_bounced", { did: BEN });
  expect(desk.list({ did: null, limit: 1 })).toEqual([]);
});
