import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { Secp256k1Keypair } from "@atproto/crypto";
import {
  createAllowlistStore,
  allowlistMigration,
  createList,
  openPublication,
  checkWith,
} from "../../src/allowlist/index.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Database } from "../../src/platform/database.ts";
import { silentLog } from "../../src/platform/log.ts";
import { startDnsServer } from "../../src/platform/dns/index.ts";
import type { Resolver } from "../../src/protocol/dns/index.ts";
import { removeDirectory, temporaryDirectory, type Server, type Address } from "./servers/process.ts";

export const ZONE = "wl.coop.test";
const SRC = "did:plc:labeler";

export interface ListOptions {
  /** Addresses of the pool; each is proved. */
  addresses?: string[];
}

/** The product's own list, without the rest of the product: who is in it is chosen by the test. */
export interface TestList extends Server {
  zoneFile: string;
  rbldnsdFile: string;
  dir: string;
  /** The embedded name server. */
  server: Address;
  /** `egress`: addresses of its own; each is proved. */
  add(domain: string, options?: { clean?: boolean; did?: string; egress?: string[] }): void;
  remove(domain: string): void;
  /** The pool no longer sends by it. */
  removeAddress(address: string): void;
  /** Publishes, with all three programs that check. Throws when it was refused. */
  publish(): Promise<void>;
  /** Nobody answers for the zone any more. */
  stopServing(): Promise<void>;
}

export async function startList(options: ListOptions = {}): Promise<TestList> {
  const addresses = [...(options.addresses ?? [])];
  const dir = await temporaryDirectory("allowlist");
  await chmod(dir, 0o755);
  const db = new Database(":memory:", [allowlistMigration]);
  const proved = [...addresses];
  const store = createAllowlistStore(db);
  const list = createList({
    store,
    place: { zone: ZONE, poolDomain: "coop.test" },
    pool: { did: "did:web:coop.test", addresses, spfDomain: "bounce.coop.test" },
    resolver: provesAll(proved),
    clock: systemClock,
    allowPrivate: true,
  });
  const publication = await openPublication({
    store,
    list,
    zone: ZONE,
    nameServers: ["ns1.coop.test", "ns2.coop.test"],
    dir,
    keypair: await Secp256k1Keypair.create(),
    snapshotUrl: "https://coop.test/allowlist/snapshot.json",
    checks: (["named-checkzone", "kzonecheck", "rbldnsd"] as const).map(checkWith),
    clock: systemClock,
    log: silentLog,
  });
  const server = await startDnsServer({
    host: "127.0.0.1",
    port: 0,
    answer: publication.answer,
    answerWire: publication.answerWire,
  });
  let cursor = 0;
  let cts = Date.now() - 1_000_000;
  const didOf = (domain: string) => `did:plc:${domain.replace(/[^a-z0-9]/g, "")}`;

  function say(domain: string, did: string, vals: string[], neg: boolean): void {
    const uri = uriOf(did, domain);
    const common = { ver: 1 as const, src: SRC, cts: new Date(++cts).toISOString(), sig: new Uint8Array(64) };
    const labels = vals.map((val) =>
      val === "verified-mail-operator"
        ? { ...common, uri, cid: "bafytest", val }
        : { ...common, uri: did, val },
    );
    list.takeLabels(
      SRC,
      labels.map((label) => ({ ...label, ...(neg && { neg: true as const }) })),
      ++cursor,
    );
  }
  let serving = true;
  const stopServing = async () => {
    if (serving) await server.close();
    serving = false;
  };
  const stop = async () => {
    await stopServing();
    await publication.close();
    db.close();
    await removeDirectory(dir);
  };
  return {
    dir,
    zoneFile: join(dir, `${ZONE}.zone`),
    rbldnsdFile: join(dir, `${ZONE}.rbldnsd`),
    server,
    add(domain, { clean = false, did = didOf(domain), egress = [] } = {}) {
      proved.push(...egress);
      list.putClaims(did, [
        { uri: uriOf(did, domain), cid: "bafytest", did, domain, checks: { dkim: "pass" }, egress },
      ]);
      say(
        domain,
        did,
        ["verified-mail-operator", "verified-member", ...(clean ? ["clean-sender"] : [])],
        false,
      );
    },
    remove: (domain) => say(domain, didOf(domain), ["verified-mail-operator", "verified-member"], true),
    removeAddress: (address) => void addresses.splice(addresses.indexOf(address), 1),
    async publish() {
      while (!list.settle());
      await list.proveDue(new AbortController().signal);
      const result = await publication.publish();
      if (result.outcome === "refused") throw new Error(result.why);
    },
    stopServing,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

const uriOf = (did: string, domain: string) => `at://${did}/community.email.attestation/${domain}`;

/** A DNS in which every one of these addresses has a name that leads back, and SPF lets it send. */
function provesAll(addresses: string[]): Resolver {
  return {
    resolve: async (_, type) => {
      const terms = addresses.map((address) => `${address.includes(":") ? "ip6" : "ip4"}:${address}`);
      const data: Record<string, object[]> = {
        PTR: [{ target: "out.coop.test" }],
        A: addresses.filter((address) => !address.includes(":")).map((address) => ({ address })),
        AAAA: addresses.filter((address) => address.includes(":")).map((address) => ({ address })),
        TXT: [{ text: `v=spf1 ${terms.join(" ")} -all` }],
      };
      const records = (data[type] ?? []).map((record) => ({ ttl: 60, ...record }));
      return (
        records.length > 0
          ? { status: "ok", records, authentic: false }
          : { status: "nodata", authentic: false }
      ) as never;
    },
  };
}
