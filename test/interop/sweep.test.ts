import { afterAll, beforeAll, expect, test } from "vitest";
import {
  ATMOS_COLLECTION,
  attestationMigration,
  ATTESTATION_COLLECTION,
  createAttestations,
} from "../../src/attestation/index.ts";
import { eventMaker, outboxMigration } from "../../src/event/index.ts";
import { systemClock as clock } from "../../src/lib/clock.ts";
import { snowflakes } from "../../src/lib/ids.ts";
import { Database } from "../../src/platform/database.ts";
import { createSafeFetch } from "../../src/platform/fetch.ts";
import { silentLog } from "../../src/platform/log.ts";
import { startPds, type Pds } from "./servers/pds.ts";

let pds: Pds;
const db = new Database(":memory:", [attestationMigration, outboxMigration]);

beforeAll(async () => {
  pds = await startPds();
});
afterAll(async () => {
  db.close();
  await pds?.stop();
});

test("what a real PDS held before we came is found and proved, by both kinds of record", async () => {
  const createdAt = "2026-01-01T00:00:00.000Z";
  const held: Record<string, Record<string, unknown>> = {
    [ATTESTATION_COLLECTION]: { domain: "alder.test", createdAt },
    [ATMOS_COLLECTION]: { domain: "birch.test", dkimSelectors: ["s1"], relayMember: true, createdAt },
  };
  for (const [collection, record] of Object.entries(held)) {
    const name = String(record["domain"]);
    const session = await pds.createAccount(name, `ops@${name}`, "pass-word-1");
    await pds.putRecord(session, collection, name, { $type: collection, ...record });
  }
  const attestations = createAttestations({
    db,
    resolver: { resolve: () => Promise.resolve({ status: "temperror", detail: "no DNS here" }) },
    clock,
    fetch: createSafeFetch({ allowPrivate: true }),
    plcUrl: pds.plcUrl,
    log: silentLog,
    newEvent: eventMaker(
      () => clock.now(),
      snowflakes(() => clock.now()),
    ),
    pool: { domain: "pool.test", spfInclude: "spf.pool.test", returnPathHost: "bounce.pool.test" },
  });
  await attestations.sweepDue([pds.pdsUrl]);
  expect(attestations.list().map(({ domain, collection }) => [domain, collection])).toEqual([
    ["alder.test", ATTESTATION_COLLECTION],
    ["birch.test", ATMOS_COLLECTION],
  ]);
});
