import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventMaker, outboxMigration, readOutbox } from "../event/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { snowflakes } from "../lib/ids.ts";
import { Database } from "../platform/database.ts";
import { createSafeFetch } from "../platform/fetch.ts";
import { silentLog } from "../platform/log.ts";
import { formatDkimKeyRecord } from "../protocol/dkim-record/index.ts";
import { withProbes } from "./checks/index.ts";
import { mailServer, web } from "./checks/situations/web.ts";
import { txt, zoneResolver } from "./host.fixture.ts";
import {
  ATTESTATION_COLLECTION,
  attestationMigration,
  createAttestations,
  type Attestations,
  type CheckName,
  type CheckResult,
  type Transport,
} from "./index.ts";
import { createStore } from "./store.ts";

const HOUR = 3_600_000;
const DID = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const POLICY = "https://mta-sts.x.test/.well-known/mta-sts.txt";
const uri = `at://${DID}/${ATTESTATION_COLLECTION}/x.test`;
const key: KeyObject = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;

let clock: MovableClock;
let db: Database;
let zone: Parameters<typeof zoneResolver>[0];

beforeEach(() => {
  clock = new MovableClock(Date.parse("2026-01-01T00:00:00Z"));
  db = new Database(":memory:", [attestationMigration, outboxMigration]);
  zone = {
    "mx.x.test": { A: [{ address: "198.41.0.4" }] },
    "x.test": { ...txt("v=spf1 mx -all"), MX: [{ preference: 10, exchange: "mx.x.test" }] },
    "_email-attestation.x.test": txt(`did=${DID}`),
    "s._domainkey.x.test": txt(formatDkimKeyRecord(key)),
    "_dmarc.x.test": txt("v=DMARC1; p=reject"),
    "_mta-sts.x.test": txt("v=STSv1; id=1"),
  };
  const facts = {
    domain: "x.test",
    cid: "bafy",
    record: {
      $type: ATTESTATION_COLLECTION,
      domain: "x.test",
      dkim: [{ selector: "s", algorithm: "rsa" }],
      mx: [{ host: "mx.x.test" }],
      createdAt: "2026-01-01T00:00:00Z",
    } as const,
    rev: "3k",
    now: clock.now(),
  };
  createStore(db).put({ did: DID, collection: ATTESTATION_COLLECTION, rkey: "x.test" }, facts as never);
});
afterEach(() => db.close());

function start(transport?: Transport): Attestations {
  return createAttestations({
    db,
    resolver: zoneResolver(zone),
    clock,
    fetch: createSafeFetch({ allowPrivate: false }),
    plcUrl: "http://127.0.0.1:1",
    log: silentLog,
    newEvent: eventMaker(
      () => clock.now(),
      snowflakes(() => clock.now()),
    ),
    pool: { domain: "pool.test", spfInclude: "spf.pool.test", returnPathHost: "bounce.pool.test" },
    ...(transport && { transport }),
  });
}

const told = (checks: readonly CheckResult[]) =>
  Object.fromEntries(
    checks
      .filter(({ check }) => check === "mta-sts" || check === "starttls")
      .map(({ check, status, findings }) => [check, [status, ...findings.map((f) => f.code)].join(" ")]),
  );

/** Servers at their worst: whatever they show, it is told and changes nothing that is believed. */
const broken: [string, Transport, Record<string, string>][] = [
  [
    "no mail server, no policy",
    web({}),
    { "mta-sts": "warn mta-sts-unreachable", starttls: "warn starttls-unreachable" },
  ],
  [
    "no STARTTLS",
    mailServer(["220 mx", "250 mx"]),
    { "mta-sts": "warn mta-sts-unreachable", starttls: "warn starttls-missing" },
  ],
  [
    "a busy one",
    mailServer(["421 later"]),
    { "mta-sts": "warn mta-sts-unreachable", starttls: "warn starttls-unwilling" },
  ],
  [
    "a certificate of another",
    mailServer(["220 mx", "250-mx", "250 STARTTLS", "220 go"], { named: false, expiresAt: 1 }),
    { "mta-sts": "warn mta-sts-unreachable", starttls: "warn starttls-certificate" },
  ],
  [
    "a policy for other hosts, that is enforced",
    web({ [POLICY]: "version: STSv1\nmode: enforce\nmx: mx.y.test\nmax_age: 604800\n" }),
    { "mta-sts": "warn mta-sts-mx-mismatch", starttls: "warn starttls-unreachable" },
  ],
  [
    "nothing that can be said",
    { ...web({}), probe: async () => undefined },
    { "mta-sts": "warn mta-sts-unreachable" },
  ],
];
test.each(broken)("%s: told, and the domain stays verified", async (_, transport, expected) => {
  const attestations = start(transport);
  await attestations.checkDue();
  const events = readOutbox(db, 100).length;
  expect(await attestations.probeDue()).toBe(1);
  expect(told(attestations.latestChecks(uri))).toEqual(expected);
  expect(told((await attestations.examine("x.test", { did: DID })).results)).toEqual(expected);
  expect(readOutbox(db, 100)).toHaveLength(events);
  for (let round = 0; round < 4; round++) {
    clock.advance(6 * HOUR);
    expect(await attestations.checkDue()).toBe(1);
    await attestations.probeDue();
    expect(attestations.list()[0]).toMatchObject({ summary: "verified", failures: 0 });
    expect(told(attestations.latestChecks(uri))).toEqual(expected);
  }
});

