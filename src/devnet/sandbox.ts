import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Secp256k1Keypair } from "@atproto/crypto";
import { Hono } from "hono";
import { LABELER_SERVICE_COLLECTION, labelerServiceRecord } from "../label/index.ts";
import { DAY_MS, MovableClock } from "../lib/clock.ts";
import { parseConfig, type Config } from "../platform/config/index.ts";
import { serveHttp } from "../platform/http.ts";
import type { Logger } from "../platform/log.ts";
import { startServe, type Serve, type ServeOptions } from "../roles/index.ts";
import { accessLink } from "../web/index.ts";
import { BY_HAND_PATH, controls } from "./controls.tsx";
import { dnsPages } from "./dns-host/index.ts";
import { inboxPages } from "./mailbox/index.ts";
import { accountOf, COMMITTEE_HANDLE, NEWCOMERS, welcome } from "./newcomers.ts";
import { seedOperators, type SeedOperator } from "./operators.ts";
import { portsFrom, type SandboxPorts } from "./ports.ts";
import { enrol } from "./enrol.ts";
import { readState, writeState, type SandboxState } from "./state.ts";
import { createTraffic, type Progress, type SendingOperator } from "./traffic.ts";
import {
  BLOCKLIST,
  EGRESS_ADDRESSES,
  HOSTING,
  MAIL_DOMAINS,
  POOL_DOMAIN,
  POOL_HOSTNAME,
  POOL_MX_ADDRESS,
  startWorld,
  type World,
} from "./world.ts";

export type SandboxOptions = {
  dir: string;
  rulesDir: string;
  log: Logger;
  /** Forget what is there. */
  fresh?: boolean;
  ports?: SandboxPorts;
  /** Defaults to twenty seeded ones. */
  operators?: readonly SeedOperator[];
  /** The present, ms since the epoch. */
  now: number;
  /** The first start begins so many days before the present. The clock stands still until `clock.setRate`. */
  days: number;
  /** Where providers of figures are: the sandbox has none of its own. */
  providerEndpoints?: ServeOptions["providerEndpoints"];
};

export type Sandbox = {
  clock: MovableClock;
  world: World;
  serve: Serve;
  config: Config;
  operators: readonly SendingOperator[];
  /** Handles of those who are no members yet. */
  newcomers: readonly string[];
  urls: { web: string; mail: string; dns: string; accounts: string; committee(): string };
  playedUntil: number | undefined;
  /** Plays the operators' mail until `instant` and remembers it. */
  play(instant: number, onProgress?: (progress: Progress) => void, signal?: AbortSignal): Promise<void>;
  /** Lets the clock run at `speed` times real time, with the operators' mail, until `signal` aborts. */
  live(speed: number, signal: AbortSignal): Promise<void>;
  /** Moves the clock on by `ms`, in steps after each of which all comes to rest; operators send nothing in that time. */
  advance(ms: number): Promise<void>;
  /** Resolves once nothing is under way, in the cooperative and outside of it. */
  settle(): Promise<void>;
  close(): Promise<void>;
};

const DNS_PATH = "/dns";
/** A link to the committee's pages in the sandbox lives as long as a day of looking around. */
const LINK_MS = DAY_MS;
/** Of a clock that is moved by hand. */
const STEP_MS = DAY_MS;

