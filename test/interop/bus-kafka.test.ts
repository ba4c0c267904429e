import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  busMigration,
  createKafkaBus,
  kafkaBusMigration,
  type BusTopic,
  type KafkaBus,
  type KafkaBusOptions,
} from "../../src/platform/bus/index.ts";
import { Database } from "../../src/platform/database.ts";
import { silentLog } from "../../src/platform/log.ts";
import { startKafka, type Kafka } from "./servers/kafka.ts";
import { until } from "./servers/process.ts";

/* The bus of several hosts over a real broker. */

const TOPICS: BusTopic[] = [
  { name: "facts", partitions: 4 },
  { name: "state", partitions: 1, compacted: true },
  { name: "jobs", partitions: 4, oneNode: true },
];
let kafka: Kafka;
let dir: string;
let cooperative = 0;
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  kafka = await startKafka();
  dir = mkdtempSync(join(tmpdir(), "atmos-bus-"));
});
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  cooperative++;
});
afterAll(async () => {
  await kafka?.stop();
  rmSync(dir, { recursive: true });
});

type Node = { name: string; db: Database; bus: KafkaBus; stop(): Promise<void> };

/** A node of the cooperative of this test. Opened again by its name, it has its database of before. */
function open(name: string, more: Partial<KafkaBusOptions> = {}): Node {
  const migrations = [busMigration, kafkaBusMigration];
  const db = new Database(join(dir, `${cooperative}-${name}.sqlite`), migrations);
  const bus = createKafkaBus(db, silentLog, {
    connection: { brokers: [kafka.broker], node: name, prefix: `c${cooperative}.` },
    topics: TOPICS,
    now: () => Date.now(),
    retryMs: [1, 1],
    ...more,
  });
  let open = true;
  const stop = async () => {
    if (!open) return;
    open = false;
    await bus.close();
    db.close();
  };
  closing.push(stop);
  return { name, db, bus, stop };
}

/** Follows a topic, and gives what came, each value as `key value`. */
function follow({ bus, name }: Node, topic: string): string[] {
  const seen: string[] = [];
  bus.subscribe<string>(topic, name, async (batch) => {
    seen.push(...batch.map(({ key, value }) => `${key} ${value}`));
  });
  return seen;
}

const entries = (key: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ key, value: from + i }));
const told = (key: string, from: number, to: number) =>
  entries(key, from, to).map(({ value }) => `${key} ${value}`);
const ofKey = (seen: string[], key: string) => seen.filter((one) => one.startsWith(`${key} `));

describe("nodes at several hosts", () => {
  test("each hears all that any of them says, each key in order, each message once", async () => {
    const nodes = ["a", "b", "c"].map((name) => open(name));
    const seen = nodes.map((node) => follow(node, "facts"));
    for (let i = 0; i < 5; i++)
      for (const node of nodes) await node.bus.publish("facts", entries(node.name, i * 100, i * 100 + 100));
    for (const node of nodes) await node.bus.settle();
    for (const one of seen) {
      expect(one).toHaveLength(1_500);
      for (const { name } of nodes) expect(ofKey(one, name)).toEqual(told(name, 0, 500));
    }
  });

  test("a job is done by one of them", async () => {
    const nodes = ["a", "b"].map((name) => open(name));
    const seen = nodes.map((node) => follow(node, "jobs"));
    await nodes[0]!.bus.publish(
      "jobs",
      Array.from({ length: 100 }, (_, i) => ({ key: `k${i}`, value: i })),
    );
    await until("all jobs to be done", () => seen.flat().length >= 100);
    expect(new Set(seen.flat()).size).toBe(100);
    expect(seen.flat()).toHaveLength(100);
  });

  test("one that comes late learns the present state of each key", async () => {
    const first = open("a");
    for (let i = 0; i < 3; i++)
      await first.bus.publish("state", [...entries("x", i, i + 1), ...entries("y", i, i + 1)]);
    await first.bus.settle();
    const late = open("late");
    const seen = follow(late, "state");
    await late.bus.settle();
    expect(ofKey(seen, "x").at(-1)).toBe("x 2");
    expect(ofKey(seen, "y").at(-1)).toBe("y 2");
  });

  test("a cooperative that leaves the single host takes its state along", async () => {
    const db = new Database(join(dir, `${cooperative}-a.sqlite`), [busMigration, kafkaBusMigration]);
    for (const value of ["1", "2"])
      db.run("INSERT INTO bus_message (topic, key, value) VALUES ('state', 'x', ?)", value);
    db.close();
    for (let start = 0; start < 2; start++) {
      const core = open("a");
      await core.bus.settle();
      await core.stop();
    }
    const relay = open("relay");
    const seen = follow(relay, "state");
    await relay.bus.settle();
    expect(seen).toEqual(["x 2"]);
  });
});

