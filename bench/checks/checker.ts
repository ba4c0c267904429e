/**
 * The labeler's rounds over attested domains in a store, in a process of their own.
 *
 *   checker.ts DATA-DIRECTORY DNS-PORT DOMAINS SECONDS
 */
import { createPublicKey } from "node:crypto";
import { join } from "node:path";
import {
  ATTESTATION_COLLECTION,
  attestationMigration,
  createAttestations,
  type AttestationRecord,
} from "../../src/attestation/index.ts";
import { createStore } from "../../src/attestation/store.ts";
import { eventMaker, outboxMigration } from "../../src/event/index.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { snowflakes } from "../../src/lib/ids.ts";
import { Database } from "../../src/platform/database.ts";
import { createResolver } from "../../src/platform/dns/index.ts";
import { createSafeFetch } from "../../src/platform/fetch.ts";
import { silentLog } from "../../src/platform/log.ts";
import { keyFingerprint } from "../../src/protocol/dkim-record/index.ts";
import { didOf, HOSTS, KEY, type Told } from "./domains.ts";

const [dir = "", port = "", domains = "", seconds = ""] = process.argv.slice(2);
const db = new Database(join(dir, "attestations.sqlite"), [attestationMigration, outboxMigration]);
const store = createStore(db);
const fingerprint = keyFingerprint(createPublicKey({ key: KEY, format: "jwk" }));
const now = () => systemClock.now();

store.transaction(() => {
  for (let n = 0; n < Number(domains); n++) {
    const domain = `d${n}.example`;
    const hosts =
      n % 5 === 0 ? [`mx.${domain}`] : ["mx1", "mx2"].map((mx) => `${mx}.host${n % HOSTS}.example`);
    const record: AttestationRecord = {
      $type: ATTESTATION_COLLECTION,
      domain,
      dkim: ["s1", "s2"].map((selector) => ({ selector, algorithm: "rsa", fingerprint })),
      mx: hosts.map((host) => ({ host })),
      relay: { did: didOf(0) as `did:plc:${string}`, hostname: "relay.pool.example" },
      createdAt: "2026-01-01T00:00:00Z",
    };
    const facts = { domain, cid: "bafy", record, rev: "3k", now: now() };
    store.put({ did: didOf(n), collection: ATTESTATION_COLLECTION, rkey: domain }, facts);
  }
});

const attestations = createAttestations({
  db,
  resolver: createResolver({ servers: [`127.0.0.1:${port}`] }),
  clock: systemClock,
  fetch: createSafeFetch({ allowPrivate: false }),
  plcUrl: "http://127.0.0.1:1",
  log: silentLog,
  newEvent: eventMaker(now, snowflakes(now)),
  pool: {
    domain: "pool.example",
    spfInclude: "spf.pool.example",
    returnPathHost: "bounce.pool.example",
    egress: ["192.0.2.1"],
  },
});

const tell = (told: Told) => void process.send?.(told);
process.on("disconnect", () => process.exit());
process.on("message", async () => {
  const began = performance.now();
  const checked = await attestations.checkDue(AbortSignal.timeout(Number(seconds) * 1000));
  const ms = performance.now() - began;
  const ended = attestations.list().filter((a) => attestations.latestChecks(a.uri).length > 0);
  const verified = ended.filter((a) => a.summary === "verified").length;
  const broken = ended.filter((a) => a.failures > 0).length;
  tell({ is: "done", checked, ms, verified, broken, unknown: ended.length - verified - broken });
});
tell({ is: "ready" });
