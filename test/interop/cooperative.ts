import { randomBytes } from "node:crypto";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Secp256k1Keypair } from "@atproto/crypto";
import { Client, didForCreateOp, signOperation } from "@did-plc/lib";
import { afterEach } from "vitest";
import { createZones, startDevnetDns, type Zones } from "../../src/devnet/dns.ts";
import { choosePorts, productUrl, startProduct, type Product, type ProductOptions } from "./product.ts";
import { startCertificateAuthority, type CertificateAuthority } from "./servers/certificate.ts";
import { startHttpsFront } from "./servers/https-front.ts";
import { startPds, type Pds, type Session } from "./servers/pds.ts";
import { freePort, until, type Server } from "./servers/process.ts";
import { startUnbound, type Unbound, type UnboundOptions } from "./servers/unbound.ts";

export const POOL = "coop.test";
export const POOL_HOST = `relay.${POOL}`;
export const COLLECTION = "community.email.attestation";
const INBOUND = "127.0.0.2";
/** The resolver of everything here; programs that know only port 53 find it too. */
const RESOLVER = { host: "127.0.0.155", port: 53 };

export interface Member {
  domain: string;
  did: string;
  session: Session;
  username: string;
  secret: string;
  /** The block for a PDS's environment file, as `atmos member credential` printed it. */
  environment: Record<string, string>;
  attestation: { uri: string; cid: string; record: Record<string, unknown> };
}

/** The product with the world that it needs: real DNS resolver, real PDS and PLC directory, certificates. */
export interface Cooperative extends Server {
  product: Product;
  zones: Zones;
  unbound: Unbound;
  pds: Pds;
  authority: CertificateAuthority;
  labelerDid: string;
  /** Of its labeler, for a process of its own. */
  labelerKey: string;
  /** Where browsers and the PDS reach the pages. */
  publicUrl: string;
  /** Port of every mail server here; they differ in their loopback address. */
  deliveryPort: number;
  /** Mail of `domain` is received at `address`. */
  receives(domain: string, address: string): void;
  /**
   * What an operator does to join: an account, membership, a domain, its records in the DNS, a credential and the
   * attestation. Resolves when its mail may go. `address` receives the domain's own mail. A `trusted` member's domain
   * has been there for a year: a new one has the limits of a new member, whatever its owner's tier.
   */
  join(domain: string, options: { address: string; tier?: string }): Promise<Member>;
}

/** Where the product learns of records, as its settings: the PDS's own `subscribeRepos` unless told. */
export type Intake = (pds: Pds, unbound: Unbound) => Promise<Record<string, string>>;

const followPds: Intake = async ({ pdsUrl }) => ({ ATMOS_ATTESTATION_HOSTS: pdsUrl });

/**
 * `prepare` is called with the path of the product's data directory, before its first start. `dns`: zones that another
 * server answers for. `trusting`: the product trusts the authority here as it trusts those of its system. `publicHost`: a
 * name below `internal` at which the pages are, over HTTPS through a reverse proxy; the PDS finds it and trusts it.
 */
export type CooperativeOptions = Pick<ProductOptions, "prepare"> & {
  env?: Record<string, string>;
  dns?: Pick<UnboundOptions, "stubs" | "trustAnchors">;
  trusting?: boolean;
  publicHost?: string;
};

