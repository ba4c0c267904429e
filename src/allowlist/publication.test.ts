import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secp256k1Keypair } from "@atproto/crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import type { Label } from "../protocol/labels/index.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import { createList } from "./list.ts";
import { openPublication } from "./publication.ts";
import { allowlistMigration, createStore } from "./store.ts";
import type { ZoneCheck } from "./zone/checkers.ts";

const HOUR = 3_600_000;
const SRC = "did:plc:labeler";
const POOL_ADDRESS = "198.41.0.4";
const NO_DNS: Resolver = { resolve: async () => ({ status: "temperror", detail: "no network" }) };
const POOL_DNS: Resolver = {
  resolve: async (name, type) => {
    const lines: Record<string, object> = {
      "4.0.41.198.in-addr.arpa PTR": { target: "out.coop.test" },
      "out.coop.test A": { address: POOL_ADDRESS },
      "bounce.coop.test TXT": { text: "v=spf1 ip4:198.41.0.4 -all" },
    };
    const line = lines[`${name} ${type}`];
    return (
      line
        ? { status: "ok", records: [{ ttl: 60, ...line }], authentic: false }
        : { status: "nxdomain", authentic: false }
    ) as never;
  },
};

let dir: string;
let db: Database;
let clock: MovableClock;
let keypair: Secp256k1Keypair;
let cursor = 0;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "atmos-allowlist-"));
  db = new Database(":memory:", [allowlistMigration]);
  clock = new MovableClock(Date.UTC(2026, 0, 1));
  keypair = await Secp256k1Keypair.create();
  cursor = 0;
});
afterEach(() => {
  db.close();
  rmSync(dir, { recursive: true });
});

async function open({ checks = [] as ZoneCheck[], resolver = NO_DNS, zone = "wl.test" } = {}) {
  const store = createStore(db);
  const pool = { did: "did:web:coop.test", addresses: [POOL_ADDRESS], spfDomain: "bounce.coop.test" };
  const list = createList({ store, place: { zone, poolDomain: "coop.test" }, pool, resolver, clock });
  const publication = await openPublication({
    store,
    list,
    zone,
    nameServers: ["ns.coop.test"],
    dir,
    keypair,
    snapshotUrl: "https://coop.test/allowlist/snapshot.json",
    checks,
    clock,
    log: silentLog,
  });
  const did = (who: string) => `did:plc:${who}`;
  const uriOf = (who: string) => `at://${did(who)}/community.email.attestation/${who}.test`;
  const label = (who: string, val: string, uri: string, more: Partial<Label>): Label => ({
    ver: 1,
    src: SRC,
    uri,
    val,
    cts: new Date(clock.now()).toISOString(),
    sig: new Uint8Array(64),
    ...(uri.startsWith("at:") && { cid: `cid-${who}` }),
    ...more,
  });
  const say = (who: string, more: Partial<Label> = {}) =>
    list.takeLabels(
      SRC,
      [label(who, "verified-mail-operator", uriOf(who), more), label(who, "verified-member", did(who), more)],
      ++cursor,
    );
  return {
    store,
    list,
    publication,
    /** Attested and labelled; `hours` until the labels end. */
    join(who: string, hours?: number) {
      const claim = {
        uri: uriOf(who),
        cid: `cid-${who}`,
        did: did(who),
        domain: `${who}.test`,
        checks: {},
        egress: [],
      };
      list.putClaims(did(who), [claim]);
      say(who, hours === undefined ? {} : { exp: new Date(clock.now() + hours * HOUR).toISOString() });
    },
    say,
    withdraw: (who: string) => list.putClaims(did(who), []),
    ask: (name: string, type = "A") => publication.answer({ name, type }),
    status: (who: string) => publication.answer({ name: `${who}.test.dwl.${zone}`, type: "A" }).status,
    entries: () =>
      (
        JSON.parse(readFileSync(join(dir, "snapshot.json"), "utf8")) as { entries: { domain: string }[] }
      ).entries.map(({ domain }) => domain),
  };
}
const names = (n: number) => Array.from({ length: n }, (_, i) => `m${i}`);

