import { generateKeyPairSync } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
import { Secp256k1Keypair } from "@atproto/crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HostFixture } from "../../src/attestation/host.fixture.ts";
import {
  ATTESTATION_COLLECTION,
  attestationMigration,
  createAttestations,
} from "../../src/attestation/index.ts";
import { eventMaker, outboxMigration } from "../../src/event/index.ts";
import { createLabels, labelMigration } from "../../src/label/index.ts";
import { MovableClock } from "../../src/lib/clock.ts";
import { snowflakes } from "../../src/lib/ids.ts";
import { Database } from "../../src/platform/database.ts";
import { createResolver } from "../../src/platform/dns/index.ts";
import { createSafeFetch } from "../../src/platform/fetch.ts";
import { silentLog } from "../../src/platform/log.ts";
import { formatDkimKeyRecord, keyFingerprint } from "../../src/protocol/dkim-record/index.ts";
import type { DnsType } from "../../src/protocol/dns/index.ts";
import { startNsd, type Nsd, type SignedZone } from "./servers/nsd.ts";
import { complete, type Address } from "./servers/process.ts";
import { startUnbound, type Unbound, type UnboundOptions } from "./servers/unbound.ts";

const HOUR = 3_600_000;
const atmos = join(import.meta.dirname, "../../dist/cli/main.js");
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;

/** Everything that a sound mail domain has in the DNS, and a TLSA record for its mail host. */
const mailDomain = (name: string, more: string[] = []): string[] => [
  `${name}. MX 10 mx.${name}.`,
  `mx.${name}. A 198.41.0.4`,
  `_25._tcp.mx.${name}. TLSA 3 1 1 ${"ab".repeat(32)}`,
  `${name}. TXT "v=spf1 mx -all"`,
  `_dmarc.${name}. TXT "v=DMARC1; p=reject"`,
  ...more,
];
const zone = (name: string, signatures: SignedZone["signatures"], more?: string[]): SignedZone => ({
  name,
  records: mailDomain(name, more),
  signatures,
});

/** The world signs `org`: by it the checks see whether a resolver validates at all. */
const zones: SignedZone[] = [
  { name: "org", records: [] },
  zone("good.test", "good"),
  zone("broken.test", "broken"),
  zone("expired.test", "expired"),
  zone("stripped.test", "none"),
  zone("plain.test", "none"),
  zone("turning.test", "good"),
];
/** Zones of which unbound knows the key. `stripped.test` should be signed, and is not. */
const anchored = zones.map(({ name }) => name).filter((name) => name !== "plain.test");

const stack = new AsyncDisposableStack();
let nsd: Nsd;
let world: Omit<UnboundOptions, "extendedErrors">;
let plain: Unbound;
let explaining: Unbound;
/** Takes questions, and never answers. */
let silent: Address;

beforeAll(async () => {
  nsd = stack.use(await startNsd(zones));
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  stack.defer(() => void socket.close());
  await once(socket, "listening");
  silent = { host: "127.0.0.1", port: socket.address().port };
  world = {
    dns: nsd,
    // nsd does not know lame.test, and refuses it.
    zones: [...zones.map(({ name }) => name), "lame.test"],
    stubs: { "dead.test": silent },
    trustAnchors: anchored.map((name) => nsd.anchor(name)),
  };
  plain = stack.use(await startUnbound(world));
  explaining = stack.use(await startUnbound({ ...world, extendedErrors: true }));
});
afterAll(() => stack.disposeAsync());

const at = ({ host, port }: Address) => `${host}:${port}`;