export async function startCooperative(
  intake = followPds,
  { env = {}, dns: elsewhere = {}, trusting = false, publicHost, ...options }: CooperativeOptions = {},
): Promise<Cooperative> {
  await using stack = new AsyncDisposableStack();
  const authority = stack.use(await startCertificateAuthority());
  const zones = createZones();
  const dns = await startDevnetDns({ zones, host: "127.0.0.1", port: 0 });
  stack.defer(() => dns.close());
  const unbound = stack.use(
    await startUnbound({
      dns: { host: "127.0.0.1", port: dns.port },
      zones: ["test", "internal"],
      ...RESOLVER,
      ...elsewhere,
    }),
  );
  const ports = await choosePorts();
  const front = publicHost === undefined ? undefined : { host: publicHost, port: await freePort() };
  const publicUrl = front ? `https://${front.host}:${front.port}` : productUrl(ports);
  const pds = stack.use(await startPds(front && { resolver: unbound.host, trust: authority.certPath }));
  if (front) {
    zones.addZone(front.host);
    zones.set(front.host, "A", { address: "127.0.0.1" });
    const certificate = await authority.issue(front.host);
    const to = { host: "127.0.0.1", port: ports.http };
    stack.use(await startHttpsFront({ certificate, at: { host: "127.0.0.1", port: front.port }, to }));
  }
  const deliveryPort = await freePort(INBOUND);
  const labelerKey = randomBytes(32).toString("hex");
  const labelerDid = await createLabelerAccount(pds.plcUrl, labelerKey, publicUrl);
  const certificate = await authority.issue(POOL_HOST, `mx.${POOL}`);
  const product = stack.use(
    await startProduct(ports, {
      inboundHost: INBOUND,
      deliveryPort,
      resolver: unbound.host,
      env: {
        ATMOS_PUBLIC_URL: publicUrl,
        ATMOS_POOL_DOMAIN: POOL,
        ATMOS_POOL_HOSTNAME: POOL_HOST,
        ATMOS_DNS_SERVERS: `${unbound.host}:${unbound.port}`,
        ATMOS_PLC_URL: pds.plcUrl,
        ATMOS_LABELER_DID: labelerDid,
        ATMOS_LABELER_KEY: labelerKey,
        ...(await intake(pds, unbound)),
        ATMOS_TLS_CERT_FILE: certificate.certPath,
        ATMOS_TLS_KEY_FILE: certificate.keyPath,
        ...env,
      },
      ...(trusting && { processEnv: { NODE_EXTRA_CA_CERTS: authority.certPath } }),
      ...options,
    }),
  );
  zones.forward(`wl.${POOL}`, `127.0.0.1:${ports.zone}`);
  publishPool(zones);
  if (/relay/.test(env["ATMOS_ROLES"] ?? "relay")) await publishPoolKey(product, zones);

  const receives = (domain: string, address: string) => {
    zones.set(domain, "MX", { preference: 10, exchange: `mx.${domain}` });
    zones.set(`mx.${domain}`, "A", { address });
  };
  const parts = {
    product,
    zones,
    unbound,
    pds,
    authority,
    labelerDid,
    labelerKey,
    publicUrl,
    deliveryPort,
    receives,
  };
  const owned = stack.move();
  const stop = () => owned.disposeAsync();
  return { ...parts, join: (...args) => join(parts, ...args), stop, [Symbol.asyncDispose]: stop };
}

type Parts = Omit<Cooperative, "join" | keyof Server>;

async function join(
  { product, zones, pds, labelerDid, receives }: Parts,
  domain: string,
  options: { address: string; tier?: string },
): Promise<Member> {
  const session = await pds.createAccount(domain, `postmaster@${domain}`, "pass-word-1");
  const { did } = session;
  const tier = options.tier === undefined ? [] : ["--tier", options.tier];
  await product.cli("member", "add", did, "--name", domain, ...tier);
  const added = await product.cli("member", "domain", did, domain);
  for (const { name, type, value } of added["records"] as { name: string; type: string; value: string }[]) {
    if (type === "CNAME") zones.set(name, "CNAME", { target: value });
    else zones.set(name, "TXT", { text: value });
  }
  receives(domain, options.address);
  if (options.tier === "trusted") age(product, domain);
  const credential = await product.cli("member", "credential", did, domain);
  const record = {
    domain,
    dkim: added["dkim"],
    mx: [{ host: `mx.${domain}` }],
    relay: { did: labelerDid, hostname: POOL_HOST },
    createdAt: new Date().toISOString(),
  };
  const written = await pds.putRecord(session, COLLECTION, domain, record);
  await until(`${domain} to be allowed to send`, () => maySend(product, did, domain), 30_000);
  return {
    domain,
    did,
    session,
    username: String(credential["username"]),
    secret: String(credential["secret"]),
    environment: credential["environment"] as Record<string, string>,
    attestation: { ...written, record: { $type: COLLECTION, ...record } },
  };
}

