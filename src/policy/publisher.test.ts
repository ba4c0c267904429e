import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { busMigration, createEmbeddedBus } from "../platform/bus/index.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { createPolicyBook, type PolicyStore } from "./book.ts";
import { member, now, openStore } from "./policy.fixture.ts";
import { createPolicyPublisher, policyPublisherMigration } from "./publisher.ts";
import { POLICY_TOPIC, type MemberPolicy } from "./types.ts";

const { version: _, ...policy } = member;
const { did } = member;
let dir: string;
let store: PolicyStore;
let file: (name: string) => string;
let time = now;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "atmos-publisher-"));
  file = (name) => join(dir, name);
  ({ store } = openStore());
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A start of core with a relay node that keeps what it hears: how many policies each publication told, and what the node knows. */
async function start(...publications: Omit<MemberPolicy, "version">[]) {
  const db = new Database(file("core.sqlite"), [busMigration, policyPublisherMigration]);
  const bus = createEmbeddedBus(db, silentLog, { compacted: [POLICY_TOPIC] });
  const book = await createPolicyBook(store);
  bus.subscribe<MemberPolicy>(
    POLICY_TOPIC,
    "relay",
    async (batch) => {
      for (const { value } of batch) await book.apply(value);
    },
    0,
  );
  const publisher = createPolicyPublisher(db, bus, { now: () => ++time });
  const told: number[] = [];
  for (const one of publications) told.push(await publisher.publish([one]));
  await bus.settle();
  await bus.close();
  db.close();
  return { told, known: book.byDid(did)! };
}

test("what did not change is told once after each start", async () => {
  expect((await start(policy, policy, { ...policy, tier: "warming" })).told).toEqual([1, 0, 1]);
  const again = { ...policy, tier: "warming" } as const;
  expect(await start(again, again)).toMatchObject({ told: [1, 0], known: { tier: "warming" } });
});

test("core was put back from a copy: nodes that know later versions hear what it says from then on", async () => {
  await start(policy);
  copyFileSync(file("core.sqlite"), file("copy"));
  const { known } = await start({ ...policy, tier: "warming" }, { ...policy, tier: "steady" });
  expect(known.tier).toBe("steady");
  copyFileSync(file("copy"), file("core.sqlite"));
  expect((await start(policy)).known.tier).toBe(policy.tier);
  copyFileSync(file("copy"), file("core.sqlite"));
  expect((await start({ ...policy, standing: "suspended" })).known.standing).toBe("suspended");
});

test("versions rise while the clock does not", async () => {
  time = now + 1e9;
  await start(policy);
  time = now;
  expect((await start({ ...policy, standing: "suspended" })).known.standing).toBe("suspended");
});
