import { generateKeyPairSync } from "node:crypto";
import { Secp256k1Keypair } from "@atproto/crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventMaker, outboxMigration } from "../event/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { snowflakes } from "../lib/ids.ts";
import { Database } from "../platform/database.ts";
import { createSafeFetch } from "../platform/fetch.ts";
import { silentLog } from "../platform/log.ts";
import { formatDkimKeyRecord, keyFingerprint } from "../protocol/dkim-record/index.ts";
import { HostFixture, txt, zoneResolver } from "./host.fixture.ts";
import {
  ATTESTATION_COLLECTION,
  attestationMigration,
  createAttestations,
  type Attestations,
} from "./index.ts";

const HOUR = 3_600_000;
const dkim = generateKeyPairSync("ed25519").publicKey;

let host: HostFixture;
let clock: MovableClock;
let db: Database;
let attestations: Attestations;

/** A proved record whose domain becomes sound only hours after the proof. */
beforeEach(async () => {
  host = await HostFixture.start();
  await host.put(ATTESTATION_COLLECTION, "mail.test", {
    $type: ATTESTATION_COLLECTION,
    domain: "mail.test",
    dkim: [{ selector: "a", fingerprint: keyFingerprint(dkim) }],
    createdAt: "2026-01-01T00:00:00.000Z",
  });
  clock = new MovableClock(Date.parse("2026-01-01T00:00:00Z"));
  db = new Database(":memory:", [attestationMigration, outboxMigration]);
  const zone: Parameters<typeof zoneResolver>[0] = {
    "mail.test": { ...txt("v=spf1 mx -all"), MX: [{ preference: 10, exchange: "mx.mail.test" }] },
    "mx.mail.test": { A: [{ address: "198.41.0.4" }] },
    "a._domainkey.mail.test": txt(formatDkimKeyRecord(dkim)),
    "_dmarc.mail.test": txt("v=DMARC1; p=reject"),
  };
  attestations = createAttestations({
    db,
    resolver: zoneResolver(zone),
    clock,
    fetch: createSafeFetch({ allowPrivate: true, timeoutMs: 2_000 }),
    plcUrl: host.origin,
    log: silentLog,
    newEvent: eventMaker(
      () => clock.now(),
      snowflakes(() => clock.now()),
    ),
    pool: { domain: "pool.test", spfInclude: "spf.pool.test", returnPathHost: "bounce.pool.test" },
    allowPrivate: true,
  });
  await attestations.intake({ did: host.did, collection: ATTESTATION_COLLECTION, rkey: "mail.test" });
  await attestations.checkDue();
  zone["_email-attestation.mail.test"] = txt(`did=${host.did}`);
  clock.advance(7 * HOUR);
});
afterEach(async () => {
  await host.close();
  db.close();
});

const summary = () => attestations.activeOf(host.did)[0]?.summary;

test("a domain that became sound is believed on a proof of now", async () => {
  expect(summary()).toBe("unknown");
  const before = host.requests;
  await attestations.checkDue();
  expect(summary()).toBe("verified");
  expect(attestations.activeOf(host.did)[0]!.provedAt).toBe(clock.now());
  expect(host.requests).toBe(before + 2);
});

test("while it is believed, checks ask nothing more of the host", async () => {
  await attestations.checkDue();
  const before = host.requests;
  clock.advance(6 * HOUR);
  expect(await attestations.checkDue()).toBe(1);
  expect(summary()).toBe("verified");
  expect(host.requests).toBe(before);
});

test.each<[string, () => unknown, string | undefined]>([
  [
    "the record is gone, and nobody said so",
    () => host.delete(ATTESTATION_COLLECTION, "mail.test"),
    undefined,
  ],
  [
    "the account has another key now",
    async () => void (host.announcedKey = (await Secp256k1Keypair.create()).did()),
    "unknown",
  ],
  ["the DID is not to be found", () => void (host.hideDid = true), "unknown"],
  ["the host is out of reach", () => void (host.refuse = { status: 503, error: "" }), "unknown"],
  ["the account is suspended", () => void (host.refuse = { status: 400, error: "RepoSuspended" }), undefined],
])("it is not believed when %s", async (_, change, expected) => {
  await change();
  await attestations.checkDue();
  expect(summary()).toBe(expected);
});

test("what was out of reach is asked again soon", async () => {
  host.refuse = { status: 503, error: "" };
  await attestations.checkDue();
  host.refuse = undefined;
  clock.advance(600_000);
  expect(await attestations.checkDue()).toBe(1);
  expect(summary()).toBe("verified");
});
