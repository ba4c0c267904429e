import { afterEach, beforeEach, expect, test } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import { closePulse, PULSE_TOPIC } from "../node/index.ts";
import { busMigration, createEmbeddedBus, type Bus } from "../platform/bus/index.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { createMetrics } from "../platform/metrics.ts";
import type { Scheduler } from "../platform/scheduler.ts";
import { signingKeyFrom, verifyingKeyOf } from "../platform/sign.ts";
import { createPoolDesk } from "./core/pool-desk.ts";
import { joinPool, type PoolNode } from "./pool-node.ts";

const HOUR = 3_600_000;
const core = signingKeyFrom(new Uint8Array(32).fill(1));
const stranger = signingKeyFrom(new Uint8Array(32).fill(2));
let clock: MovableClock;
let db: Database;
let bus: Bus;
let tasks: Record<string, () => Promise<void>>;
const scheduler: Scheduler = {
  every: ({ name, run }) => void (tasks[name] = () => run(new AbortController().signal)),
  close: async () => undefined,
};
beforeEach(() => {
  clock = new MovableClock(Date.UTC(2026, 0, 1));
  db = new Database(":memory:", [busMigration]);
  bus = createEmbeddedBus(db, silentLog, { compacted: [PULSE_TOPIC] });
  tasks = {};
});
afterEach(async () => {
  await bus.close();
  db.close();
});

const parts = () => ({ bus, clock, log: silentLog, scheduler, version: "1.0.0" });
const desk = () => createPoolDesk({ ...parts(), signWith: core });
function node(name: string, change: { isWithCore?: boolean } = {}): PoolNode {
  const one = joinPool({
    ...parts(),
    node: name,
    coreKey: verifyingKeyOf(core),
    limits: { afterMs: 60_000, mostMs: 24 * HOUR },
    isWithCore: false,
    metrics: createMetrics(),
    ...change,
  });
  one.tell(async () => ({ queued: 1, deferred: 0, held: 0, waiting: 0, egress: [] }));
  return one;
}
const pulse = async (signWith = core) => {
  await bus.publish(PULSE_TOPIC, [
    { key: "core", value: closePulse({ at: clock.now(), version: "1" }, signWith) },
  ]);
  await bus.settle();
};

test("a node serves while core is heard, goes on a day without it, then stands still until it is heard again", async () => {
  const mx1 = node("mx1");
  expect(mx1.state()).toBe("silent");
  await pulse();
  expect(mx1.state()).toBe("serving");
  expect(mx1.standsStill()).toBeUndefined();
  clock.advance(60_000);
  expect(mx1.state()).toBe("cut-off");
  expect(mx1.standsStill()).toBeUndefined();
  clock.advance(24 * HOUR);
  expect(mx1.state()).toBe("silent");
  expect(mx1.standsStill()).toMatch(/nothing leaves/);
  await pulse();
  expect(mx1.state()).toBe("serving");
});

test("a stranger's pulse keeps no node alive", async () => {
  const mx1 = node("mx1");
  await pulse();
  clock.advance(2 * 60_000);
  await pulse(stranger);
  expect(mx1.state()).toBe("cut-off");
});

test("a restart renews nothing: the last pulse is as old as it was", async () => {
  const first = node("mx1");
  await pulse();
  await first.close();
  clock.advance(25 * HOUR);
  const again = node("mx1");
  await bus.settle();
  expect(again.state()).toBe("silent");
});

test("beside core nothing is cut off, whatever the brokers do", () => {
  expect(node("home", { isWithCore: true }).state()).toBe("serving");
});

test("core drains a node by name, also one that was away meanwhile, and takes it back", async () => {
  const told = desk();
  const [mx1, mx2] = [node("mx1"), node("mx2")];
  await pulse();
  await tasks["status told"]!();
  await bus.settle();
  expect(await told.command("mx9", "drain", "Rosa")).toBe(false);
  expect(await told.command("mx2", "drain", "Rosa")).toBe(true);
  await bus.settle();
  expect([mx1.state(), mx2.state()]).toEqual(["serving", "draining"]);
  await mx2.close();
  const again = node("mx2");
  await pulse();
  expect(again.state()).toBe("draining");
  clock.advance(1);
  await told.command("mx2", "serve", "Rosa");
  await bus.settle();
  expect(again.state()).toBe("serving");
});

test("core knows how each node is, and which one is away", async () => {
  const told = desk();
  const mx1 = node("mx1");
  await pulse();
  await tasks["status told"]!();
  await bus.settle();
  expect(told.list()).toMatchObject([{ node: "mx1", state: "serving", queued: 1, isAway: false }]);
  clock.advance(61_000);
  expect(told.list()).toMatchObject([{ node: "mx1", isAway: true }]);
  expect(mx1.state()).toBe("cut-off");
});