test("it says nothing until it has a list, then lists and unlists", async () => {
  const it = await open();
  expect(it.status("ada")).toBe("servfail");
  it.join("ada");
  expect(await it.publication.publish()).toMatchObject({ outcome: "published", entries: 1 });
  expect(await it.publication.publish()).toMatchObject({ outcome: "unchanged" });
  expect(it.ask("ada.test.dwl.wl.test").answers).toMatchObject([{ data: { address: "127.0.6.1" } }]);
  expect(it.ask("ada.test.dwl.wl.test", "TXT").answers[0]).toMatchObject({
    data: {
      text: "verified-mail-operator verified-member at://did:plc:ada/community.email.attestation/ada.test",
    },
  });
  expect(it.ask("ada.test._vouch.wl.test", "TXT").answers).toMatchObject([{ data: { text: "transaction" } }]);
  expect(it.ask("ada.test._vouch.wl.test").status).toBe("nodata");
  expect(it.ask("_list.wl.test", "TXT").answers[0]).toMatchObject({
    data: { text: `v=atmoslist1; key=${keypair.did()}; url=https://coop.test/allowlist/snapshot.json` },
  });
  for (const there of [
    "dwl.wl.test",
    "test.dwl.wl.test",
    "test._vouch.wl.test",
    "ip.wl.test",
    "0.0.127.ip.wl.test",
  ])
    expect([there, it.ask(there, "MX").status]).toEqual([there, "nodata"]);
  for (const gone of [
    "ben.test.dwl.wl.test",
    "x.ada.test.dwl.wl.test",
    "invalid.dwl.wl.test",
    "1.0.0.127.ip.wl.test",
  ])
    expect([gone, it.ask(gone)]).toMatchObject([gone, { status: "nxdomain", authority: [{ type: "SOA" }] }]);
  expect(it.ask("a.example").status).toBe("refused");
  clock.advance(1000);
  it.say("ada", { neg: true });
  expect(await it.publication.publish()).toMatchObject({ outcome: "published", entries: 0 });
  expect(it.status("ada")).toBe("nxdomain");
  expect(it.ask("test.dwl.wl.test").answers).toMatchObject([{ data: { address: "127.0.0.2" } }]);
  expect(it.store.historyOf("ada.test", 10).map(({ change }) => change)).toEqual(["removed", "added"]);
});

