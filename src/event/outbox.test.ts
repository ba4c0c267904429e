import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { busMigration, createEmbeddedBus, type Bus } from "../platform/bus/index.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import {
  EVENTS_TOPIC,
  appendToOutbox,
  clearOutbox,
  createEventLog,
  eventLogMigration,
  eventMaker,
  outboxDepth,
  outboxMigration,
  pumpOutbox,
  readOutbox,
  type Envelope,
  type OutboxSource,
} from "./index.ts";

/** A process ended here: what it had committed is on disk, and nothing after this line of it ran. */
class Crash extends Error {}

const STEPS = 150;
const MEMBERS = ["did:plc:a", "did:plc:b", "did:plc:c"];
const turn = () => new Promise((resolve) => setImmediate(resolve));
const keyOf = (envelope: Envelope) => envelope.data.data.dedupe_key;
const didOf = (envelope: Envelope) => envelope.data.data.member.did;

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), "atmos-outbox-"))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** mulberry32: from 0 to 1, the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Where a process dies next, if anywhere. */
type Death = "before publish" | "before clear" | "after clear" | "in the log" | undefined;

/** A reporter with its outbox, the bus and core with its log: three files, as they stand after a start. */
function start(random: () => number) {
  const open = (name: string, migration: typeof busMigration) => {
    const db = new Database(join(dir, name), [migration]);
    db.exec("PRAGMA synchronous=OFF"); // processes end here, not machines
    return db;
  };
  const reporter = open("reporter.sqlite", outboxMigration);
  const busDb = open("bus.sqlite", busMigration);
  const core = open("core.sqlite", eventLogMigration);
  const bus = createEmbeddedBus(busDb, silentLog, { retryMs: [0], isOutage: () => true });
  const log = createEventLog(core);
  let death: Death;
  const die = (at: Death) => {
    if (death !== at) return;
    death = undefined;
    throw new Crash();
  };
  bus.subscribe<Envelope>(EVENTS_TOPIC, "core", async (batch) => {
    const dies = death === "in the log" ? Math.floor(random() * batch.length) : -1;
    for (const [i, { value }] of batch.entries()) {
      log.append(value);
      if (i === dies) die("in the log");
    }
  });
  const source: OutboxSource = {
    async read(limit) {
      await turn();
      return readOutbox(reporter, limit);
    },
    async clear(upTo) {
      await turn();
      die("before clear");
      clearOutbox(reporter, upTo);
      die("after clear");
    },
  };
  const mortal: Bus = {
    ...bus,
    async publish(topic, entries) {
      await turn();
      die("before publish");
      await bus.publish(topic, entries);
    },
  };
  return {
    reporter,
    log,
    bus,
    dieAt: (at: Death) => void (death = at),
    pump: () => pumpOutbox(source, mortal, 1 + Math.floor(random() * 4)),
    async stop() {
      await bus.close();
      for (const db of [reporter, busDb, core]) db.close();
    },
  };
}

/** What came for the first time, of one member. */
const firstOf = (did: string, told: readonly Envelope[]) => [
  ...new Set(told.filter((one) => didOf(one) === did).map(keyOf)),
];

async function survivesPump(pumping: Promise<unknown>): Promise<boolean> {
  try {
    await pumping;
    return true;
  } catch (error) {
    if (error instanceof Crash) return false;
    throw error;
  }
}

test.each(Array.from({ length: 20 }, (_, i) => i + 1))(
  "seed %i: every committed fact is told at least once, in the order of its member, and logged once",
  async (seed) => {
    const random = seeded(seed);
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
    let n = 0;
    const newEvent = eventMaker(
      () => 1_767_225_600_000 + n,
      () => `${seed}-${n}`,
    );
    const fact = (key = `fact ${++n}`, did = pick(MEMBERS)) =>
      newEvent("message_accepted", { dedupe_key: key, member: { did, domain: "x.test" } });
    const committed: Envelope[] = [];
    let crashes = 0;
    let running = start(random);

    const restart = async () => {
      await running.stop();
      running = start(random);
    };
    const steps: Record<string, () => unknown> = {
      append() {
        const events = Array.from({ length: 1 + Math.floor(random() * 3) }, () => fact());
        running.reporter.transaction(() => appendToOutbox(running.reporter, events));
        committed.push(...events);
      },
      "append what was told before"() {
        const again = committed.length > 0 ? pick(committed) : undefined;
        if (again) appendToOutbox(running.reporter, [fact(keyOf(again), didOf(again))]);
      },
      "roll back"() {
        const { reporter } = running;
        const failing = () =>
          reporter.transaction(() => {
            appendToOutbox(reporter, [fact(), fact()]);
            throw new Error("the fact did not happen");
          });
        expect(failing).toThrow("did not happen");
      },
      pump: () => running.pump(),
      async "pump twice at once, and append meanwhile"() {
        const both = [running.pump(), running.pump()];
        await turn();
        steps["append"]!();
        await Promise.all(both);
      },
      async crash() {
        steps["append"]!();
        running.dieAt(pick(["before publish", "before clear", "after clear"] as const));
        if (!(await survivesPump(running.pump()))) crashes++;
        await restart();
      },
      async "crash of core"() {
        steps["append"]!();
        running.dieAt("in the log");
        await running.pump();
        await restart();
      },
      restart,
    };
    for (let step = 0; step < STEPS; step++) await steps[pick(Object.keys(steps))]!();

    running.dieAt(undefined);
    await running.pump();
    const told: Envelope[] = [];
    running.bus.subscribe<Envelope>(EVENTS_TOPIC, "witness", async (batch) => {
      told.push(...batch.map(({ value }) => value));
    });
    await running.bus.settle();
    const logged = running.log.recent(100_000).toReversed();
    expect(outboxDepth(running.reporter)).toBe(0);
    await running.stop();

    expect(crashes).toBeGreaterThan(0);
    expect(told.length).toBeGreaterThan(committed.length);
    expect(logged).toHaveLength(committed.length);
    for (const did of MEMBERS) {
      const facts = committed.filter((one) => didOf(one) === did).map(keyOf);
      expect(firstOf(did, told)).toEqual(facts);
      expect(logged.filter((one) => one.did === did).map(({ envelope }) => keyOf(envelope))).toEqual(facts);
    }
  },
);
