import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { dkimVerify } from "mailauth/lib/dkim/verify.js";
import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createAuthority } from "../src/devnet/certificates.ts";
import { createZones, startDevnetDns } from "../src/devnet/dns.ts";
import { eventMaker } from "../src/event/index.ts";
import { DAY_MS, MovableClock } from "../src/lib/clock.ts";
import { snowflakes } from "../src/lib/ids.ts";
import { busMigration, createEmbeddedBus } from "../src/platform/bus/index.ts";
import { Database } from "../src/platform/database.ts";
import { createResolver } from "../src/platform/dns/index.ts";
import { silentLog } from "../src/platform/log.ts";
import { createMetrics } from "../src/platform/metrics.ts";
import { createScheduler } from "../src/platform/scheduler.ts";
import { openingKeyFrom } from "../src/platform/seal.ts";
import type { TlsReport } from "../src/protocol/tls-rpt/index.ts";
import { startRelay, type RunningRelay } from "../src/roles/relay.ts";
import { builtInShaping } from "../src/shaping/index.ts";
import { relayConfig } from "./relay-config.ts";

const authority = createAuthority();
const leaf = authority.issue(["127.0.0.1", "mx.ours.test"]);
const HOUR = 3_600_000;
const IN_TLS = "127.0.0.1";
const IN_CLEAR = "127.0.0.3";

type Received = { to: string; from: string; secure: boolean; raw: Buffer };

/** Two receiving servers on one port: one that offers STARTTLS, and one that does not. */
async function startHosts() {
  const received: Received[] = [];
  const serverAt = async (host: string, port: number): Promise<SMTPServer> => {
    const server = new SMTPServer({
      ...leaf,
      authOptional: true,
      disabledCommands: host === IN_CLEAR ? ["AUTH", "STARTTLS"] : ["AUTH"],
      disableReverseLookup: true,
      logger: false,
      closeTimeout: 1,
      onData(stream, session, done) {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          const { mailFrom, rcptTo } = session.envelope;
          received.push({
            to: rcptTo[0]!.address,
            from: mailFrom ? mailFrom.address : "",
            secure: session.secure,
            raw: Buffer.concat(chunks),
          });
          done(null, "kept");
        });
      },
    });
    server.on("error", () => undefined);
    await new Promise<void>((resolve) => void server.listen(port, host, resolve));
    return server;
  };
  const first = await serverAt(IN_TLS, 0);
  const { port } = first.server.address() as AddressInfo;
  const second = await serverAt(IN_CLEAR, port);
  const close = (server: SMTPServer) => new Promise<void>((resolve) => server.close(resolve));
  return {
    port,
    received,
    close: async () => void (await Promise.all([close(first), close(second)])),
  };
}

/** Takes reports over HTTPS; its certificate is nobody's that the relay knows. */
async function startReceiver() {
  const posts: { path: string; type: string; report: TlsReport }[] = [];
  const answers = new Map<string, number[]>();
  const server = createHttps(leaf, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const report = JSON.parse(gunzipSync(Buffer.concat(chunks)).toString()) as TlsReport;
      posts.push({ path: request.url ?? "", type: request.headers["content-type"] ?? "", report });
      response.writeHead(answers.get(request.url ?? "")?.shift() ?? 201).end();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    posts,
    /** To the next posts there; then 201. */
    answers,
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}

const closers: (() => Promise<unknown> | void)[] = [];
let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), "atmos-tls-report-"))));
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
  rmSync(dir, { recursive: true });
});

async function startWorld() {
  const zones = createZones();
  const dns = await startDevnetDns({ zones, host: "127.0.0.1", port: 0 });
  const hosts = await startHosts();
  const receiver = await startReceiver();
  closers.push(
    () => dns.close(),
    () => hosts.close(),
    () => receiver.close(),
  );
  function domain(name: string, address: string, rua?: string): void {
    zones.addZone(name);
    zones.set(name, "MX", { preference: 10, exchange: `mx.${name}` });
    zones.set(`mx.${name}`, "A", { address });
    if (rua !== undefined) zones.set(`_smtp._tls.${name}`, "TXT", { text: `v=TLSRPTv1; rua=${rua}` });
  }
  return { zones, dns, hosts, receiver, domain };
}

