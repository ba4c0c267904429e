import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createAuthority } from "../src/devnet/certificates.ts";
import { eventMaker } from "../src/event/index.ts";
import { systemClock } from "../src/lib/clock.ts";
import { busMigration, createEmbeddedBus } from "../src/platform/bus/index.ts";
import { Database } from "../src/platform/database.ts";
import { createResolver } from "../src/platform/dns/index.ts";
import { silentLog } from "../src/platform/log.ts";
import { createMetrics } from "../src/platform/metrics.ts";
import { createScheduler } from "../src/platform/scheduler.ts";
import { openingKeyFrom } from "../src/platform/seal.ts";
import { startRelay } from "../src/roles/relay.ts";
import { builtInShaping } from "../src/shaping/index.ts";
import { relayConfig } from "./relay-config.ts";

const tls = createAuthority().issue(["127.0.0.1"]);
let dir: string;
const closers: (() => Promise<void> | void)[] = [];
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), "atmos-role-"))));
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
  rmSync(dir, { recursive: true });
});

async function options(change: Record<string, string> = {}) {
  const config = relayConfig(dir, change);
  const db = new Database(":memory:", [busMigration]);
  const bus = createEmbeddedBus(db, silentLog);
  const scheduler = createScheduler(systemClock, silentLog);
  closers.push(
    () => db.close(),
    () => bus.close(),
    () => scheduler.close(),
  );
  return {
    config,
    bus,
    scheduler,
    clock: systemClock,
    log: silentLog,
    metrics: createMetrics(),
    resolver: createResolver({ servers: ["127.0.0.1:1"] }),
    newEvent: eventMaker(
      () => 0,
      () => "1",
    ),
    openingKey: await openingKeyFrom(new Uint8Array(32)),
    keys: { verp: new Uint8Array(32), recipient: new Uint8Array(32), unsubscribe: new Uint8Array(32) },
    tls,
    shaping: builtInShaping(),
  };
}

test.each(["ATMOS_INBOUND_ADDRESS", "ATMOS_SUBMISSION_TLS_ADDRESS", "ATMOS_SUBMISSION_STARTTLS_ADDRESS"])(
  "when the port of %s is taken nothing stays open, and the next start has the spool",
  async (setting) => {
    const taken = createServer().listen(0, "127.0.0.1");
    closers.push(() => void taken.close());
    await once(taken, "listening");
    const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    await expect(startRelay(await options({ [setting]: address }))).rejects.toThrow(/EADDRINUSE/);
    const relay = await startRelay(await options());
    await relay.close();
  },
);

test("each of several addresses of a TLS mode is listened on, and greets in its mode", async () => {
  const relay = await startRelay(
    await options({
      ATMOS_SUBMISSION_TLS_ADDRESS: "127.0.0.1:0, 127.0.0.2:0",
      ATMOS_SUBMISSION_STARTTLS_ADDRESS: "127.0.0.2:0, 127.0.0.1:0",
    }),
  );
  closers.push(() => relay.close());
  const { tls: implicit, starttls } = relay.addresses;
  expect([implicit, starttls].map((list) => list.map((a) => a.host))).toEqual([
    ["127.0.0.1", "127.0.0.2"],
    ["127.0.0.2", "127.0.0.1"],
  ]);
  const greeting = async (socket: Socket) => {
    const [data] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    return data.toString("latin1");
  };
  for (const { host, port } of implicit)
    expect(await greeting(connectTls({ host, port, rejectUnauthorized: false }))).toMatch(/^220 /);
  for (const { host, port } of starttls) expect(await greeting(connect({ host, port }))).toMatch(/^220 /);
});

test("whoever runs the role hears that the spool's writer died", async () => {
  const fatal = vi.fn<(error: Error) => void>();
  const posts = vi.spyOn(Worker.prototype, "postMessage");
  const relay = await startRelay({ ...(await options()), onFatal: fatal });
  closers.push(() => relay.close());
  await expect.poll(() => posts.mock.contexts.length).toBeGreaterThan(0);
  await (posts.mock.contexts[0] as Worker).terminate();
  posts.mockRestore();
  expect(fatal).toHaveBeenCalledOnce();
  expect(fatal.mock.calls[0]![0].message).toBe("the writer of the spool ended");
});