/** A transport that counts, and holds each visit until it is let go. */
function counting(): { transport: Transport; visits: () => number; most: () => number } {
  let visits = 0;
  let running = 0;
  let most = 0;
  const transport: Transport = {
    ...web({}),
    probe: async () => {
      visits++;
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return { status: "unwilling", reply: "421 later" };
    },
  };
  return { transport, visits: () => visits, most: () => most };
}

describe("when servers are looked at", () => {
  test("once a day, however often the DNS is, and over a restart", async () => {
    const { transport, visits } = counting();
    const first = start(transport);
    expect(await first.probeDue()).toBe(0);
    await first.checkDue();
    expect([await first.probeDue(), await first.probeDue(), visits()]).toEqual([1, 0, 1]);
    for (const [hours, seen] of [
      [6, 1],
      [6, 1],
      [6, 1],
      [6, 2],
      [6, 2],
    ] as const) {
      clock.advance(hours * HOUR);
      const restarted = start(transport);
      await restarted.checkDue();
      await restarted.probeDue();
      expect(visits()).toBe(seen);
    }
  });

  test("never by checks, by whoever asks, or without a transport", async () => {
    const { transport, visits } = counting();
    const attestations = start(transport);
    await attestations.checkDue();
    await attestations.checkNow(uri);
    await attestations.examine("x.test", { did: DID });
    expect(visits()).toBe(0);
    const without = start();
    expect(await without.probeDue()).toBe(0);
    expect(told(without.latestChecks(uri))).toEqual({ "mta-sts": "pass" });
  });

  test("not of a domain that is not proven to be the account's, or no longer", async () => {
    const { transport, visits } = counting();
    const attestations = start(transport);
    delete zone["_email-attestation.x.test"];
    await attestations.checkDue();
    expect([await attestations.probeDue(), visits()]).toEqual([0, 0]);
    zone["_email-attestation.x.test"] = txt(`did=${DID}`);
    clock.advance(HOUR);
    await attestations.checkNow(uri);
    delete zone["_email-attestation.x.test"];
    for (const hours of [6, 1]) {
      clock.advance(hours * HOUR);
      await attestations.checkDue();
    }
    expect([await attestations.probeDue(), visits()]).toEqual([0, 0]);
  });

  test("few at once, and none after the end", async () => {
    const store = createStore(db);
    const { record } = store.get(uri)!.facts;
    for (let n = 0; n < 40; n++) {
      const domain = `d${n}.test`;
      for (const name of Object.keys(zone).filter((one) => one === "x.test" || one.endsWith(".x.test")))
        if (name !== "mx.x.test") zone[name.replace("x.test", domain)] = zone[name]!;
      store.put(
        { did: DID, collection: ATTESTATION_COLLECTION, rkey: domain },
        { domain, cid: "bafy", record: { ...record, domain }, rev: "3k", now: clock.now() },
      );
    }
    const { transport, most } = counting();
    const attestations = start(transport);
    await attestations.checkDue();
    expect(await attestations.probeDue(AbortSignal.abort())).toBe(0);
    expect(await attestations.probeDue()).toBe(41);
    expect(most()).toBe(8);
  });

  test("what was seen is shown for three days at most", async () => {
    const attestations = start(counting().transport);
    await attestations.checkDue();
    await attestations.probeDue();
    clock.advance(71 * HOUR);
    expect(told(attestations.latestChecks(uri))).toHaveProperty("starttls");
    clock.advance(2 * HOUR);
    expect(told(attestations.latestChecks(uri))).toEqual({ "mta-sts": "pass" });
  });
});

describe("beside what the DNS shows", () => {
  const of = (check: CheckName, ...codes: string[]): CheckResult => ({
    check,
    status: "pass",
    findings: codes.map((code) => ({ code, severity: "info", message: "." })),
    at: 1,
  });
  const seen = [of("mta-sts", "mta-sts-not-enforced"), of("starttls", "starttls-missing")];
  const cases: [string, CheckResult[], CheckResult[], string][] = [
    [
      "both are added",
      [of("mx"), of("mta-sts")],
      seen,
      "mx, mta-sts mta-sts-not-enforced, starttls starttls-missing",
    ],
    [
      "a record that is gone",
      [of("mx"), of("mta-sts", "mta-sts-missing")],
      seen,
      "mx, mta-sts mta-sts-missing, starttls starttls-missing",
    ],
    ["nothing was seen", [of("mx"), of("mta-sts")], [], "mx, mta-sts"],
    ["nothing was checked", [], seen, ""],
  ];
  test.each(cases)("%s", (_, checks, probes, expected) => {
    const shown = withProbes(checks, probes).map(({ check, findings }) =>
      [check, ...findings.map((f) => f.code)].join(" "),
    );
    expect(shown.join(", ")).toBe(expected);
  });
});
