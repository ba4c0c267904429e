import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dkimVerify } from "mailauth/lib/dkim/verify.js";
import { createTransport } from "nodemailer";
import {
  createEgress,
  egressMigration,
  type EgressOptions,
  type RunningEgress,
} from "../src/egress/index.ts";
import { eventMaker, type Envelope } from "../src/event/index.ts";
import { openHabits, type Habits } from "../src/breaker/index.ts";
import { createAuthority } from "../src/devnet/certificates.ts";
import { MovableClock } from "../src/lib/clock.ts";
import { snowflakes } from "../src/lib/ids.ts";
import { Database } from "../src/platform/database.ts";
import { createHttpsText } from "../src/platform/https-text.ts";
import { silentLog } from "../src/platform/log.ts";
import { createMetrics, type Metrics } from "../src/platform/metrics.ts";
import { createPolicyBook, hashSecret, type MemberPolicy, type PolicyBook } from "../src/policy/index.ts";
import type { DnsAnswer, DnsType, Resolver } from "../src/protocol/dns/index.ts";
import {
  ageMigration,
  createAges,
  createRelay,
  type CredentialUse,
  type Deadlines,
  type Relay,
  type SubmissionConfig,
} from "../src/relay/index.ts";
import {
  openTransport,
  transportMigration,
  type DomainRule,
  type TlsObservation,
} from "../src/transport/index.ts";
import {
  builtInShaping,
  createMeasures,
  measuresMigration,
  type Measures,
  type Shaping,
} from "../src/shaping/index.ts";
import { createSpool, type Spool } from "../src/spool/index.ts";

const keys = {
  rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
  ed25519: generateKeyPairSync("ed25519").privateKey,
  pool: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
};
const pem = (key: KeyObject) => key.export({ type: "pkcs8", format: "pem" }).toString();
const sealedKeys = new Map([
  ["sealed-rsa", pem(keys.rsa)],
  ["sealed-ed25519", pem(keys.ed25519)],
]);

function dkimRecord(key: KeyObject): string {
  const der = createPublicKey(key).export({ type: "spki", format: "der" });
  const rsa = key.asymmetricKeyType === "rsa";
  return `v=DKIM1; k=${rsa ? "rsa" : "ed25519"}; p=${(rsa ? der : der.subarray(-32)).toString("base64")}`;
}

export const dkimZone: Record<string, string> = {
  "r1._domainkey.member.test": dkimRecord(keys.rsa),
  "e1._domainkey.member.test": dkimRecord(keys.ed25519),
  "p1._domainkey.pool.test": dkimRecord(keys.pool),
};

/** `domain algorithm result` of each signature, as mailauth sees them at `at`. */
export async function signatures(raw: string, at: number): Promise<string[]> {
  const { results } = await dkimVerify(Buffer.from(raw, "latin1"), {
    resolver: async (name: string) => [[dkimZone[name]!]],
    curTime: new Date(at),
  });
  return results.map((r) => `${r.signingDomain} ${r.algo} ${r.status.result}`);
}

export const member: MemberPolicy = {
  did: "did:plc:alice",
  handle: "m7",
  version: 1,
  membership: "member",
  standing: "good",
  tier: "new",
  joinedAt: 0,
  reason: null,
  bounces: { to: "sender" },
  domains: [
    {
      name: "member.test",
      status: "active",
      returnPath: "bounce.member.test",
      addedAt: 0,
      keys: [
        { selector: "r1", algorithm: "rsa", sealed: "sealed-rsa" },
        { selector: "e1", algorithm: "ed25519", sealed: "sealed-ed25519" },
      ],
    },
  ],
  credentials: [
    {
      id: "c1",
      username: "alice",
      hash: hashSecret("alice", "secret"),
      domains: ["member.test"],
      streams: ["transactional", "bulk"],
      hourly: null,
      daily: null,
      revoked: false,
    },
  ],
};

