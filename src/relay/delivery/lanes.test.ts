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

const lanesOf = (config: Partial<DeliveryConfig>) =>
  createLanes(
    {
      spool: {},
      clock: systemClock,
      identity: { hostname: "r.test" },
      log: silentLog,
      observed: () => undefined,
      shaping: builtInShaping(),
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