/** The relay's role as `atmos serve` runs it, with a clock that stands where it is put. */
async function startRole(
  world: Awaited<ReturnType<typeof startWorld>>,
  clock: MovableClock,
  change: Record<string, string> = {},
) {
  const config = relayConfig(dir, {
    ATMOS_ALLOW_PRIVATE_NETWORK: "true",
    ATMOS_DELIVERY_PORT: String(world.hosts.port),
    ATMOS_TLS_REPORT_CONTACT: "tls@coop.test",
    ...change,
  });
  const db = new Database(":memory:", [busMigration]);
  const bus = createEmbeddedBus(db, silentLog);
  const scheduler = createScheduler(clock, silentLog);
  const now = () => clock.now();
  const relay = await startRelay({
    config,
    bus,
    scheduler,
    clock,
    log: silentLog,
    metrics: createMetrics(),
    resolver: createResolver({ servers: [`127.0.0.1:${world.dns.port}`] }),
    newEvent: eventMaker(now, snowflakes(now)),
    openingKey: await openingKeyFrom(new Uint8Array(32)),
    keys: { verp: new Uint8Array(32), recipient: new Uint8Array(32), unsubscribe: new Uint8Array(32) },
    tls: leaf,
    shaping: builtInShaping(),
  });
  let open = true;
  const close = async () => {
    if (!open) return;
    open = false;
    await scheduler.close();
    await relay.close();
    await bus.close();
    db.close();
  };
  closers.push(close);
  return { relay, close };
}

let ids = 0;
/** One message in the spool, signed as far as delivery looks; it is tried before this resolves. */
async function send(relay: RunningRelay, clock: MovableClock, to: string): Promise<void> {
  const id = `m${String(ids++).padStart(15, "a")}`;
  const head = Buffer.from("DKIM-Signature: v=1\r\nFrom: postmaster@coop.test\r\nSubject: x\r\n\r\n");
  const body = Buffer.from("x\r\n");
  await relay.spool.accept({
    message: {
      id,
      did: "did:web:coop.test",
      credential: null,
      kind: "notice",
      sender: "",
      fromDomain: "coop.test",
      stream: "notice",
      priority: 1,
      template: null,
      receivedAt: clock.now(),
      size: head.length + body.length,
      eightBit: false,
      smtpUtf8: false,
      ret: null,
      envid: null,
      ask: "usual",
      head: new Uint8Array(head),
      body: { bytes: new Uint8Array(body) },
    },
    recipients: [
      {
        id: `r${id.slice(1)}`,
        address: to,
        domain: to.slice(to.indexOf("@") + 1),
        state: "queued",
        nextAt: clock.now(),
        firstTime: false,
        notify: "NEVER",
        orcpt: null,
      },
    ],
    events: [],
  });
  await relay.settle();
}

const reportsTo = (received: readonly Received[], to: string) => received.filter((one) => one.to === to);

async function reportIn({ raw }: Received): Promise<TlsReport> {
  const { attachments } = await PostalMime.parse(raw);
  return JSON.parse(
    gunzipSync(new Uint8Array(attachments[0]!.content as ArrayBuffer)).toString(),
  ) as TlsReport;
}

