import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import { silentLog } from "../platform/log.ts";
import { createMetrics } from "../platform/metrics.ts";
import { createAllowlist, type AttestedRecord, type LabelInForce } from "./index.ts";
import { entriesFor } from "./entries.ts";
import { readZoneFile, writeZoneFile, zoneFault, zoneRecords } from "./zone-file.ts";
import { makeSnapshot, nextSerial } from "./snapshot.ts";

const cts = "2026-01-01T00:00:00.000Z";
const record = (n: string): AttestedRecord => ({
  uri: `at://did:plc:${n}/community.email.attestation/${n}.test`,
  cid: `cid-${n}`,
  did: `did:plc:${n}`,
  domain: `${n}.test`,
});
const labelsOf = (n: string, ...onDid: string[]): LabelInForce[] => [
  { uri: record(n).uri, cid: record(n).cid, val: "verified-mail-operator", since: cts },
  ...onDid.map((val) => ({ uri: record(n).did, val, since: cts })),
];

describe("entriesFor", () => {
  test.each<[string, LabelInForce[], AttestedRecord[], [string, string][]]>([
    ["a verified member", labelsOf("a", "verified-member"), [record("a")], [["a.test", "127.0.6.1"]]],
    [
      "clean for long",
      labelsOf("a", "verified-member", "clean-sender"),
      [record("a")],
      [["a.test", "127.0.6.2"]],
    ],
    ["no member", labelsOf("a"), [record("a")], []],
    [
      "a member whose record is not labelled",
      [{ uri: "did:plc:a", val: "verified-member", since: cts }],
      [record("a")],
      [],
    ],
    [
      "a label on an older version of the record",
      labelsOf("a", "verified-member"),
      [{ ...record("a"), cid: "newer" }],
      [],
    ],
    ["a label whose record is gone", labelsOf("a", "verified-member"), [], []],
    ["the pool's own domain", labelsOf("coop", "verified-member"), [record("coop")], []],
  ])("%s", (_, labels, records, expected) => {
    expect(
      entriesFor(labels, records, { zone: "wl.test", poolDomain: "coop.test" }).map((e) => [
        e.domain,
        e.code,
      ]),
    ).toEqual(expected);
  });

  test("a name that is too long for the zone keeps nobody else out", () => {
    const long = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(50)}.test`;
    const labels = [...labelsOf("a", "verified-member"), ...labelsOf("b", "verified-member")];
    const records = [record("a"), { ...record("b"), domain: long }];
    const zone = { zone: "wl.coop.test", poolDomain: "coop.test" };
    expect(entriesFor(labels, records, zone).map((e) => e.domain)).toEqual(["a.test"]);
  });

  test("of two claims on a domain the older proof stands", () => {
    const thief = { ...record("b"), domain: "a.test" };
    const labels = [
      ...labelsOf("a", "verified-member"),
      { uri: thief.uri, cid: thief.cid, val: "verified-mail-operator", since: "2026-02-01T00:00:00.000Z" },
      { uri: thief.did, val: "verified-member", since: cts },
    ];
    expect(
      entriesFor(labels, [thief, record("a")], { zone: "wl.test", poolDomain: "coop.test" }).map(
        (e) => e.did,
      ),
    ).toEqual(["did:plc:a"]);
  });
});

describe("the zone file", () => {
  const entries = entriesFor(labelsOf("a", "verified-member"), [record("a")], {
    zone: "wl.test",
    poolDomain: "coop.test",
  });
  const records = zoneRecords(makeSnapshot("wl.test", 7, cts, entries), "ns.coop.test");
  test("reads back as it was written", () => {
    expect(readZoneFile(writeZoneFile(records))).toEqual(records);
    expect(zoneFault(records, "wl.test")).toBeUndefined();
  });
  test.each([
    ["no SOA", records.slice(1), /SOA/],
    ["no test entry", records.filter((r) => !r.name.startsWith("test.")), /test entry/],
    [
      "a wildcard",
      [...records, { name: "*.dwl.wl.test", ttl: 1, type: "A" as const, data: "127.0.6.1" }],
      /wildcard/,
    ],
    [
      "a stranger",
      [...records, { name: "a.example", ttl: 1, type: "A" as const, data: "127.0.6.1" }],
      /outside/,
    ],
    [
      "a public address",
      [...records, { name: "x.wl.test", ttl: 1, type: "A" as const, data: "192.0.2.1" }],
      /code/,
    ],
    [
      "invalid listed",
      [...records, { name: "invalid.dwl.wl.test", ttl: 1, type: "A" as const, data: "127.0.6.1" }],
      /invalid/,
    ],
  ])("%s is a fault", (_, faulty, why) => {
    expect(zoneFault(faulty, "wl.test")).toMatch(why);
  });
  test("a torn file is not read", () => {
    const text = writeZoneFile(records);
    expect(readZoneFile(text.slice(0, -20))).toBeUndefined();
  });
});

test("serials rise, whatever the clock does", () => {
  expect(nextSerial(0, 5_000)).toBe(5);
  expect(nextSerial(5, 5_000)).toBe(6);
  expect(nextSerial(100, 5_000)).toBe(101);
});

describe("publication", () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "atmos-zone-"))));
  afterEach(() => rmSync(dir, { recursive: true }));

  const clock = new MovableClock(Date.UTC(2026, 0, 1));
  function start(state: { members: string[]; negated: string[] }) {
    return createAllowlist({
      zone: "wl.test",
      nameServer: "ns.coop.test",
      poolDomain: "coop.test",
      dir,
      clock,
      log: silentLog,
      metrics: createMetrics(),
      source: {
        labels: () => state.members.flatMap((n) => labelsOf(n, "verified-member")),
        records: () => state.members.map(record),
        wasNegated: ({ uri }) => state.negated.some((n) => record(n).uri === uri),
      },
    });
  }
  const many = Array.from({ length: 40 }, (_, i) => `m${i}`);

  test("says nothing until it has a list, then lists and unlists", () => {
    const state = { members: ["a"], negated: [] as string[] };
    const list = start(state);
    const ask = (name: string, type = "A") => list.answer({ name, type });
    expect(ask("a.test.dwl.wl.test").status).toBe("servfail");
    expect(list.publish().outcome).toBe("published");
    expect(list.publish().outcome).toBe("unchanged");
    expect(ask("a.test.dwl.wl.test").answers[0]).toMatchObject({ data: { address: "127.0.6.1" } });
    expect(ask("a.test.dwl.wl.test", "TXT").answers[0]).toMatchObject({
      data: { text: expect.stringContaining("at://did:plc:a/") as string },
    });
    expect(ask("a.test._vouch.wl.test", "TXT").answers[0]).toMatchObject({ data: { text: "transaction" } });
    expect(ask("b.test.dwl.wl.test").status).toBe("nxdomain");
    expect(ask("dwl.wl.test").status).toBe("nodata");
    expect(ask("a.example").status).toBe("refused");
    state.members = [];
    state.negated = ["a"];
    expect(list.publish().outcome).toBe("published");
    expect(ask("a.test.dwl.wl.test")).toMatchObject({ status: "nxdomain", authority: [{ type: "SOA" }] });
  });

  test("a list that shrinks for no stated reason is refused, a stated one is not", () => {
    const state = { members: many, negated: [] as string[] };
    const list = start(state);
    list.publish();
    state.members = many.slice(20);
    expect(list.publish()).toMatchObject({ outcome: "refused" });
    expect(list.snapshot()!.entries).toHaveLength(40);
    state.negated = ["m3"];
    expect(list.publish().outcome).toBe("published");
    expect(list.snapshot()!.entries.map((e) => e.domain)).not.toContain("m3.test");
    expect(list.snapshot()!.entries).toHaveLength(39);
    state.negated = many.slice(0, 20);
    expect(list.publish().outcome).toBe("published");
    expect(list.snapshot()!.entries).toHaveLength(20);
  });

  test("after a restart the last good list is served before anything is known, and a torn one is not", () => {
    start({ members: ["a"], negated: [] }).publish();
    const again = start({ members: [], negated: [] });
    expect(again.answer({ name: "a.test.dwl.wl.test", type: "A" }).status).toBe("ok");
    expect(readdirSync(dir).sort()).toEqual(["snapshot.json", "wl.test.zone"]);
    writeFileSync(join(dir, "wl.test.zone"), readFileSync(join(dir, "wl.test.zone")).subarray(0, 50));
    const torn = start({ members: ["a"], negated: [] });
    expect(torn.answer({ name: "a.test.dwl.wl.test", type: "A" }).status).toBe("servfail");
    expect(torn.publish().outcome).toBe("published");
  });
});
