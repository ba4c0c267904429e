import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { silentLog } from "../../platform/log.ts";
import { builtInShaping } from "../../shaping/index.ts";
import type { DeliveryConfig, RelayContext } from "../context.ts";
import { createLanes } from "./lanes.ts";
import type { JobEnd } from "./job.ts";
import type { MailHost } from "./route.ts";
import { waysOf } from "./ways.ts";

/** A host that takes every connection and says nothing. */
let silent: Server;
const sockets = new Set<Socket>();
beforeEach(async () => {
  silent = createServer((socket) => void sockets.add(socket)).listen(0, "127.0.0.1");
  await once(silent, "listening");
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  silent.close();
});

const measures = {
  slow: () => undefined,
  pause: () => undefined,
  suspend: () => undefined,
  isSlow: () => false,
  pausesAt: () => [],
  suspensionOf: () => undefined,
  inForce: () => [],
  lift: () => [],
  lifted: () => [],
  flush: () => undefined,
  close: () => undefined,
};

const lanesOf = (
  config: Partial<DeliveryConfig>,
  shaping = builtInShaping(),
  observed: () => void = () => undefined,
) =>
  createLanes(
    {
      spool: {},
      clock: systemClock,
      identity: { hostname: "r.test" },
      log: silentLog,
      observed,
      metrics: { transports: { inc: () => undefined } },
      shaping,
      random: () => 0.5,
    } as unknown as RelayContext,
    { port: (silent.address() as AddressInfo).port, ...config } as DeliveryConfig,
    measures,
  );

function jobFor(did: string, host: string, addresses = 1) {
  const end = Promise.withResolvers<JobEnd>();
  const hosts: MailHost[] = [
    {
      name: host,
      addresses: Array<string>(addresses).fill("127.0.0.1"),
      mxSecure: false,
      dane: { status: "none", why: "" },
    },
  ];
  const job = {
    leased: {
      id: "r",
      address: "x@y.test",
      domain: "y.test",
      attempts: 0,
      firstTime: false,
      notify: null,
      orcpt: null,
      egress: null,
      message: messageOf(did),
    },
    route: { ok: true as const, provider: "other", hosts },
    ways: waysOf(hosts, { domain: "y.test", sts: { policy: undefined, fault: undefined }, rule: undefined }),
    egress: { address: "", ehlo: "r.test" },
    from: "a@b.test",
    content: async () => undefined,
    mayGo: () => true,
    done: end.resolve,
  };
  return { job, end: end.promise };
}

/** Goes in clear, and has a content. */
function codeFor(did: string, host: string) {
  const { job, end } = jobFor(did, host);
  for (const way of job.ways.open) way.tls.need.encrypted = false;
  const head = Buffer.from("DKIM-Signature: v=1\r\n\r\n");
  const content = async () => ({ head, body: async function* () {} });
  job.leased.message.priority = 0;
  return { job: { ...job, content } as unknown as typeof job, end };
}

/** The host takes everything from now on; tells how many connections it has greeted. */
function everyoneTalks(): () => number {
  let connections = 0;
  const talk = (socket: Socket) => {
    connections++;
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      for (const line of chunk.toString().split("\r\n").slice(0, -1))
        if (line === "DATA") socket.write("354 go\r\n");
        else if (line === "QUIT") socket.end("221 bye\r\n");
        else if (/^(EHLO|MAIL|RCPT|\.$)/.test(line)) socket.write("250 ok\r\n");
    });
    socket.write("220 mx.test\r\n");
  };
  silent.on("connection", talk);
  for (const socket of sockets) talk(socket);
  return () => connections;
}

const messageOf = (did: string) => ({
  id: "m",
  did,
  credential: null,
  kind: "mail" as const,
  sender: "a@b.test",
  fromDomain: "b.test",
  stream: "transactional",
  priority: 1,
  template: null,
  receivedAt: 0,
  size: 1,
  eightBit: false,
  smtpUtf8: false,
  ret: null,
  envid: null,
  ask: "usual" as const,
});

test("a hundred hosts that never answer take two thirds of the places, and who comes next has two thirds of the rest", async () => {
  const lanes = lanesOf({ maxConnections: 20, deadlines: { greeting: 60_000 } });
  for (let i = 0; i < 100; i++) lanes.add(jobFor("did:plc:a", `mx${i}.silent.test`).job);
  lanes.add(jobFor("did:plc:b", "mx.good.test").job);
  await expect.poll(() => sockets.size).toBe(15);
  for (let i = 0; i < 30; i++) lanes.add(jobFor("did:plc:b", `mx${i}.other.test`).job);
  await expect.poll(() => sockets.size).toBe(18);
  lanes.close();
});