describe("a broker that is not there", () => {
  test("what is said waits on the disk, and is heard once when it is back, also after a restart of the node", async () => {
    const [a, b] = [open("a"), open("b")];
    const seen = follow(b, "facts");
    await a.bus.publish("facts", entries("k", 0, 10));
    await b.bus.settle();
    await until("the first ones", () => seen.length === 10);
    await kafka.down();
    try {
      await a.bus.publish("facts", entries("k", 10, 2_000));
      expect(a.bus.waiting()).toBe(1_990);
      await a.stop();
    } finally {
      await kafka.up();
    }
    const again = open("a");
    await again.bus.publish("facts", entries("k", 2_000, 2_010));
    await again.bus.settle();
    await until("the others", () => seen.length >= 2_010);
    expect(seen).toEqual(told("k", 0, 2_010));
    expect(again.bus.waiting()).toBe(0);
  });

  test("killed in the midst of much traffic: nothing is lost, nothing is heard twice", async () => {
    const [a, b] = [open("a"), open("b")];
    const seen = follow(b, "facts");
    let said = 0;
    const speaking = (async () => {
      for (let i = 0; i < 60; i++) {
        await a.bus.publish("facts", entries("k", said, said + 50));
        said += 50;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    await until("some of it", () => seen.length > 200);
    await kafka.kill();
    await kafka.up();
    await speaking;
    await a.bus.settle();
    await until("all of it", () => seen.length >= said, 60_000);
    await b.bus.settle();
    expect(seen).toEqual(told("k", 0, said));
  });
});

describe("doubts about what was sent", () => {
  test("what a node sends again after a crash is known, and counts once", async () => {
    const [a, b] = [open("a"), open("b")];
    const seen = follow(b, "facts");
    await a.bus.publish("facts", entries("k", 0, 5));
    const rows = a.db.all<Record<string, string | number>>("SELECT * FROM bus_out");
    await a.bus.settle();
    await a.stop();
    const again = open("a");
    // As after a crash between the sending and the crossing out.
    for (const { seq, topic, key, value, origin } of rows)
      again.db.run(
        "INSERT INTO bus_out (seq, topic, key, value, origin) VALUES (?, ?, ?, ?, ?)",
        seq!,
        topic!,
        key!,
        value!,
        origin!,
      );
    await again.bus.publish("facts", entries("k", 5, 6));
    await again.bus.settle();
    await until("the last", () => seen.includes("k 5"));
    expect(seen).toEqual(told("k", 0, 6));
  });

  test("a node whose disk was lost hears all that the brokers still have", async () => {
    const [a, b] = [open("a"), open("b")];
    follow(b, "facts");
    await a.bus.publish("facts", entries("k", 0, 20));
    await a.bus.settle();
    await b.bus.settle();
    await b.stop();
    rmSync(join(dir, `${cooperative}-b.sqlite`));
    const anew = open("b");
    const seen = follow(anew, "facts");
    await anew.bus.settle();
    expect(seen).toEqual(told("k", 0, 20));
  });

  test("a node whose disk was restored from a copy hears what followed, once", async () => {
    const [a, b] = [open("a"), open("b")];
    const seen = follow(b, "facts");
    await a.bus.publish("facts", entries("k", 0, 20));
    await a.bus.settle();
    await until("the first", () => seen.length === 20);
    await b.bus.settle();
    const copy = join(dir, `${cooperative}-copy.sqlite`);
    b.db.run("VACUUM INTO ?", copy);
    await a.bus.publish("facts", entries("k", 20, 40));
    await a.bus.settle();
    await until("the second", () => seen.length === 40);
    await b.stop();
    const { rename } = await import("node:fs/promises");
    for (const end of ["-wal", "-shm"]) rmSync(join(dir, `${cooperative}-b.sqlite${end}`), { force: true });
    await rename(copy, join(dir, `${cooperative}-b.sqlite`));
    const restored = open("b");
    const later = follow(restored, "facts");
    await restored.bus.settle();
    expect(later).toEqual(told("k", 20, 40));
  });
});

test("over TLS, by name and password; without them nobody hears or says anything", async () => {
  await using secure = await startKafka({ users: { atmos: "correct-horse" } });
  const connect = (password: string, mechanism: "PLAIN" | "SCRAM-SHA-512") => ({
    connection: {
      brokers: [secure.broker],
      node: "a",
      prefix: `c${cooperative}.`,
      tls: { ca: secure.ca },
      sasl: { mechanism, username: "atmos", password },
    },
  });
  const wrong = open("wrong", connect("guessed", "PLAIN"));
  await wrong.bus.publish("facts", entries("k", 0, 1));
  for (const mechanism of ["PLAIN", "SCRAM-SHA-512"] as const) {
    const node = open(mechanism, connect("correct-horse", mechanism));
    const seen = follow(node, "facts");
    await node.bus.publish("facts", entries(mechanism, 0, 3));
    await node.bus.settle();
    expect(ofKey(seen, mechanism)).toEqual(told(mechanism, 0, 3));
    await node.stop();
  }
  expect(wrong.bus.waiting()).toBe(1);
});
