import { join } from "node:path";
import { Secp256k1Keypair } from "@atproto/crypto";
import {
  allowlistMigration,
  createAllowlistStore,
  createList,
  openPublication,
} from "../../src/allowlist/index.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Database } from "../../src/platform/database.ts";
import { silentLog } from "../../src/platform/log.ts";

export const ZONE = "wl.coop.test";
const PAGE = 5_000;

/** A list of so many domains, as labels and attestations would have filled it; nothing is published yet. */
export async function openList(dir: string, size: number) {
  const db = new Database(join(dir, "zone.sqlite"), [allowlistMigration]);
  const store = createAllowlistStore(db);
  const list = createList({
    store,
    place: { zone: ZONE, poolDomain: "coop.test" },
    pool: { did: "did:web:coop.test", addresses: [], spfDomain: "bounce.coop.test" },
    resolver: { resolve: async () => ({ status: "temperror", detail: "not asked" }) },
    clock: systemClock,
  });
  for (let from = 0; from < size; from += PAGE)
    store.transaction(() => {
      for (let i = from; i < Math.min(size, from + PAGE); i++) want(i);
    });
  const publication = await openPublication({
    store,
    list,
    zone: ZONE,
    nameServers: ["ns.coop.test"],
    dir: join(dir, "zone"),
    keypair: await Secp256k1Keypair.create(),
    snapshotUrl: "https://coop.test/allowlist/snapshot.json",
    checks: [],
    clock: systemClock,
    log: silentLog,
  });

  function want(i: number, code = "127.0.6.1"): void {
    const domain = domainOf(i);
    const did = `did:plc:${i.toString(32).padStart(24, "a")}`;
    const uri = `at://${did}/community.email.attestation/${domain}`;
    const cid = `bafyrei${i.toString(36).padStart(52, "a")}`;
    const label = (val: string, of: object) => ({
      ver: 1,
      src: "did:plc:labeler",
      ...of,
      val,
      cts: "2026-01-01T00:00:00.000Z",
      exp: "2026-01-02T00:00:00.000Z",
      sig: { $bytes: "A".repeat(86) },
    });
    const json = JSON.stringify({
      domain,
      did,
      uri,
      cid,
      code,
      since: "2026-01-01T00:00:00.000Z",
      labels: [label("verified-mail-operator", { uri, cid }), label("verified-member", { uri: did })],
      checks: { dkim: "pass", dmarc: "pass", "domain-control": "pass", mx: "pass", spf: "pass" },
    });
    const text = `verified-mail-operator verified-member ${uri}`;
    store.want(domain, { key: domain, did, code, text, json }, Date.now(), false);
  }
  return { publication, want, close: () => db.close() };
}

/** Names as operators have them: some below others. */
export const domainOf = (i: number) => `${i % 3 === 0 ? "mail." : ""}operator-${i}.example`;
