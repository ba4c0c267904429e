import { Secp256k1Keypair } from "@atproto/crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { labelFromJson, verifyLabel, type LabelJson } from "../protocol/labels/index.ts";
import { createLabels, labelMigration, labelRoutes, type AttestedDomain, type Labels } from "./index.ts";

const HOUR = 3_600_000;
const START = Date.parse("2026-01-01T00:00:00Z");
const did = "did:plc:labeler";
const member = "did:plc:member";
const uri = `at://${member}/community.email.attestation/x.test`;
const standing = { did: member, member: true, cleanSender: false, ended: false };

let db: Database;
let clock: MovableClock;
let keypair: Secp256k1Keypair;
let attestations: AttestedDomain[];
let labels: Labels;

const start = (options: { keypair?: Secp256k1Keypair; did?: string; endpoint?: string } = {}) =>
  createLabels({
    db,
    did,
    keypair,
    clock,
    log: silentLog,
    attestationsOf: (of) => attestations.filter((a) => a.did === of),
    ...options,
  });

beforeEach(async () => {
  db = new Database(":memory:", [labelMigration]);
  clock = new MovableClock(START);
  keypair = await Secp256k1Keypair.create();
  attestations = [{ uri, cid: "bafyone", did: member, domain: "x.test", summary: "verified" }];
  labels = start();
});
afterEach(() => db.close());

async function query(
  params: string,
): Promise<{ status: number; labels: LabelJson[]; cursor?: string; error?: string }> {
  const response = await labelRoutes(labels).request(`/xrpc/com.atproto.label.queryLabels?${params}`);
  return {
    status: response.status,
    ...((await response.json()) as { labels: LabelJson[]; cursor?: string }),
  };
}

const values = () => labels.active().map((l) => `${l.val} ${l.uri.startsWith("at:") ? "record" : "account"}`);

describe("the life of labels", () => {
  test("said once, renewed in the second half, gone by themselves when nobody renews", async () => {
    expect(await labels.reconcile(member)).toHaveLength(2);
    expect(await labels.reconcile(member)).toHaveLength(0);
    clock.advance(11 * HOUR);
    expect(await labels.renewDue()).toBe(0);
    clock.advance(2 * HOUR);
    expect(await labels.renewDue()).toBe(1);
    expect(labels.history(member)).toHaveLength(4);
    attestations[0]!.summary = "unknown";
    clock.advance(23 * HOUR);
    await labels.renewDue();
    expect(values()).toHaveLength(2);
    clock.advance(2 * HOUR);
    await labels.renewDue();
    expect(values()).toEqual([]);
    expect(labels.history(member)).toHaveLength(4);
  });

  test("broken: one unexplained negation for each, and again after the repair", async () => {
    await labels.reconcile(member);
    attestations[0]!.summary = "broken";
    const negations = await labels.reconcile(member);
    expect(negations.map((l) => [l.neg, l.val, l.exp])).toEqual(
      Array.from({ length: 2 }, () => [true, "verified-mail-operator", undefined]),
    );
    expect(await labels.reconcile(member)).toEqual([]);
    attestations[0]!.summary = "verified";
    const [again] = await labels.reconcile(member);
    expect(Date.parse(again!.cts)).toBeGreaterThan(Date.parse(negations[0]!.cts));
    expect(values()).toHaveLength(2);
  });

  test("a member's labels come and go with the standing; clean-sender is never taken back for a cause", async () => {
    await labels.setStanding({ ...standing, cleanSender: true });
    expect(values().sort()).toEqual([
      "clean-sender account",
      "relay-member account",
      "verified-mail-operator account",
      "verified-mail-operator record",
      "verified-member account",
    ]);
    expect(await labels.setStanding(standing)).toEqual([]);
    expect(values()).toContain("clean-sender account");
    await labels.setStanding({ ...standing, ended: true });
    expect(values()).toEqual([]);
  });

  test("a new version of the record replaces the label of the old one", async () => {
    await labels.reconcile(member);
    attestations[0]!.cid = "bafytwo";
    expect((await labels.reconcile(member)).map((l) => l.cid)).toEqual(["bafytwo"]);
    const { labels: found } = await query(`uriPatterns=${encodeURIComponent(uri)}`);
    expect(found.map((l) => l.cid)).toEqual(["bafytwo"]);
  });

  test("since when a label stands: through renewals and versions, anew after a negation or an expiry", async () => {
    const since = () => [...new Set(labels.inForce().map((l) => (l.since - START) / HOUR))];
    await labels.reconcile(member);
    clock.advance(13 * HOUR);
    await labels.renewDue();
    attestations[0]!.cid = "bafytwo";
    await labels.reconcile(member);
    expect(since()).toEqual([0]);
    clock.advance(25 * HOUR);
    expect(since()).toEqual([]);
    await labels.reconcile(member);
    expect(since()).toEqual([38]);
    attestations[0]!.summary = "broken";
    await labels.reconcile(member);
    clock.advance(HOUR);
    attestations[0]!.summary = "verified";
    await labels.reconcile(member);
    expect(since()).toEqual([39]);
  });

  test("an older file learns since when its labels stand", async () => {
    const old = new Database(":memory:", [{ module: "label", steps: labelMigration.steps.slice(0, 1) }]);
    const rows: [seq: number, val: string, neg: number, hour: number, superseded: number][] = [
      [1, "a", 0, 0, 1],
      [2, "a", 1, 1, 1],
      [3, "a", 0, 2, 1],
      [4, "b", 0, 3, 0],
      [5, "a", 0, 4, 0],
      [6, "c", 1, 5, 0],
    ];
    for (const [seq, val, neg, hour, superseded] of rows) {
      old.run(
        `INSERT INTO label (seq, subject, src, uri, val, neg, cts, sig, key_id, superseded)
         VALUES (?, 's', 's', 'u', ?, ?, ?, x'00', 'k', ?)`,
        seq,
        val,
        neg,
        new Date(START + hour * HOUR).toISOString(),
        superseded,
      );
    }
    for (const step of labelMigration.steps.slice(1)) old.exec(step);
    const found = createLabels({
      db: old,
      did,
      keypair,
      clock,
      log: silentLog,
      attestationsOf: () => [],
    }).inForce();
    expect(found.map((l) => [l.label.val, (l.since - START) / HOUR])).toEqual([
      ["b", 3],
      ["a", 2],
    ]);
    old.close();
  });

  test("concurrent reconciliations say everything once", async () => {
    await Promise.all(Array.from({ length: 10 }, () => labels.reconcile(member)));
    expect(labels.history(member)).toHaveLength(2);
  });

  test("sequence numbers rise, also after a restore of an older database", async () => {
    await labels.reconcile(member);
    const before = labels.lastSeq();
    db.exec("DELETE FROM label; DELETE FROM sqlite_sequence WHERE name = 'label'");
    clock.advance(1000);
    await labels.reconcile(member);
    expect(labels.history(member).every((row) => row.seq > before)).toBe(true);
  });

  test("after a rotation, what is handed out is signed with the new key and keeps its time", async () => {
    const [first] = await labels.reconcile(member);
    const next = await Secp256k1Keypair.create();
    labels = start({ keypair: next });
    const found = (await query("uriPatterns=*")).labels.map(labelFromJson);
    expect(found[0]!.cts).toBe(first!.cts);
    for (const label of found) expect(await verifyLabel(label, next.did())).toBe(true);
    expect(labels.history(member).every((row) => row.keyId === next.did())).toBe(true);
  });
});