describe("what our resolver makes of the answers of unbound", () => {
  const cases: [string, DnsType, object, boolean?][] = [
    ["good.test", "MX", { status: "ok", authentic: true }],
    ["_25._tcp.mx.good.test", "TLSA", { status: "ok", authentic: true }],
    ["none.good.test", "A", { status: "nxdomain", authentic: true }],
    ["good.test", "AAAA", { status: "nodata", authentic: true }],
    ["plain.test", "MX", { status: "ok", authentic: false }],
    ["none.plain.test", "A", { status: "nxdomain", authentic: false }],
    ["plain.test", "AAAA", { status: "nodata", authentic: false }],
    ["broken.test", "MX", { status: "temperror", kind: "bogus" }, true],
    ["none.broken.test", "A", { status: "temperror", kind: "bogus" }, true],
    ["broken.test", "AAAA", { status: "temperror", kind: "bogus" }, true],
    ["expired.test", "MX", { status: "temperror", kind: "bogus" }, true],
    ["stripped.test", "MX", { status: "temperror", kind: "bogus" }, true],
    ["lame.test", "MX", { status: "temperror", kind: "servfail" }],
    ["dead.test", "MX", { status: "temperror", kind: "servfail" }],
    ["example.com", "A", { status: "temperror", kind: "refused" }],
  ];
  test.each(cases)("%s %s: %o", async (name, type, expected) => {
    const answer = await createResolver({ servers: [at(plain)], timeoutMs: 10_000 }).resolve(name, type);
    expect(answer).toMatchObject(expected);
    expect(JSON.stringify(answer)).not.toContain("extended error");
  });

  test.each(cases)("the same where it explains itself: %s %s", async (name, type, expected, said) => {
    const answer = await createResolver({ servers: [at(explaining)], timeoutMs: 10_000 }).resolve(name, type);
    expect(answer).toMatchObject(expected);
    // Which of these codes is said differs from version to version.
    if (said)
      expect(answer).toMatchObject({ detail: expect.stringMatching(/extended error ([6-9]|1[0-2])$/) });
  });

  test("no resolver at all is a time-out", async () => {
    const answer = await createResolver({ servers: [at(silent)], timeoutMs: 100 }).resolve("good.test", "MX");
    expect(answer).toMatchObject({ status: "temperror", kind: "timeout" });
  });
});

type Found = { check: string; status: string; findings: { code: string; observed?: string }[] };

/** `atmos check DOMAIN`: each check, its status and the codes of its findings. */
async function check(domain: string, resolver: Address = plain) {
  const words = ["-u", "ATMOS_TEST_CACHE", process.execPath, atmos];
  const asked = ["check", domain, "--resolver", at(resolver), "--json"];
  const { stdout } = await complete("env", [...words, ...asked], { anyExit: true });
  const { summary, checks } = JSON.parse(stdout) as { summary: string; checks: Found[] };
  const found = checks.map((c) => [c.check, [c.status, ...c.findings.map((f) => f.code)].join(" ")] as const);
  return { summary, ...Object.fromEntries(found), dane: checks.find((c) => c.check === "dane") };
}

describe("atmos check", () => {
  test("a signed zone: the TLSA record stands under a validated chain", async () => {
    expect(await check("good.test")).toMatchObject({
      mx: "pass",
      spf: "pass",
      dane: {
        status: "pass",
        findings: [{ code: "dane-secured", observed: expect.stringMatching(/TLSA: 3 1 1 .*\(validated\)$/) }],
      },
    });
  });

  test("an unsigned zone is said to be unsigned, by a resolver that validates", async () => {
    expect(await check("plain.test")).toMatchObject({
      mx: "pass",
      spf: "pass",
      dane: { status: "warn", findings: [{ code: "dane-not-signed" }, { code: "dane-mx-not-signed" }] },
    });
  });

  test("a resolver that does not validate is named, and the zone is not blamed", async () => {
    await using trusting = await startUnbound({ dns: nsd, zones: zones.map(({ name }) => name) });
    expect(await check("broken.test", trusting)).toMatchObject({
      mx: "pass",
      dane: { status: "pass", findings: [{ code: "dane-resolver-not-validating" }] },
    });
  });

  test.each(["broken.test", "expired.test", "stripped.test"])(
    "%s is bogus, and nothing is concluded",
    async (name) => {
      expect(await check(name)).toMatchObject({
        summary: "unknown",
        mx: "temperror dns-bogus",
        spf: expect.stringContaining("dns-bogus"),
        dmarc: expect.stringContaining("dns-bogus"),
        dane: { status: "temperror", findings: [{ code: "dns-bogus" }] },
      });
    },
  );

  test("dead name servers are told apart from that", async () => {
    for (const name of ["dead.test", "lame.test"])
      expect(await check(name)).toMatchObject({ summary: "unknown", mx: "temperror dns-servfail" });
  });
});