const LOOPBACK = { host: "127.0.0.1", port: 0 };
const tls = createAuthority().issue(["127.0.0.1"]);
export const MAX_SIZE = 25 * 1024 * 1024;
export const verpKey = Buffer.alloc(32, 7);

/** Every domain has its mail host on loopback, but for `missing.*`; `slow.*` has one that never answers. */
const resolver: Resolver = {
  async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
    const ok = (record: object) =>
      ({ status: "ok", authentic: false, records: [{ ...record, ttl: 60 }] }) as unknown as DnsAnswer<T>;
    if (name.startsWith("missing.")) return { status: "nxdomain", authentic: false };
    const slow = name.startsWith("slow.");
    if (type === "MX") return ok({ preference: 10, exchange: slow ? "slow.mx.test" : "mx.shared.test" });
    if (type === "A") return ok({ address: slow ? "127.0.0.2" : "127.0.0.1" });
    return { status: "nodata", authentic: false };
  },
};

export type Testbed = {
  clock: MovableClock;
  spool: Spool;
  book: PolicyBook;
  relay: Relay;
  metrics: Metrics;
  habits: Habits;
  egress: RunningEgress;
  measures: Measures;
  ports: { tls: number; starttls: number };
  /** Called when a sealed key is opened for a signature, between the decision and the spool. */
  hooks: {
    onOpen?: () => void;
    /** Why nothing leaves now. */
    still?: string | undefined;
  };
  /** What was told of log-ins. */
  uses: CredentialUse[];
  /** Of egress, measures and their database. */
  close: () => void;
};

export const newDirectory = () => {
  const path = mkdtempSync(join(tmpdir(), "atmos-relay-"));
  return { path, remove: () => rmSync(path, { recursive: true }) };
};

/** The world that the relay sends into, where it is not the one above. */
export type Outside = {
  resolver: Resolver;
  /** PEM, trusted for mail hosts and policies. */
  ca: string;
  observed: (observation: TlsObservation) => void;
  ruleOf: (domain: string) => DomainRule | undefined;
};

/** Of the spool, and of submission. */
export type RelayOptions = {
  maxPages?: number;
  reserve?: number;
  outside?: Outside;
  outgoing?: Partial<EgressOptions>;
  deadlines?: Partial<Deadlines>;
  shaping?: Shaping;
} & Omit<Partial<SubmissionConfig>, "tls" | "tlsAddresses" | "starttlsAddresses">;