test("a place that becomes free goes to the next job of the same member", async () => {
  const lanes = lanesOf({ maxConnections: 5, deadlines: { greeting: 50 } });
  const jobs = Array.from({ length: 3 }, (_, i) => jobFor("did:plc:a", `mx${i}.silent.test`));
  for (const { job } of jobs) lanes.add(job);
  const results = await Promise.all(jobs.map(({ end }) => end));
  expect(results.map((r) => r.kind === "tried" && r.result.judged.permanent)).toEqual([false, false, false]);
  expect(sockets.size).toBe(3);
});

test("all addresses of a domain together have one deadline", async () => {
  const lanes = lanesOf({ deadlines: { greeting: 100, allHosts: 250 } });
  const { job, end } = jobFor("did:plc:a", "mx.silent.test", 6);
  lanes.add(job);
  const ended = await end;
  if (ended.kind !== "tried") throw new Error(ended.kind);
  const { durationMs, judged } = ended.result;
  expect(judged.permanent).toBe(false);
  expect(durationMs).toBeLessThan(450);
  expect(sockets.size).toBeLessThan(5);
});

test("what is taken out leaves nothing behind", async () => {
  const lanes = lanesOf({ maxConnections: 3 });
  const jobs = Array.from({ length: 50 }, (_, i) => jobFor("did:plc:a", `mx${i}.silent.test`));
  for (const { job } of jobs) lanes.add(job);
  await expect.poll(() => sockets.size).toBe(2);
  expect(lanes.counts()).toEqual({ lanes: 50, destinations: 50 });
  lanes.recall(() => true, 0, "paused");
  expect(lanes.counts()).toEqual({ lanes: 2, destinations: 2 });
  const ends = await Promise.all(jobs.slice(2).map(({ end }) => end));
  expect(ends.every(({ kind }) => kind === "waits")).toBe(true);
  lanes.close();
});

test("mail that was taken for a connection that is being opened does not begin when it is recalled meanwhile", async () => {
  const lanes = lanesOf({ deadlines: { greeting: 5_000 } });
  const { job, end } = jobFor("did:plc:a", "mx.silent.test");
  // In clear: what is asked for here is not TLS.
  for (const way of job.ways.open) way.tls.need.encrypted = false;
  lanes.add(job);
  await expect.poll(() => sockets.size).toBe(1);
  lanes.recall(() => true, 0, "paused");
  const [socket] = sockets;
  let heard = "";
  socket!.on("data", (chunk) => {
    heard += chunk.toString();
    socket!.write(heard.endsWith("QUIT\r\n") ? "221 bye\r\n" : "250 mx.silent.test\r\n");
  });
  socket!.write("220 mx.silent.test\r\n");
  expect(await end).toEqual({ kind: "stopped", asked: false });
  expect(heard).not.toContain("MAIL");
  lanes.close();
});

test("mail that no open connection suits is tried when its own host is not there, however busy the others are", async () => {
  const { job: first, end: firstEnd } = jobFor("did:plc:a", "mx.silent.test");
  for (const way of first.ways.open) way.tls.need.encrypted = false;
  const lanes = lanesOf({ deadlines: { greeting: 5_000, ehlo: 5_000 } });
  lanes.add(first);
  await expect.poll(() => sockets.size).toBe(1);
  const [socket] = sockets;
  socket!.on("data", () => void socket!.write("250 mx.silent.test\r\n"));
  // Its content never comes, so the connection is open and busy.
  first.content = () => new Promise<undefined>(() => undefined);
  socket!.write("220 mx.silent.test\r\n");
  await expect.poll(() => socket!.bytesRead).toBeGreaterThan(0);
  const { job: second, end: secondEnd } = jobFor("did:plc:b", "mx.silent.test");
  second.ways.open = second.ways.open.map((way) => ({
    ...way,
    host: { ...way.host, name: "mx2.silent.test", addresses: ["127.255.255.254"] },
  }));
  lanes.add(second);
  expect(await secondEnd).toMatchObject({ kind: "tried", unreached: true });
  lanes.close();
  socket!.destroy();
  void firstEnd;
});