test("a day of TLS is reported: over HTTPS, by mail, by mail in clear and past DANE; to nobody who did not ask", async () => {
  const world = await startWorld();
  const { zones, hosts, receiver, domain } = world;
  domain("posted.test", IN_CLEAR, `${receiver.url}/tlsrpt`);
  domain("both.test", IN_TLS, `mailto:tls@both.test,${receiver.url}/both`);
  domain("mailed.test", IN_TLS, "mailto:tls@mailed.test");
  domain("clear.test", IN_CLEAR, "mailto:tls@clear.test");
  domain("dane.test", IN_TLS, "mailto:tls@dane.test");
  zones.sign("dane.test");
  zones.set("_25._tcp.mx.dane.test", "TLSA", {
    usage: 3,
    selector: 1,
    matchingType: 1,
    certificate: new Uint8Array(32),
  });
  domain("policy.test", IN_TLS, "mailto:tls@policy.test");
  // Nobody answers there.
  zones.set("_mta-sts.policy.test", "TXT", { text: "v=STSv1; id=1" });
  zones.set("mta-sts.policy.test", "A", { address: "127.0.0.4" });
  domain("silent.test", IN_TLS);
  const clock = new MovableClock(Date.UTC(2026, 10, 20, 21));
  receiver.answers.set("/tlsrpt", [503]);

  let { relay, close } = await startRole(world, clock);
  for (const name of ["posted", "both", "mailed", "clear", "dane", "policy", "silent"])
    await send(relay, clock, `ada@${name}.test`);
  expect(hosts.received.map(({ to, secure }) => `${to} ${secure}`).toSorted()).toEqual([
    "ada@both.test true",
    "ada@mailed.test true",
    "ada@policy.test true",
    "ada@silent.test true",
  ]);
  // The node is down over midnight.
  await close();
  clock.advanceTo(Date.UTC(2026, 10, 21) + 2 * 60_000);
  ({ relay, close } = await startRole(world, clock));
  expect(receiver.posts).toEqual([]);
  clock.advanceTo(Date.UTC(2026, 10, 21, 4) + 1);
  await expect.poll(() => receiver.posts.length).toBe(2);
  await expect
    .poll(async () => {
      await relay.settle();
      return hosts.received.filter(({ to }) => to.startsWith("tls@")).length;
    })
    .toBe(4);
  // Answered 503, it is tried again.
  clock.advance(13 * 60_000);
  await expect.poll(() => receiver.posts.length).toBe(3);

  expect(receiver.posts.filter(({ path }) => path === "/both")).toHaveLength(1);
  const [first, second] = receiver.posts.filter(({ path }) => path === "/tlsrpt");
  expect(second?.report).toEqual(first?.report);
  expect(first).toMatchObject({ path: "/tlsrpt", type: "application/tlsrpt+gzip" });
  expect(first?.report).toMatchObject({
    "organization-name": "coop.test",
    "contact-info": "tls@coop.test",
    "date-range": { "start-datetime": "2026-11-20T00:00:00Z", "end-datetime": "2026-11-20T23:59:59Z" },
    policies: [
      {
        policy: { "policy-type": "no-policy-found", "policy-domain": "posted.test" },
        summary: { "total-successful-session-count": 0, "total-failure-session-count": 1 },
        "failure-details": [
          {
            "result-type": "starttls-not-supported",
            "receiving-mx-hostname": "mx.posted.test",
            "receiving-ip": IN_CLEAR,
            "failed-session-count": 1,
          },
        ],
      },
    ],
  });

  const [mailed] = reportsTo(hosts.received, "tls@mailed.test") as [Received];
  expect([mailed.from, mailed.secure]).toEqual(["", true]);
  const head = mailed.raw
    .toString("latin1")
    .split("\r\n\r\n", 1)[0]!
    .replace(/\r\n\s+/g, " ");
  expect(head).toMatch(/^TLS-Report-Domain: mailed\.test$/m);
  expect(head).toMatch(/^TLS-Report-Submitter: coop\.test$/m);
  expect(head).toMatch(
    /^Subject: Report Domain: mailed\.test Submitter: coop\.test Report-ID: <20261120\.\S+>$/m,
  );
  const { results } = await dkimVerify(mailed.raw, {
    resolver: async () => [[relay.poolKey.txt]],
    curTime: new Date(clock.now()),
  });
  expect(results.map((one) => `${one.signingDomain} ${one.status.result}`)).toEqual(["coop.test pass"]);
  expect(results[0]?.signingHeaders?.keys).toMatch(/tls-report-domain.*tls-report-submitter/i);
  expect((await reportIn(mailed)).policies).toMatchObject([
    { summary: { "total-successful-session-count": 1, "total-failure-session-count": 0 } },
  ]);

  const [inClear] = reportsTo(hosts.received, "tls@clear.test") as [Received];
  expect(inClear.secure).toBe(false);
  const [pastDane] = reportsTo(hosts.received, "tls@dane.test") as [Received];
  expect(pastDane.secure).toBe(true);
  expect((await reportIn(pastDane)).policies).toMatchObject([
    {
      policy: { "policy-type": "tlsa", "policy-domain": "mx.dane.test" },
      "failure-details": [{ "result-type": "validation-failure", "failed-session-count": 1 }],
    },
  ]);

  const [aboutPolicy] = reportsTo(hosts.received, "tls@policy.test") as [Received];
  expect((await reportIn(aboutPolicy)).policies).toMatchObject([
    {
      policy: { "policy-type": "sts", "policy-domain": "policy.test" },
      summary: { "total-successful-session-count": 1, "total-failure-session-count": 1 },
      "failure-details": [{ "result-type": "sts-policy-fetch-error", "failed-session-count": 1 }],
    },
  ]);

  // What was counted of who did not ask is gone; the sessions of reports are told to nobody.
  expect(relay.reports!.domain("silent.test")).toEqual([]);
  for (const name of ["mailed.test", "policy.test"])
    expect(relay.reports!.domain(name).map(({ day }) => day)).toEqual(["2026-11-20"]);
  clock.advance(20 * 60_000);
  await expect
    .poll(() =>
      relay
        .reports!.overview()
        .reports.filter(({ day }) => day === "2026-11-20")
        .map(({ domain: name, state }) => `${name} ${state}`),
    )
    .toEqual([
      "both.test sent",
      "clear.test sent",
      "dane.test sent",
      "mailed.test sent",
      "policy.test sent",
      "posted.test sent",
    ]);
  // Nothing is sent twice, whatever is started again.
  const before = hosts.received.filter(({ to }) => to.startsWith("tls@mailed")).length;
  await close();
  ({ relay, close } = await startRole(world, clock));
  clock.advance(HOUR);
  await relay.settle();
  expect(hosts.received.filter(({ to }) => to.startsWith("tls@mailed")).length).toBe(before);
});