test("an address of the pool is listed once it is proved, under its reversed name", async () => {
  const it = await open({ resolver: POOL_DNS });
  await it.publication.publish();
  expect(it.ask("4.0.41.198.ip.wl.test").status).toBe("nxdomain");
  expect(await it.list.proveDue(new AbortController().signal)).toBe(1);
  await it.publication.publish();
  expect(it.ask("4.0.41.198.ip.wl.test").answers).toMatchObject([{ data: { address: "127.0.3.1" } }]);
  expect(readFileSync(join(dir, "addresses.map"), "utf8")).toMatch(/^#.*\n198\.41\.0\.4\n$/);
});

test("labels that lapse in numbers stay listed for a day, those that are taken back do not", async () => {
  const it = await open();
  for (const who of names(40)) it.join(who, who < "m20" ? 1 : 48);
  await it.publication.publish();
  clock.advance(2 * HOUR);
  expect(await it.publication.publish()).toMatchObject({
    outcome: "refused",
    why: expect.stringMatching(/lapsed/) as string,
  });
  expect(it.status("m1")).toBe("ok");
  it.say("m1", { neg: true });
  it.withdraw("m10");
  await it.publication.publish();
  expect([it.status("m1"), it.status("m10"), it.status("m11")]).toEqual(["nxdomain", "nxdomain", "ok"]);
  clock.advance(24 * HOUR);
  expect(await it.publication.publish()).toMatchObject({ outcome: "published" });
  expect([it.status("m11"), it.status("m30")]).toEqual(["nxdomain", "ok"]);
});

test("new entries beyond what a day may bring wait their turn, or for a person who releases them", async () => {
  const it = await open();
  it.join("ada");
  await it.publication.publish();
  clock.advance(1000);
  for (const who of names(300)) {
    it.join(who);
    clock.advance(1);
  }
  expect(await it.publication.publish()).toMatchObject({
    outcome: "refused",
    why: expect.stringMatching(
      /^100 new entries wait: 200 a day may come.*atmos allowlist release/,
    ) as string,
  });
  expect([it.entries().length, it.status("m0"), it.status("m299")]).toEqual([201, "ok", "nxdomain"]);
  // Whatever else changes is not held up.
  it.say("m0", { neg: true });
  await it.publication.publish();
  expect([it.entries().length, it.status("m0")]).toEqual([200, "nxdomain"]);
  clock.advance(6 * HOUR);
  await it.publication.publish();
  expect([it.entries().length, it.publication.waiting()]).toEqual([250, 50]);
  const again = await open();
  expect(again.publication.waiting()).toBe(50);
  again.publication.release();
  expect(await again.publication.publish()).toMatchObject({ outcome: "published", entries: 300 });
  // What was released does not use up the day's share of others.
  clock.advance(24 * HOUR);
  for (const who of names(200)) again.join(`x${who}`);
  expect(await again.publication.publish()).toMatchObject({ outcome: "published", entries: 500 });
});

test("labels said again do not change the zone, and the snapshot only now and then", async () => {
  const it = await open();
  it.join("ada", 24);
  await it.publication.publish();
  const zone = readFileSync(join(dir, "wl.test.zone"), "utf8");
  clock.advance(60_000);
  it.say("ada");
  expect(await it.publication.publish()).toMatchObject({ outcome: "unchanged" });
  clock.advance(600_000);
  expect(await it.publication.publish()).toMatchObject({ outcome: "published" });
  expect(readFileSync(join(dir, "wl.test.zone"), "utf8")).toBe(zone);
  expect(readFileSync(join(dir, "snapshot.json"), "utf8")).toContain("00:01:00.000Z");
  expect(it.store.historyOf("ada.test", 10)).toHaveLength(1);
});

test("what nobody trusts any more goes at once", async () => {
  const it = await open();
  for (const who of names(30)) it.join(who);
  await it.publication.publish();
  it.list.trustOnly(new Set(["did:plc:other"]));
  expect(await it.publication.publish()).toMatchObject({ outcome: "published", entries: 0 });
});

test("after a restart the last good list is served at once; a torn one is not, and is made anew", async () => {
  const first = await open();
  first.join("ada");
  await first.publication.publish();
  expect((await open()).status("ada")).toBe("ok");
  const path = join(dir, "wl.test.zone");
  const whole = readFileSync(path, "utf8");
  const spoilt: [string, string][] = [
    ["cut off", whole.slice(0, -30)],
    ["empty", ""],
    ["a code of another kind", whole.replace("127.0.6.1", "192.0.2.1")],
    [
      "an entry too many",
      `${whole}x.test.dwl.wl.test. 300 IN A 127.0.6.1\nx.test.dwl.wl.test. 300 IN TXT "x"\n`,
    ],
    ["vouched for and not listed", `${whole}x.test._vouch.wl.test. 300 IN TXT "transaction"\n`],
    ["a wildcard", whole.replaceAll("ada.test", "*.test")],
    ["without its test entry", whole.replaceAll(/^test\.dwl.*\n/gm, "")],
    ["of another zone", whole.replaceAll("wl.test", "xl.test")],
  ];
  for (const [how, text] of spoilt) {
    writeFileSync(path, text);
    const again = await open();
    expect([how, again.status("ada")]).toEqual([how, "servfail"]);
    expect([how, await again.publication.publish()]).toMatchObject([how, { outcome: "published" }]);
    expect([how, readFileSync(path, "utf8") === whole]).toEqual([how, true]);
  }
});

test("a program that does not take the new zone keeps the last good one, for a day, then test entries only", async () => {
  const good = await open();
  good.join("ada");
  await good.publication.publish();
  const it = await open({ checks: [async () => "no, says the checker"] });
  it.join("ben");
  clock.advance(1000);
  expect(await it.publication.publish()).toMatchObject({
    outcome: "refused",
    why: expect.stringMatching(/no, says the checker/) as string,
  });
  expect([it.status("ada"), it.status("ben")]).toEqual(["ok", "nxdomain"]);
  expect(readFileSync(join(dir, "wl.test.zone"), "utf8")).not.toContain("ben.test");
  clock.advance(25 * HOUR);
  expect([it.status("ada"), it.ask("test.dwl.wl.test").status]).toEqual(["nxdomain", "ok"]);
  await it.publication.publish();
  expect(readFileSync(join(dir, "wl.test.rbldnsd"), "utf8")).not.toContain("ada.test");
  const mended = await open();
  expect(await mended.publication.publish()).toMatchObject({ outcome: "published" });
  expect([mended.status("ada"), mended.status("ben")]).toEqual(["ok", "ok"]);
});

test("the file for rbldnsd is written anew before it ends", async () => {
  const it = await open();
  it.join("ada");
  await it.publication.publish();
  const path = join(dir, "wl.test.rbldnsd");
  expect(readFileSync(path, "utf8")).toMatch(/^\$TIMESTAMP 0 2026-01-02:00:00:00\n/);
  clock.advance(2 * HOUR);
  await it.publication.publish();
  expect(readFileSync(path, "utf8")).toMatch(/^\$TIMESTAMP 0 2026-01-02:02:00:00\n/);
});

test("snapshots are kept under their address, the newest five", async () => {
  const it = await open();
  for (const who of names(8)) {
    it.join(who);
    clock.advance(1000);
    await it.publication.publish();
  }
  const kept = readdirSync(join(dir, "snapshots"));
  expect(kept).toHaveLength(5);
  expect(kept).toContain(`${it.publication.snapshot()!.tail.id}.json`);
  expect(it.entries()).toEqual(names(8).map((who) => `${who}.test`));
});
