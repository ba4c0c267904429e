import { afterEach, expect, test } from "vitest";
import { busMigration, createEmbeddedBus, type EmbeddedBusOptions } from "./embedded.ts";
import { Database } from "../database.ts";
import { silentLog } from "../log.ts";

const open: Database[] = [];
function start(db = new Database(":memory:", [busMigration]), options: EmbeddedBusOptions = {}) {
  if (!open.includes(db)) open.push(db);
  return { db, bus: createEmbeddedBus(db, silentLog, { retryMs: [1, 1], ...options }) };
}
afterEach(() => open.splice(0).forEach((db) => db.close()));

test("each group sees every message in order, and only its topic", async () => {
  const { bus } = start();
  const seen: Record<string, number[]> = { a: [], b: [] };
  for (const group of ["a", "b"]) {
    bus.subscribe<number>("numbers", group, async (batch) => {
      seen[group]!.push(...batch.map((m) => m.value));
    });
  }
  await bus.publish(
    "numbers",
    [1, 2].map((value) => ({ key: "k", value })),
  );
  await bus.publish("other", [{ key: "k", value: 9 }]);
  await bus.publish("numbers", [{ key: "k", value: 3 }]);
  await bus.settle();
  expect(seen).toEqual({ a: [1, 2, 3], b: [1, 2, 3] });
  await bus.close();
});

test("a failing handler sees its batch again", async () => {
  const { bus } = start();
  const seen: number[][] = [];
  bus.subscribe<number>("t", "g", async (batch) => {
    seen.push(batch.map((m) => m.value));
    if (seen.length === 1) throw new Error("no");
  });
  await bus.publish("t", [{ key: "k", value: 1 }]);
  await bus.settle();
  expect(seen).toEqual([[1], [1]]);
  await bus.close();
});

test("a group goes on where it left off after a restart", async () => {
  const { db, bus } = start();
  await bus.publish("t", [{ key: "k", value: 1 }]);
  const first: number[] = [];
  bus.subscribe<number>("t", "g", async (batch) => void first.push(...batch.map((m) => m.value)));
  await bus.settle();
  await bus.close();
  const again = start(db).bus;
  const second: number[] = [];
  again.subscribe<number>("t", "g", async (batch) => void second.push(...batch.map((m) => m.value)));
  await again.publish("t", [{ key: "k", value: 2 }]);
  await again.settle();
  expect([first, second]).toEqual([[1], [2]]);
  await again.close();
});

test("settle waits for what a handler publishes in turn", async () => {
  const { bus } = start();
  const end: unknown[] = [];
  bus.subscribe("a", "g", async (batch) => bus.publish("b", batch));
  bus.subscribe("b", "g", async (batch) => void end.push(...batch.map((m) => m.value)));
  await bus.publish("a", [{ key: "k", value: "x" }]);
  await bus.settle();
  expect(end).toEqual(["x"]);
  await bus.close();
});

test("a message that cannot be handled is set aside after every retry, and the others pass", async () => {
  const { db, bus } = start();
  const seen: number[] = [];
  let tries = 0;
  bus.subscribe<number>("t", "g", async (batch) => {
    if (batch.some((m) => m.value === 2)) {
      tries++;
      throw new Error("cannot");
    }
    seen.push(...batch.map((m) => m.value));
  });
  await bus.publish(
    "t",
    [1, 2, 3].map((value) => ({ key: "k", value })),
  );
  await bus.settle();
  expect(seen).toEqual([1, 3]);
  expect(tries).toBe(4);
  expect(db.all("SELECT seq, value, error FROM bus_dead")).toEqual([
    { seq: 2, value: "2", error: "Error: cannot" },
  ]);
  await bus.close();
});

test("a message that two groups cannot handle is set aside for each", async () => {
  const { db, bus } = start();
  for (const group of ["a", "b"])
    bus.subscribe("t", group, async () => {
      throw new Error(`not by ${group}`);
    });
  await bus.publish("t", [{ key: "k", value: 1 }]);
  await bus.settle();
  expect(db.all("SELECT seq, consumer, error FROM bus_dead ORDER BY consumer")).toEqual([
    { seq: 1, consumer: "a", error: "Error: not by a" },
    { seq: 1, consumer: "b", error: "Error: not by b" },
  ]);
  await bus.close();
});

test("a handler that resolves has handled its batch, also when its transaction was undone", async () => {
  const { db, bus } = start();
  let calls = 0;
  bus.subscribe("t", "g", async (_batch, handled) => {
    calls++;
    const undone = () =>
      db.transaction(() => {
        handled();
        throw new Error("undone");
      });
    expect(undone).toThrow("undone");
    if (calls > 5) throw new Error("again and again");
  });
  await bus.publish("t", [{ key: "k", value: 1 }]);
  await bus.settle();
  expect(calls).toBe(1);
  await bus.close();
});