test("a verified domain whose signatures break keeps its label; one whose records go loses it", async () => {
  const host = await HostFixture.start();
  stack.defer(() => host.close());
  const control = `_email-attestation.turning.test. TXT "did=${host.did}"`;
  const key = `s._domainkey.turning.test. TXT ${quoted(formatDkimKeyRecord(rsa))}`;
  let unbound = await startUnbound(world);
  stack.defer(() => unbound.stop());
  /** The zone, and an unbound that sees it first: it remembers for a minute that it could not verify a key. */
  async function turn(next: SignedZone): Promise<void> {
    await nsd.put(next);
    await unbound.stop();
    unbound = await startUnbound(world);
  }
  await turn(zone("turning.test", "good", [control, key]));
  await host.put(ATTESTATION_COLLECTION, "turning.test", {
    $type: ATTESTATION_COLLECTION,
    domain: "turning.test",
    dkim: [{ selector: "s", algorithm: "rsa", fingerprint: keyFingerprint(rsa) }],
    mx: [{ host: "mx.turning.test" }],
    createdAt: "2026-01-01T00:00:00.000Z",
  });
  const clock = new MovableClock(Date.parse("2026-01-01T00:00:00Z"));
  const db = new Database(":memory:", [attestationMigration, labelMigration, outboxMigration]);
  stack.defer(() => db.close());
  const log = silentLog;
  const attestations = createAttestations({
    db,
    resolver: { resolve: (name, type) => createResolver({ servers: [at(unbound)] }).resolve(name, type) },
    clock,
    fetch: createSafeFetch({ allowPrivate: true }),
    plcUrl: host.origin,
    log,
    newEvent: eventMaker(
      () => clock.now(),
      snowflakes(() => clock.now()),
    ),
    pool: { domain: "pool.test", spfInclude: "spf.pool.test", returnPathHost: "bounce.pool.test" },
    allowPrivate: true,
  });
  const keypair = await Secp256k1Keypair.create();
  const labels = createLabels({
    db,
    did: "did:plc:labeler",
    keypair,
    clock,
    log,
    attestationsOf: attestations.activeOf,
  });

  /** A round of checks after some time, and the labels in force after it. */
  async function round(hours: number) {
    clock.advance(hours * HOUR);
    await attestations.refreshDue();
    expect(await attestations.checkDue()).toBe(1);
    await labels.renewDue();
    await labels.reconcile(host.did);
    return labels.active().map(({ val, uri }) => `${val} ${uri}`);
  }
  const negations = () => labels.history(host.did).filter(({ label }) => label.neg === true).length;
  const mx = () => attestations.latestChecks(uri).find((result) => result.check === "mx");

  await attestations.intake({ did: host.did, collection: ATTESTATION_COLLECTION, rkey: "turning.test" });
  const uri = `at://${host.did}/${ATTESTATION_COLLECTION}/turning.test`;
  const both = [`verified-mail-operator ${host.did}`, `verified-mail-operator ${uri}`];
  expect((await round(0)).toSorted()).toEqual(both.toSorted());

  for (const signatures of ["broken", "expired", "none"] as const) {
    await turn(zone("turning.test", signatures, [control, key]));
    for (const hours of [6, 1, 3]) {
      expect((await round(hours)).length, `${signatures} signatures after ${hours} hours`).toBe(2);
      expect(mx()).toMatchObject({ status: "temperror", findings: [{ code: "dns-bogus" }] });
    }
    await turn(zone("turning.test", "good", [control, key]));
    expect((await round(1)).length).toBe(2);
    expect(attestations.list()[0]).toMatchObject({ summary: "verified", failures: 0 });
  }
  await turn(zone("turning.test", "broken", [control, key]));
  // Beyond its life a label lapses: nobody has seen the domain in order since. It is not taken back.
  expect((await round(25)).length).toBe(0);
  expect(negations()).toBe(0);

  await turn(zone("turning.test", "good", [control, key]));
  expect((await round(1)).length).toBe(2);
  await turn({ name: "turning.test", records: [control, key] });
  await round(6);
  expect(await round(2)).toEqual([]);
  expect(negations()).toBe(2);
});

/** A long text as the strings of a TXT record. */
function quoted(text: string): string {
  return (text.match(/.{1,255}/g) ?? []).map((part) => `"${part}"`).join(" ");
}