/** A whole relay node in `dir`, with one member, that delivers to `port` of loopback. */
export async function startRelay(
  dir: string,
  port: number,
  clock: MovableClock,
  {
    maxPages,
    reserve,
    outside,
    outgoing,
    deadlines,
    shaping = builtInShaping(),
    ...submission
  }: RelayOptions = {},
): Promise<Testbed> {
  const spool = await createSpool({
    path: join(dir, "spool.sqlite"),
    now: clock.now(),
    ...(maxPages !== undefined && { maxPages }),
    ...(reserve !== undefined && { reserve }),
  });
  const book = await createPolicyBook(spool.policies);
  await book.apply(member);
  const { habits } = openHabits(join(dir, "habits.sqlite"));
  const hooks: Testbed["hooks"] = {};
  const uses: CredentialUse[] = [];
  const metrics = createMetrics();
  const db = new Database(join(dir, "delivery.sqlite"), [
    egressMigration,
    transportMigration,
    measuresMigration,
    ageMigration,
  ]);
  const lookUp = outside?.resolver ?? resolver;
  const trusted = outside && { ca: outside.ca };
  const fetch = createHttpsText({
    resolver: lookUp,
    allowPrivate: true,
    maxBytes: 65_536,
    timeoutMs: 5_000,
    ...trusted,
  });
  const transport = openTransport({
    db,
    resolver: lookUp,
    fetch,
    clock,
    log: silentLog,
    ...(outside && { ruleOf: outside.ruleOf }),
  });
  const egress = createEgress({
    db,
    addresses: [{ address: "", ehlo: "relay.pool.test" }],
    warm: "all",
    blocklists: [],
    lastListed: "keep",
    allowPrivate: true,
    resolver: lookUp,
    clock,
    log: silentLog,
    metrics,
    localFault: async () => undefined,
    ...outgoing,
  });
  const measures = createMeasures({ db, log: silentLog });
  const relay = createRelay({
    identity: {
      hostname: "relay.pool.test",
      poolDomain: "pool.test",
      poolReturnPath: "bounce.pool.test",
      poolKeys: [{ domain: "pool.test", selector: "p1", algorithm: "rsa", key: keys.pool }],
      region: "eu",
      sender: "atmos",
      verpKey,
      recipientKey: Buffer.alloc(32, 8),
    },
    submission: {
      tlsAddresses: [LOOPBACK],
      starttlsAddresses: [LOOPBACK],
      tls,
      maxSize: MAX_SIZE,
      ...submission,
    },
    delivery: {
      port,
      allowPrivate: true,
      egress,
      measures,
      ages: createAges({ db, clock, log: silentLog, metrics }),
      standsStill: () => hooks.still,
      deadlines: { greeting: 2_000, dataEnd: 3_000, ...deadlines },
      ...trusted,
    },
    ...(outside && { observed: outside.observed }),
    spool,
    policyBook: book,
    habits,
    transport,
    shaping,
    resolver: lookUp,
    clock,
    log: silentLog,
    metrics,
    event: eventMaker(
      () => clock.now(),
      snowflakes(() => clock.now()),
    ),
    open: async (sealed) => {
      hooks.onOpen?.();
      return sealedKeys.get(sealed) ?? Promise.reject(new Error("cannot be opened"));
    },
    suppressed: (_did, address) =>
      address === "gone@a.test" ? "This recipient complained; release it in the portal" : undefined,
    used: (use) => void uses.push(use),
    random: () => 0.5,
  });
  const { tls: implicit, starttls } = await relay.start();
  const ports = { tls: implicit[0]!.port, starttls: starttls[0]!.port };
  const close = () => {
    egress.close();
    measures.close();
    db.close();
  };
  return { clock, spool, book, relay, metrics, habits, egress, measures, hooks, uses, ports, close };
}

export async function stopRelay({ relay, spool, habits, close }: Testbed): Promise<void> {
  await relay.close(200);
  habits.close();
  await spool.close();
  close();
}

export function client({ ports }: Testbed, login: { user?: string; pass?: string; implicit?: boolean } = {}) {
  const { user = "alice", pass = "secret", implicit = true } = login;
  return createTransport({
    host: "127.0.0.1",
    port: implicit ? ports.tls : ports.starttls,
    secure: implicit,
    requireTLS: !implicit,
    tls: { rejectUnauthorized: false },
    auth: { user, pass },
  });
}

/** The reply that refused it, or `accepted`. */
export async function refusal(sent: Promise<unknown>): Promise<string> {
  return sent.then(
    () => "accepted",
    (error: { response?: string; rejectedErrors?: { response: string }[] }) =>
      error.rejectedErrors?.[0]?.response ?? error.response ?? String(error),
  );
}

export async function told({ spool }: Testbed): Promise<Envelope[]> {
  return (await spool.outbox.read(1000)).map((row) => JSON.parse(row.envelope) as Envelope);
}

export async function toldActions(testbed: Testbed): Promise<string[]> {
  return (await told(testbed)).map((event) => event.data.action_name);
}

/** A person says yes to what the credential has sent (the policy's next version), and an hour goes by. */
export async function sayYes({ book, clock }: Testbed, version = 2): Promise<MemberPolicy> {
  const credentials = member.credentials.map((c) => ({ ...c, resumedUpTo: clock.now() }));
  const policy = { ...member, version, credentials };
  await book.apply(policy);
  clock.advance(3_600_000);
  return policy;
}