test("a domain's next message goes over its open connection, whatever its member has and whoever waits", async () => {
  const lanes = lanesOf({ maxConnections: 12 });
  const of = (did: string, hosts: number) =>
    Array.from({ length: hosts }, (_, i) => codeFor(did, `mx${i}.${did.at(-1)!}.test`));
  const jobs = [...of("did:plc:a", 11), ...of("did:plc:b", 6), ...of("did:plc:a", 11)];
  for (const { job } of jobs) lanes.add(job);
  await expect.poll(() => sockets.size).toBe(12);
  const connections = everyoneTalks();
  const ends = await Promise.all(jobs.map(({ end }) => end));
  expect(ends.map((end) => end.kind === "tried" && end.result.reply.code)).toEqual(jobs.map(() => 250));
  expect(connections()).toBe(17);
  await expect.poll(() => lanes.counts(), { timeout: 5_000 }).toEqual({ lanes: 0, destinations: 0 });
  lanes.close();
});

test("a connection that waits longer for its rate gives its place to who waits already", async () => {
  const shaping = builtInShaping();
  // Two at once, then one each two seconds; login codes pass four more.
  const limitsOf = (provider: string) => ({ ...shaping.limitsOf(provider), perMinute: 30 });
  const lanes = lanesOf({ maxConnections: 1 }, { ...shaping, limitsOf });
  const paced = Array.from({ length: 7 }, () => codeFor("did:plc:a", "mx.a.test"));
  const other = codeFor("did:plc:b", "mx.b.test");
  const order: string[] = [];
  for (const { job, end } of paced) {
    lanes.add(job);
    void end.then(() => order.push("a"));
  }
  lanes.add(other.job);
  void other.end.then(() => order.push("b"));
  await expect.poll(() => sockets.size).toBe(1);
  everyoneTalks();
  await other.end;
  expect(order).toEqual(["a", "a", "a", "a", "a", "a", "b"]);
  lanes.close();
});

test("mail that its host cannot take comes back alone: what waits behind it goes", async () => {
  const lanes = lanesOf({ maxConnections: 1, deadlines: { greeting: 5_000 } });
  const eightBit = codeFor("did:plc:a", "mx.a.test");
  eightBit.job.leased.message.eightBit = true;
  const behind = Array.from({ length: 3 }, () => codeFor("did:plc:a", "mx.a.test"));
  for (const { job } of [eightBit, ...behind]) lanes.add(job);
  await expect.poll(() => sockets.size).toBe(1);
  everyoneTalks();
  expect(await eightBit.end).toMatchObject({
    kind: "tried",
    shared: false,
    result: { reply: { own: true } },
  });
  for (const { end } of behind) expect(await end).toMatchObject({ result: { reply: { code: 250 } } });
  lanes.close();
});

test("a fault of ours in a session ends what it had in hand, and the lane goes on", async () => {
  let faults = 0;
  const lanes = lanesOf({ maxConnections: 1, deadlines: { greeting: 5_000 } }, builtInShaping(), () => {
    if (faults++ === 0) throw new Error("a bug");
  });
  const [first, second] = [codeFor("did:plc:a", "mx.a.test"), codeFor("did:plc:a", "mx.a.test")];
  for (const { job } of [first, second]) lanes.add(job);
  await expect.poll(() => sockets.size).toBe(1);
  everyoneTalks();
  expect(await first.end).toMatchObject({
    kind: "tried",
    asked: false,
    shared: true,
    result: { reply: { code: 0, enhanced: "4.3.0" }, judged: { permanent: false } },
  });
  expect(await second.end).toMatchObject({ result: { reply: { code: 250 } } });
  await expect.poll(() => lanes.counts(), { timeout: 5_000 }).toEqual({ lanes: 0, destinations: 0 });
  lanes.close();
});

test("an address that is gone ends its conversations, and those of no other", async () => {
  const lanes = lanesOf({ deadlines: { greeting: 5_000, ehlo: 5_000 } });
  const [from1, from2] = [codeFor("did:plc:a", "mx.a.test"), codeFor("did:plc:a", "mx.b.test")];
  from1.job.egress.address = "127.0.0.1";
  from2.job.egress.address = "127.0.0.2";
  let heard = 0;
  silent.on("connection", (socket) => {
    socket
      .on("error", () => undefined)
      .on("data", (chunk) => {
        const text = chunk.toString();
        if (text.startsWith("MAIL")) heard++;
        else socket.write("250 ok\r\n");
      });
    socket.write("220 mx.test\r\n");
  });
  for (const { job } of [from1, from2]) lanes.add(job);
  await expect.poll(() => heard).toBe(2);
  lanes.drop("127.0.0.1", "127.0.0.1 is gone");
  expect(await from1.end).toMatchObject({
    kind: "tried",
    asked: true,
    result: { reply: { code: 0, text: "127.0.0.1 is gone" }, judged: { permanent: false } },
  });
  expect(await Promise.race([from2.end, "waits"])).toBe("waits");
  lanes.close();
});
