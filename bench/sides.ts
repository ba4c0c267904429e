import { generateKeyPairSync } from "node:crypto";
import { appendFile } from "node:fs/promises";
import { choosePorts, productUrl, startProduct, type Product } from "../test/interop/product.ts";
import { startOpenDkimSigner } from "../test/interop/servers/opendkim.ts";
import { startPostfix } from "../test/interop/servers/postfix.ts";
import { freePort, until, type Address, type Server } from "../test/interop/servers/process.ts";
import { childrenOf } from "./machine.ts";
import { secondsToRest } from "./relay/throughput.ts";
import { INBOUND, MX_PORT, POOL, POOL_HOST, RESOLVER, type World } from "./world.ts";

export type Login = { username: string; secret: string; sender: string };

/** One of those that are compared: a submission server under implicit TLS, and who may use it. */
export interface Side extends Server {
  name: string;
  submission: Address;
  logins: Login[];
  /** The processes that belong to it, with all below them. */
  roots(): number[];
}

export interface OurSide extends Side {
  product: Product;
  /** Starts it again with these roles alone (`relay`); members, keys and policies are on disk. */
  restart(roles: string): Promise<void>;
}

/** `atmos serve` with `members` members that have proved their domains and may send, all of tier `trusted`. */
export async function startOurs(
  world: World,
  members: number,
  settings: Record<string, string> = {},
): Promise<OurSide> {
  const ports = await choosePorts();
  const labelerDid = await world.createLabeler(productUrl(ports));
  const product = await startProduct(ports, {
    inboundHost: INBOUND,
    deliveryPort: MX_PORT,
    env: {
      ATMOS_POOL_DOMAIN: POOL,
      ATMOS_POOL_HOSTNAME: POOL_HOST,
      ATMOS_DNS_SERVERS: `${RESOLVER.host}:${RESOLVER.port}`,
      ATMOS_PLC_URL: world.plcUrl,
      ATMOS_LABELER_DID: labelerDid,
      ATMOS_LABELER_KEY: world.labelerKey,
      ATMOS_ATTESTATION_HOSTS: world.repos.url,
      ATMOS_TLS_CERT_FILE: world.certificate.certPath,
      ATMOS_TLS_KEY_FILE: world.certificate.keyPath,
      ...settings,
    },
  });
  try {
    const logins = await enrol(world, product, labelerDid, members);
    // What core decided is at the relay: it would come after a restart, and undo what `establish` did.
    await secondsToRest([product.pid()], Date.now());
    return {
      name: "atmos",
      product,
      submission: { host: "127.0.0.1", port: ports.tls },
      logins,
      roots: () => [product.pid()],
      async restart(roles) {
        await product.terminate();
        await appendFile(product.envFile, `ATMOS_ROLES=${roles}\n`);
        await product.start();
      },
      stop: product.stop,
      [Symbol.asyncDispose]: product.stop,
    };
  } catch (error) {
    await product.stop();
    throw error;
  }
}

/** The client of the command line, as built: node cannot read the pages' JSX that its sources lead to. */
async function apiOf(envFile: string) {
  const client = new URL("../dist/cli/api.js", import.meta.url).href;
  return ((await import(client)) as typeof import("../src/cli/api.ts")).apiOf(envFile);
}

type Listed = { domains: { status: string; returnPath: string | null }[] }[];

async function enrol(
  { zones, repos }: World,
  product: Product,
  labelerDid: string,
  count: number,
): Promise<Login[]> {
  const api = await apiOf(product.envFile);
  const logins: Login[] = [];
  for (let n = 0; n < count; n++) {
    const domain = `member${n}.test`;
    const { did } = await repos.createAccount({ handle: domain });
    const path = `/members/${encodeURIComponent(did)}`;
    await api("POST", "/members", { did, name: domain, tier: "trusted", by: "bench" });
    const added = await api("POST", `${path}/domains`, { domain });
    for (const { name, type, value } of added["records"] as { name: string; type: string; value: string }[]) {
      if (type === "CNAME") zones.set(name, "CNAME", { target: value });
      else zones.set(name, "TXT", { text: value });
    }
    zones.set(domain, "MX", { preference: 10, exchange: `mx.${domain}` });
    zones.set(`mx.${domain}`, "A", { address: INBOUND });
    const { username, secret } = await api("POST", `${path}/credentials`, { domains: [domain] });
    await repos.putRecord(did, "community.email.attestation", domain, {
      domain,
      dkim: added["dkim"] as { selector: string; algorithm: string; fingerprint: string }[],
      mx: [{ host: `mx.${domain}` }],
      relay: { did: labelerDid, hostname: POOL_HOST },
      createdAt: new Date().toISOString(),
    });
    logins.push({ username: String(username), secret: String(secret), sender: `a@${domain}` });
  }
  await until(
    "every member to be allowed to send",
    async () => {
      const { members } = (await api("GET", "/members")) as { members: Listed };
      return members.every(({ domains }) =>
        domains.every(({ status, returnPath }) => status === "active" && returnPath !== null),
      );
    },
    60_000,
  );
  return logins;
}

export type PeerOptions = {
  /** A signer that runs already; else it starts and ends with Postfix. */
  milter?: string;
  port?: number;
  /** A second OpenDKIM adds an Ed25519 signature. */
  ed25519?: boolean;
  /** Lines of main.cf. */
  settings?: Record<string, string>;
};

export const PEER_LOGIN: Login = { username: "alice", secret: "correct horse", sender: "a@member0.test" };

/** Postfix with TLS, AUTH and an OpenDKIM milter, as Debian ships them but for `settings`. */
export async function startPeer(world: World, options: PeerOptions = {}): Promise<Side> {
  await using stack = new AsyncDisposableStack();
  const before = new Set(childrenOf(process.pid));
  const milters = [options.milter ?? stack.use(await startPeerSigner()).milter];
  if (options.ed25519) milters.push(stack.use(await startEd25519Signer()).milter);
  const smtpsPort = options.port ?? (await freePort());
  stack.use(
    await startPostfix({
      hostname: POOL_HOST,
      tls: world.certificate,
      resolver: RESOLVER.host,
      submission: { username: PEER_LOGIN.username, password: PEER_LOGIN.secret },
      smtpsPort,
      milter: milters.join(", "),
      settings: { smtp_tls_security_level: "encrypt", ...options.settings },
    }),
  );
  const roots = childrenOf(process.pid).filter((pid) => !before.has(pid));
  const owned = stack.move();
  const stop = () => owned.disposeAsync();
  return {
    name: "Postfix + OpenDKIM",
    submission: { host: "127.0.0.1", port: smtpsPort },
    logins: [PEER_LOGIN],
    roots: () => roots,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Two RSA-2048 signatures: of more keys this OpenDKIM uses the first and the last. */
export function startPeerSigner() {
  const keys = ["member0.test", POOL].map((domain) => ({ domain, selector: "r", key: newKey("rsa") }));
  return startOpenDkimSigner(keys);
}

/** An Ed25519 signature: a process of OpenDKIM knows one algorithm. */
function startEd25519Signer() {
  const keys = [{ domain: "member0.test", selector: "e", key: newKey("ed25519") }];
  return startOpenDkimSigner(keys, "ed25519-sha256");
}

function newKey(algorithm: "rsa" | "ed25519"): string {
  const { privateKey } =
    algorithm === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ed25519");
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}
