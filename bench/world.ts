import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { Secp256k1Keypair } from "@atproto/crypto";
import { createZones, startDevnetDns, type Zones } from "../src/devnet/dns.ts";
import { plcMigration, startPlc } from "../src/devnet/plc.ts";
import { repoHostMigration, startRepoHost, type RunningRepoHost } from "../src/devnet/repo-host/index.ts";
import { systemClock } from "../src/lib/clock.ts";
import { Database } from "../src/platform/database.ts";
import {
  startCertificateAuthority,
  type Certificate,
  type CertificateAuthority,
} from "../test/interop/servers/certificate.ts";
import { removeDirectory, temporaryDirectory, type Address } from "../test/interop/servers/process.ts";
import { startUnbound } from "../test/interop/servers/unbound.ts";

export const POOL = "coop.test";
export const POOL_HOST = `relay.${POOL}`;
/** Loopback addresses of this benchmark's own, on the ports that mail and DNS have. */
export const RESOLVER: Address = { host: "127.0.0.156", port: 53 };
export const INBOUND = "127.0.0.90";
export const MX_PORT = 25;
const RECIPIENTS = [1, 2, 3, 4].map((n) => ({ domain: `dest${n}.test`, address: `127.0.0.${90 + n}` }));
export const RECIPIENT_DOMAINS = RECIPIENTS.map(({ domain }) => domain);
export const SINK_HOSTS = RECIPIENTS.map(({ address }) => address);

/** What both sides need around them: names, certificates, and, for ours, identities with repositories. */
export interface World extends AsyncDisposable {
  zones: Zones;
  authority: CertificateAuthority;
  certificate: Certificate;
  plcUrl: string;
  repos: RunningRepoHost;
  labelerKey: string;
  createLabeler(endpoint: string): Promise<string>;
}

export async function startWorld(): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const directory = await temporaryDirectory("bench-world");
  stack.defer(() => removeDirectory(directory));
  const authority = stack.use(await startCertificateAuthority());
  const zones = createZones();
  const dns = await startDevnetDns({ zones, host: "127.0.0.1", port: 0 });
  stack.defer(() => dns.close());
  stack.use(
    await startUnbound({ dns: { host: "127.0.0.1", port: dns.port }, ...RESOLVER, cacheSeconds: 60 }),
  );
  const db = new Database(join(directory, "world.sqlite"), [plcMigration, repoHostMigration]);
  stack.defer(() => db.close());
  const plc = await startPlc({ db, clock: systemClock, host: "127.0.0.1", port: 0 });
  stack.defer(() => plc.close());
  const repos = await startRepoHost({
    db,
    clock: systemClock,
    host: "127.0.0.1",
    port: 0,
    plcUrl: plc.url,
  });
  stack.defer(() => repos.close());
  publishNames(zones);
  const labelerKey = randomBytes(32).toString("hex");
  const parts = {
    zones,
    authority,
    certificate: await authority.issue(POOL_HOST, `mx.${POOL}`),
    plcUrl: plc.url,
    repos,
    labelerKey,
    async createLabeler(endpoint: string) {
      const { did } = await repos.createAccount({
        handle: `labeler.${POOL}`,
        verificationMethods: { atproto_label: (await Secp256k1Keypair.import(labelerKey)).did() },
        services: { atproto_labeler: { type: "AtprotoLabeler", endpoint } },
      });
      return did;
    },
  };
  const owned = stack.move();
  return { ...parts, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function publishNames(zones: Zones): void {
  const mx = { preference: 10, exchange: `mx.${POOL}` };
  zones.set(POOL_HOST, "A", { address: "127.0.0.1" });
  zones.set(`mx.${POOL}`, "A", { address: INBOUND });
  zones.set(POOL, "MX", mx);
  zones.set(`bounce.${POOL}`, "MX", mx);
  zones.set(`_spf.${POOL}`, "TXT", { text: "v=spf1 ip4:127.0.0.1 -all" });
  for (const name of [POOL, `bounce.${POOL}`]) {
    zones.set(name, "TXT", { text: `v=spf1 include:_spf.${POOL} -all` });
  }
  for (const { domain, address } of RECIPIENTS) {
    zones.set(domain, "MX", { preference: 10, exchange: `mx.${domain}` });
    zones.set(`mx.${domain}`, "A", { address });
  }
}