/** The whole cooperative with an outside world, on loopback. The roles are the real ones, configured like any other. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { dir, log, ports = portsFrom(8080) } = options;
  if (options.fresh) rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const begin = options.now - options.days * DAY_MS;
  const state = readState(dir, begin);
  const clock = new MovableClock(
    state.playedUntil === undefined ? state.clock : Math.max(options.now, state.clock),
  );
  const seeds = options.operators ?? seedOperators();
  const closers: (() => Promise<unknown> | void)[] = [];
  const close = async () => {
    writeState(dir, { ...state, clock: clock.now() });
    for (const one of closers.splice(0).toReversed()) await one();
  };

  try {
    const operatorDomains = seeds.map((seed) => seed.domain);
    const world = await startWorld({ dir: join(dir, "world"), clock, ports, operatorDomains, log });
    closers.push(() => world.close());
    const urls = {
      web: `http://127.0.0.1:${ports.web}`,
      mail: `http://127.0.0.1:${ports.mail}`,
      dns: `http://127.0.0.1:${ports.mail}${DNS_PATH}`,
      accounts: `${world.repos.url}/`,
    };
    const { config, secrets } = parseConfig(
      await environment({ dir, ports, state, world, webUrl: urls.web }),
    );
    const serve = await startServe({
      config,
      secrets,
      log,
      clock,
      rulesDir: options.rulesDir,
      providerEndpoints: options.providerEndpoints,
    });
    closers.push(() => serve.close());
    world.zones.forward(config.ZONE_NAME, `127.0.0.1:${ports.zone}`);
    const poolKey = serve.relay!.poolKey;
    world.zones.set(`${poolKey.selector}._domainkey.${POOL_DOMAIN}`, "TXT", { text: poolKey.txt });

    async function settle(): Promise<void> {
      for (let pass = 0; pass < 2; pass++) {
        await serve.settle();
        await world.settle();
      }
      await serve.settle();
    }

    await welcome(world);
    const operators = await enrol({ seeds, world, serve, state, now: () => clock.now() });
    writeState(dir, { ...state, clock: clock.now() });
    await settle();

    let tell: ((progress: Progress) => void) | undefined;
    const traffic = createTraffic({
      operators,
      clock,
      submission: {
        host: "127.0.0.1",
        port: ports.submissionTls,
        secure: true,
        servername: POOL_HOSTNAME,
        ca: world.authority.cert,
      },
      mailDomains: MAIL_DOMAINS,
      settle,
      onProgress: (progress) => tell?.(progress),
    });
    closers.push(() => traffic.close());

    let rate = 0;
    let moving = Promise.resolve();
    async function move(ms: number): Promise<void> {
      clock.setRate(0);
      for (let left = ms; left > 0; left -= STEP_MS) {
        const step = Math.min(left, STEP_MS);
        traffic.skipTo(clock.now() + step);
        clock.advance(step);
        await settle();
      }
      clock.setRate(rate);
    }
    /** One after the other. */
    function advance(ms: number): Promise<void> {
      const moved = moving.then(() => move(ms));
      moving = moved.catch(() => {});
      return moved;
    }

    const pages = mailPages(world, { advance, now: () => clock.now(), webUrl: urls.web });
    const mailServer = await serveHttp(pages, { host: "127.0.0.1", port: ports.mail });
    closers.push(() => mailServer.close());

    return {
      clock,
      world,
      serve,
      config,
      operators,
      newcomers: NEWCOMERS.map(({ handle }) => handle),
      playedUntil: state.playedUntil,
      urls: {
        ...urls,
        committee: () =>
          accessLink(urls.web, serve.sessionKey!, { role: "committee", by: "sandbox" }, Date.now() + LINK_MS),
      },
      async play(instant, onProgress, signal) {
        tell = onProgress;
        await traffic.playUntil(instant, signal);
        tell = undefined;
        state.playedUntil = clock.now();
        writeState(dir, { ...state, clock: clock.now() });
      },
      async live(speed, signal) {
        rate = speed;
        clock.setRate(rate);
        await traffic.follow(signal);
        rate = 0;
        clock.setRate(rate);
      },
      advance,
      settle,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

type MailPages = { advance: (ms: number) => Promise<void>; now: () => number; webUrl: string };

/** What the world outside received, and what somebody can do to it by hand. */
function mailPages({ mailbox, dnsHost, repos }: World, { webUrl, ...clock }: MailPages): Hono {
  const home = { text: "Sandbox mailboxes", href: webUrl };
  const { complain, err } = mailbox;
  const known: readonly string[] = [...MAIL_DOMAINS.map((domain) => `mx.${domain}`), HOSTING.mx];
  const hosts = () => mailbox.hosts().filter(({ mx }) => known.includes(mx));
  const nav = [
    { text: "Mailboxes", href: "/" },
    { text: "By hand", href: BY_HAND_PATH },
    { text: "DNS host", href: DNS_PATH },
    { text: "Accounts", href: `${repos.url}/` },
  ];
  return new Hono()
    .route(DNS_PATH, dnsPages({ host: dnsHost, base: DNS_PATH, brand: home, nav }))
    .route("/", inboxPages({ inbox: mailbox.inbox, home, nav, canComplain: true }))
    .route("/", controls({ ...clock, complain, err, hosts, home, nav }));
}

/** The environment file of the cooperative, as an operator would write it. */
async function environment(parts: {
  dir: string;
  ports: SandboxPorts;
  state: SandboxState;
  world: World;
  webUrl: string;
}): Promise<Record<string, string>> {
  const { dir, ports, state, world, webUrl } = parts;
  const keypair = await Secp256k1Keypair.import(state.secrets.labeler);
  const labeler = await world.repos.createAccount({
    handle: `labeler.${POOL_DOMAIN}`,
    verificationMethods: { atproto_label: keypair.did() },
    services: { atproto_labeler: { type: "AtprotoLabeler", endpoint: webUrl } },
  });
  const service = labelerServiceRecord("2026-01-01T00:00:00.000Z");
  await world.repos.putRecord(labeler.did, LABELER_SERVICE_COLLECTION, "self", service);
  const leaf = world.authority.issue([
    POOL_HOSTNAME,
    `mx.${POOL_DOMAIN}`,
    "localhost",
    "127.0.0.1",
    POOL_MX_ADDRESS,
  ]);
  const files = {
    cert: join(dir, "tls-cert.pem"),
    key: join(dir, "tls-key.pem"),
    shaping: join(dir, "providers.toml"),
    env: join(dir, "atmos.env"),
  };
  writeFileSync(files.cert, leaf.cert);
  writeFileSync(files.key, leaf.key, { mode: 0o600 });
  writeFileSync(files.shaping, `[provider.${HOSTING.provider}]\nname = "Hosting"\nmx = ["${HOSTING.mx}"]\n`);
  const env = {
    ATMOS_DATA_DIR: join(dir, "atmos"),
    ATMOS_LOG_LEVEL: "warn",
    ATMOS_POOL_DOMAIN: POOL_DOMAIN,
    ATMOS_POOL_HOSTNAME: POOL_HOSTNAME,
    ATMOS_PUBLIC_URL: webUrl,
    ATMOS_HTTP_ADDRESS: `127.0.0.1:${ports.web}`,
    ATMOS_METRICS_ADDRESS: `127.0.0.1:${ports.metrics}`,
    ATMOS_DNS_SERVERS: `127.0.0.1:${ports.dns}`,
    ATMOS_PLC_URL: world.plcUrl,
    ATMOS_ALLOW_PRIVATE_NETWORK: "true",
    ATMOS_SUBMISSION_TLS_ADDRESS: `127.0.0.1:${ports.submissionTls}`,
    ATMOS_SUBMISSION_STARTTLS_ADDRESS: `127.0.0.1:${ports.submissionStarttls}`,
    ATMOS_INBOUND_ADDRESS: `${POOL_MX_ADDRESS}:${ports.mx}`,
    ATMOS_TLS_CERT_FILE: files.cert,
    ATMOS_TLS_KEY_FILE: files.key,
    ATMOS_DELIVERY_PORT: String(ports.mx),
    ATMOS_SHAPING_FILE: files.shaping,
    ATMOS_EGRESS_ADDRESSES: EGRESS_ADDRESSES.map(({ address, ehlo }) => `${address}=${ehlo}`).join(","),
    ATMOS_EGRESS_WARM: EGRESS_ADDRESSES.flatMap(({ address, warm }) => (warm ? [address] : [])).join(","),
    ATMOS_EGRESS_BLOCKLISTS: BLOCKLIST,
    ATMOS_RELAY_SECRET: state.secrets.relay,
    ATMOS_CORE_SECRET: state.secrets.core,
    ATMOS_COMMITTEE_DIDS: await accountOf(COMMITTEE_HANDLE, world),
    ATMOS_LABELER_DID: labeler.did,
    ATMOS_LABELER_KEY: state.secrets.labeler,
    ATMOS_CHECK_SERVERS: "false",
    ATMOS_ATTESTATION_HOSTS: world.repos.url,
    ATMOS_ZONE_ADDRESS: `127.0.0.1:${ports.zone}`,
  };
  writeFileSync(
    files.env,
    `${Object.entries(env)
      .map(([name, value]) => `${name}=${value}`)
      .join("\n")}\n`,
    { mode: 0o600 },
  );
  return env;
}
