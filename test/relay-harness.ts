import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { connect as connectPlain, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { dkimVerify } from "mailauth/lib/dkim/verify.js";
import { createTransport } from "nodemailer";
import { SMTPServer } from "smtp-server";
import { eventMaker, type Envelope } from "../src/event/index.ts";
import { openHabits, type Habits } from "../src/breaker/index.ts";
import { createAuthority } from "../src/devnet/certificates.ts";
import { MovableClock } from "../src/lib/clock.ts";
import { snowflakes } from "../src/lib/ids.ts";
import { silentLog } from "../src/platform/log.ts";
import { createMetrics, type Metrics } from "../src/platform/metrics.ts";
import { createPolicyBook, hashSecret, type MemberPolicy, type PolicyBook } from "../src/policy/index.ts";
import type { DnsAnswer, DnsType, Resolver } from "../src/protocol/dns/index.ts";
import { createRelay, type CredentialUse, type Relay } from "../src/relay/index.ts";
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

const dkimZone: Record<string, string> = {
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

type Reply = [code: number, text: string];
type Received = {
  from: string;
  to: string;
  raw: string;
  secure: boolean;
  connection: string;
  /** Parameters of MAIL and RCPT. */
  mail: object | false;
  rcpt: object | false;
};
const fail = ([responseCode, text]: Reply) => Object.assign(new Error(text), { responseCode });

type SinkOptions = { tls?: boolean; stuck?: boolean; hide?: ("8BITMIME" | "SMTPUTF8" | "DSN")[] };

/** A receiving server with scripted answers, on loopback. `stuck`: it stops reading in the middle of a message. */
export async function createSink(options: SinkOptions = {}) {
  const received: Received[] = [];
  const replies: { rcpt?: Record<string, Reply>; data?: Reply } = {};
  const inData = Promise.withResolvers<void>();
  const cutOff = Promise.withResolvers<boolean>();
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: options.tls === false ? ["AUTH", "STARTTLS"] : ["AUTH"],
    disableReverseLookup: true,
    hide8BITMIME: options.hide?.includes("8BITMIME") ?? false,
    hideSMTPUTF8: options.hide?.includes("SMTPUTF8") ?? false,
    hideDSN: options.hide?.includes("DSN") ?? false,
    logger: false,
    closeTimeout: 1,
    onRcptTo({ address }, _session, done) {
      const reply = replies.rcpt?.[address];
      done(reply ? fail(reply) : null);
    },
    onData(stream, session, done) {
      inData.resolve();
      if (options.stuck) {
        stream.on("close", () => cutOff.resolve(!stream.writableEnded));
        return;
      }
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        if (replies.data) return done(fail(replies.data));
        received.push({
          from: session.envelope.mailFrom ? session.envelope.mailFrom.address : "",
          to: session.envelope.rcptTo[0]!.address,
          raw: Buffer.concat(chunks).toString("latin1"),
          secure: session.secure,
          connection: session.id,
          mail: session.envelope.mailFrom && session.envelope.mailFrom.args,
          rcpt: session.envelope.rcptTo[0]!.args,
        });
        done(null, "kept");
      });
    },
  });
  server.on("error", () => undefined);
  const port = await new Promise<number>((resolve) => {
    const listening = server.listen(0, "127.0.0.1", () => resolve((listening.address() as AddressInfo).port));
  });
  return {
    port,
    received,
    replies,
    /** A message has begun to come in. */
    inData: inData.promise,
    /** The connection ended in the middle of a message: true when there was no final dot. */
    cutOff: cutOff.promise,
    close: () => new Promise<void>((resolve) => server.close(resolve)),
  };
}

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
  ports: { tls: number; starttls: number };
  /** Called when a sealed key is opened for a signature, between the decision and the spool. */
  hooks: { onOpen?: () => void };
  /** What was told of log-ins. */
  uses: CredentialUse[];
};

export const newDirectory = () => {
  const path = mkdtempSync(join(tmpdir(), "atmos-relay-"));
  return { path, remove: () => rmSync(path, { recursive: true }) };
};

/** A whole relay node in `dir`, with one member, that delivers to `port` of loopback. */
export async function startRelay(
  dir: string,
  port: number,
  clock: MovableClock,
  options: {
    maxPages?: number;
    reserve?: number;
    dataMs?: number;
    loginMs?: number;
    maxPerAddress?: number;
  } = {},
): Promise<Testbed> {
  const { dataMs = 600_000, loginMs = 30_000, maxPerAddress = 50, ...spoolOptions } = options;
  const spool = await createSpool({ path: join(dir, "spool.sqlite"), ...spoolOptions });
  const book = await createPolicyBook(spool.policies);
  await book.apply(member);
  const { habits } = openHabits(join(dir, "habits.sqlite"));
  const hooks: Testbed["hooks"] = {};
  const uses: CredentialUse[] = [];
  const metrics = createMetrics();
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
      maxPerAddress,
      dataMs,
      loginMs,
    },
    delivery: { port, allowPrivate: true, deadlines: { connect: 2_000, dataEnd: 3_000 } },
    spool,
    policyBook: book,
    habits,
    resolver,
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
  return { clock, spool, book, relay, metrics, habits, hooks, uses, ports };
}

export async function stopRelay({ relay, spool, habits }: Testbed): Promise<void> {
  await relay.close(200);
  habits.close();
  await spool.close();
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

export const auth = (user: string, pass: string) =>
  `AUTH PLAIN ${Buffer.from(`\0${user}\0${pass}`).toString("base64")}\r\n`;

/** Speaks line by line; `say` resolves with the whole reply to what was said. */
async function talk(socket: Socket) {
  socket.setEncoding("latin1");
  socket.on("error", () => undefined);
  let buffer = "";
  const waiting: ((reply: string) => void)[] = [];
  const replies: string[] = [];
  socket.on("data", (chunk: string) => {
    buffer += chunk;
    for (let match; (match = /^(?:\d{3}-.*\r\n)*\d{3}(?: .*)?\r\n/.exec(buffer));) {
      buffer = buffer.slice(match[0].length);
      const give = waiting.shift();
      if (give) give(match[0].trimEnd());
      else replies.push(match[0].trimEnd());
    }
  });
  socket.on("close", () => waiting.splice(0).forEach((give) => give("closed")));
  const reply = () =>
    new Promise<string>((resolve) => {
      const ready = replies.shift();
      if (ready) resolve(ready);
      else if (socket.destroyed) resolve("closed");
      else waiting.push(resolve);
    });
  const say = (text: string | Buffer): Promise<string> => {
    socket.write(typeof text === "string" ? Buffer.from(text, "latin1") : text);
    return reply();
  };
  await reply();
  return { say, reply, socket };
}

/** Clients that speak SMTP by hand. */
export function createPeers() {
  const sockets: Socket[] = [];
  const kept = <S extends Socket>(socket: S): S => {
    sockets.push(socket);
    return socket;
  };
  const plain = ({ ports }: Pick<Testbed, "ports">) => talk(kept(connectPlain(ports.starttls, "127.0.0.1")));
  const overTls = ({ ports }: Pick<Testbed, "ports">, options = {}) =>
    talk(kept(connectTls({ host: "127.0.0.1", port: ports.tls, rejectUnauthorized: false, ...options })));
  return {
    plain,
    overTls,
    async loggedIn(bed: Testbed) {
      const peer = await overTls(bed);
      await peer.say("EHLO x\r\n");
      const reply = await peer.say(auth("alice", "secret"));
      if (!reply.startsWith("235")) throw new Error(reply);
      return peer;
    },
    close: () => sockets.splice(0).forEach((socket) => socket.destroy()),
  };
}