test("a report that nobody takes is given up after a day, and comes back to nobody", async () => {
  const world = await startWorld();
  world.domain("gone.test", IN_TLS, "mailto:tls@nowhere.test");
  world.zones.set("nowhere.test", "MX", { preference: 0, exchange: "" });
  const clock = new MovableClock(Date.UTC(2026, 10, 20, 21));
  const { relay } = await startRole(world, clock);
  await send(relay, clock, "ada@gone.test");
  clock.advance(8 * HOUR);
  await expect.poll(async () => (await relay.spool.counts())["bounced"]).toBe(1);
  clock.advance(HOUR);
  await expect
    .poll(() => {
      clock.advance(61_000);
      return relay.reports!.overview().failed;
    })
    .toBe(1);
  const [row] = relay.reports!.overview().reports;
  expect(row).toMatchObject({ domain: "gone.test", state: "given-up", refused: ["tls@nowhere.test"] });
  expect(await relay.spool.counts()).toEqual({ bounced: 1, delivered: 1 });
});

test("switched off, nothing is counted, and what was is forgotten", async () => {
  const world = await startWorld();
  world.domain("mailed.test", IN_TLS, "mailto:tls@mailed.test");
  const clock = new MovableClock(Date.UTC(2026, 10, 20, 21));
  const on = await startRole(world, clock);
  await send(on.relay, clock, "ada@mailed.test");
  expect(on.relay.reports!.overview().days).toHaveLength(1);
  await on.close();
  const off = await startRole(world, clock, { ATMOS_TLS_REPORT: "false" });
  await send(off.relay, clock, "ada@mailed.test");
  expect(off.relay.reports).toBeUndefined();
  await off.close();
  const again = await startRole(world, clock);
  clock.advance(DAY_MS);
  expect(again.relay.reports!.overview().days).toEqual([]);
});