function age({ dataDir }: Product, domain: string): void {
  const db = new DatabaseSync(path.join(dataDir, "core.sqlite"), { timeout: 10_000 });
  db.prepare("UPDATE domain SET added_at = added_at - ? WHERE name = ?").run(365 * 86_400_000, domain);
  db.close();
}

export type ListedMember = {
  did: string;
  tier: string;
  standing: string;
  domains: { name: string; status: string; returnPath: string | null }[];
};

/** One line of `atmos member list`. */
export async function listed(product: Product, did: string): Promise<ListedMember | undefined> {
  const { members } = (await product.cli("member", "list")) as { members: ListedMember[] };
  return members.find((member) => member.did === did);
}

async function maySend(product: Product, did: string, domain: string): Promise<boolean> {
  const found = (await listed(product, did))?.domains.find(({ name }) => name === domain);
  return found?.status === "active" && found.returnPath === `bounce.${domain}`;
}

/** An account that is nothing but a labeler: the first operation of a DID in the real PLC directory. */
async function createLabelerAccount(plcUrl: string, key: string, endpoint: string): Promise<string> {
  const rotation = await Secp256k1Keypair.create();
  const signing = await Secp256k1Keypair.import(key);
  const operation = await signOperation(
    {
      type: "plc_operation",
      rotationKeys: [rotation.did()],
      verificationMethods: { atproto_label: signing.did() },
      alsoKnownAs: [`at://labeler.${POOL}`],
      services: { atproto_labeler: { type: "AtprotoLabeler", endpoint } },
      prev: null,
    },
    rotation,
  );
  const did = await didForCreateOp(operation);
  await new Client(plcUrl).sendOperation(did, operation);
  return did;
}

/** The pool's own records, as `atmos doctor` asks for them. */
function publishPool(zones: Zones): void {
  const mx = { preference: 10, exchange: `mx.${POOL}` };
  zones.set(POOL_HOST, "A", { address: "127.0.0.1" });
  zones.set(POOL_HOST, "TXT", { text: "v=spf1 a -all" });
  zones.set(`mx.${POOL}`, "A", { address: INBOUND });
  zones.set(POOL, "MX", mx);
  zones.set(`bounce.${POOL}`, "MX", mx);
  zones.set(`_spf.${POOL}`, "TXT", { text: "v=spf1 ip4:127.0.0.1 -all" });
  zones.set(POOL, "TXT", { text: `v=spf1 include:_spf.${POOL} -all` });
  zones.set(`bounce.${POOL}`, "TXT", { text: `v=spf1 include:_spf.${POOL} -all` });
  zones.set(`_dmarc.${POOL}`, "TXT", { text: "v=DMARC1; p=reject" });
}

/** The pool makes its key at the first start; `atmos doctor` says what to publish. */
export async function publishPoolKey(product: Product, zones: Zones): Promise<void> {
  const { answer } = await product.run("doctor", "--env", product.envFile);
  const findings = answer["findings"] as { probe: string; remedy?: string }[];
  const remedy = findings.find(({ probe }) => probe === "pool DKIM")?.remedy ?? "";
  const [, name, text] = /^Publish: (\S+)\. TXT "(.+)"$/.exec(remedy) ?? [];
  if (name === undefined || text === undefined) throw new Error(`doctor names no key: ${remedy}`);
  zones.set(name, "TXT", { text });
}

/** After a test that failed, the last words of the product, or of another program. */
export function tellLogOnFailure(program: () => { log(): string } | undefined): void {
  afterEach(({ task }) => {
    if (task.result?.state !== "fail") return;
    process.stderr.write(`--- at the failure of "${task.name}":\n`);
    process.stderr.write(`${program()?.log().slice(-12_000) ?? "not running"}\n---\n`);
  });
}