test("what every group has handled is forgotten; a compacted topic keeps the latest of each key", async () => {
  const { db, bus } = start(undefined, { compacted: ["state"], kept: 1 });
  const left = () =>
    db.all<{ value: string }>("SELECT value FROM bus_message ORDER BY seq").map((r) => r.value);
  for (const topic of ["state", "facts"]) {
    await bus.publish(
      topic,
      ["a1", "b1", "a2"].map((value) => ({ key: value[0]!, value })),
    );
  }
  expect(await bus.prune()).toBe(0);
  for (const topic of ["state", "facts"]) bus.subscribe(topic, "g", async () => {});
  await bus.settle();
  expect(await bus.prune()).toBe(3);
  expect(left()).toEqual(['"b1"', '"a2"', '"a2"']);
  await bus.close();
});

test("a group whose own database was restored is told again what followed", async () => {
  const { bus } = start(undefined, { compacted: ["state"] });
  let known = 0;
  let seen: string[] = [];
  const handle = async (batch: { seq: number; value: string }[]) => {
    seen.push(...batch.map((m) => m.value));
    known = batch.at(-1)!.seq;
  };
  for (const value of ["a1", "b1"]) await bus.publish("state", [{ key: value[0]!, value }]);
  const first = bus.subscribe("state", "g", handle, known);
  await bus.settle();
  await first.close();
  const copy = known;
  for (const value of ["a2", "a3"]) await bus.publish("state", [{ key: "a", value }]);
  const second = bus.subscribe("state", "g", handle, known);
  await bus.settle();
  await second.close();
  await bus.prune();
  expect(seen).toEqual(["a1", "b1", "a2", "a3"]);
  seen = [];
  bus.subscribe("state", "g", handle, copy);
  await bus.settle();
  expect(seen).toEqual(["a3"]);
  await bus.close();
});

test("a full disk loses no message and stops nobody: the offset is written when there is room again", async () => {
  const { db, bus } = start();
  const seen: number[] = [];
  await bus.publish("t", [{ key: "k", value: 1 }]);
  db.exec("CREATE TRIGGER full BEFORE INSERT ON bus_offset BEGIN SELECT RAISE(ABORT, 'no room'); END");
  bus.subscribe<number>("t", "g", async (batch) => void seen.push(...batch.map((m) => m.value)));
  await expect.poll(() => seen.length).toBeGreaterThan(5);
  db.exec("DROP TRIGGER full");
  await bus.settle();
  expect(new Set(seen)).toEqual(new Set([1]));
  expect(db.all("SELECT seq FROM bus_offset")).toEqual([{ seq: 1 }]);
  await bus.close();
});

test("an outage sets no message aside, however long it lasts", async () => {
  const { db, bus } = start(undefined, { isOutage: (error) => String(error).includes("down") });
  let tries = 0;
  bus.subscribe<number>("t", "g", async () => {
    if (++tries < 20) throw new Error("down");
  });
  await bus.publish("t", [{ key: "k", value: 1 }]);
  await bus.settle();
  expect(tries).toBe(20);
  expect(db.all("SELECT * FROM bus_dead")).toEqual([]);
  await bus.close();
});

test("who keeps books in the bus's database handles a message once, whether it fails before or after the commit", async () => {
  const db = new Database(":memory:", [
    busMigration,
    { module: "books", steps: ["CREATE TABLE book (value INTEGER NOT NULL) STRICT"] },
  ]);
  const { bus } = start(db);
  const fails = ["before the commit", "after the commit", undefined, "before the commit"];
  const tries: number[] = [];
  bus.subscribe<number>("t", "g", async (batch, handled) => {
    const fail = fails.shift();
    tries.push(batch.length);
    db.transaction(() => {
      for (const { value } of batch) db.run("INSERT INTO book (value) VALUES (?)", value);
      handled();
      if (fail === "before the commit") throw new Error(fail);
    });
    if (fail) throw new Error(fail);
  });
  await bus.publish(
    "t",
    [1, 2, 3, 4].map((value) => ({ key: "k", value })),
  );
  await bus.settle();
  expect(db.all<{ value: number }>("SELECT value FROM book").map(({ value }) => value)).toEqual([1, 2, 3, 4]);
  expect(tries).toEqual([4, 1, 1, 2, 1, 1]);
  expect(db.all("SELECT * FROM bus_dead")).toEqual([]);
  await bus.close();
});