describe("queryLabels", () => {
  test("patterns, sources, negations and signatures", async () => {
    await labels.setStanding(standing);
    const count = async (params: string) => (await query(params)).labels.length;
    expect(await count("uriPatterns=*")).toBe(4);
    expect(await count(`uriPatterns=${member}`)).toBe(3);
    expect(await count(`uriPatterns=at://${member}/*`)).toBe(1);
    expect(await count(`uriPatterns=at://${member}/*&uriPatterns=${member}`)).toBe(4);
    expect(await count("uriPatterns=did:plc:membe")).toBe(0);
    expect(await count("uriPatterns=did:plc:m_mber")).toBe(0);
    expect(await count(`uriPatterns=*&sources=${did}`)).toBe(4);
    expect(await count("uriPatterns=*&sources=did:plc:other")).toBe(0);
    for (const label of (await query("uriPatterns=*")).labels) {
      expect(await verifyLabel(labelFromJson(label), keypair.did())).toBe(true);
    }
    await labels.setStanding({ ...standing, ended: true });
    const ended = (await query("uriPatterns=*")).labels;
    expect(ended.map((l) => l.neg)).toEqual([true, true, true, true]);
  });

  test("pages are stable, complete and end without a cursor", async () => {
    await labels.setStanding(standing);
    const seen: string[] = [];
    let cursor: string | undefined = "0";
    for (let pages = 0; cursor !== undefined && pages < 10; pages++) {
      const page = await query(`uriPatterns=*&limit=1&cursor=${cursor}`);
      seen.push(...page.labels.map((l) => `${l.uri} ${l.val}`));
      cursor = page.cursor;
    }
    expect(seen).toHaveLength(4);
    expect(new Set(seen).size).toBe(4);
  });

  test.each([
    "",
    "uriPatterns=",
    "uriPatterns=at://*/x",
    "uriPatterns=**",
    "uriPatterns=*&limit=0",
    "uriPatterns=*&limit=251",
    "uriPatterns=*&limit=x",
    "uriPatterns=*&cursor=abc",
    "uriPatterns=*&cursor=-1",
    "uriPatterns=*&sources=nobody",
    Array.from({ length: 51 }, () => "uriPatterns=a").join("&"),
  ])("refuses ?%s", async (params) => {
    expect(await query(params)).toMatchObject({ status: 400, error: "InvalidRequest" });
  });
});

test("a did:web labeler serves its DID document, another none", async () => {
  expect((await labelRoutes(labels).request("/.well-known/did.json")).status).toBe(404);
  const web = start({ did: "did:web:labels.test", endpoint: "https://labels.test/" });
  const response = await labelRoutes(web).request("/.well-known/did.json");
  expect(await response.json()).toMatchObject({
    id: "did:web:labels.test",
    verificationMethod: [
      { id: "did:web:labels.test#atproto_label", publicKeyMultibase: keypair.did().slice("did:key:".length) },
    ],
    service: [{ id: "#atproto_labeler", type: "AtprotoLabeler", serviceEndpoint: "https://labels.test" }],
  });
});
