import { join } from "node:path";
import { eventMaker, EVENTS_TOPIC, type Envelope } from "../../event/index.ts";
import { MovableClock } from "../../lib/clock.ts";
import { snowflakes } from "../../lib/ids.ts";
import { busMigration, createEmbeddedBus } from "../../platform/bus/index.ts";
import type { RuleEngineChoice } from "../../platform/config/index.ts";
import { Database } from "../../platform/database.ts";
import { silentLog } from "../../platform/log.ts";
import { createMetrics } from "../../platform/metrics.ts";
import { openingKeyFrom } from "../../platform/seal.ts";
import { createEmbeddedEngine, loadRules, type RulesEngine } from "../../rules/index.ts";
import type { Post } from "../../webhook/index.ts";
import { coreMigrations, createCore } from "./index.ts";

export const shippedRules = async () =>
  createEmbeddedEngine(await loadRules(join(import.meta.dirname, "../../../rules")));

/** Core alone, in memory: a DNS without names, a clock that stands, nothing that repeats. */
export async function openCore(
  now: number,
  own: {
    rules?: RulesEngine;
    db?: Database;
    post?: Post;
    committeeMail?: string;
    ruleEngine?: RuleEngineChoice;
  } = {},
) {
  const clock = new MovableClock(now);
  const db = own.db ?? new Database(":memory:", [busMigration, ...coreMigrations]);
  const bus = createEmbeddedBus(db, silentLog, { retryMs: [1], isOutage: () => true });
  const newEvent = eventMaker(
    () => clock.now(),
    snowflakes(() => clock.now()),
  );
  const tasks = new Map<string, (signal: AbortSignal) => Promise<void>>();
  const core = createCore({
    db,
    bus,
    clock,
    newEvent,
    log: silentLog,
    metrics: createMetrics(),
    scheduler: {
      every: ({ name, run }) => void tasks.set(name, run),
      close: async () => {},
    },
    resolver: { resolve: async () => ({ status: "nxdomain", authentic: false }) },
    rules: own.rules ?? (await shippedRules()),
    version: "test",
    ruleEngine: own.ruleEngine,
    sealTo: await openingKeyFrom(new Uint8Array(32).fill(7)),
    authority: "did:web:coop.test",
    publicUrl: "https://coop.test",
    domain: "coop.test",
    returnPathHost: "bounce.coop.test",
    spfInclude: "_spf.coop.test",
    egress: ["192.0.2.1"],
    committeeMail: own.committeeMail,
    webhooks: {
      post: own.post ?? (async () => ({ ok: false, status: null, why: "no network" })),
      key: new Uint8Array(32).fill(9),
      allowPrivate: false,
    },
  });
  return {
    core,
    db,
    bus,
    clock,
    newEvent,
    /** A relay node tells of it, and core has handled it. */
    async publish(event: Envelope) {
      await bus.publish(EVENTS_TOPIC, [{ key: event.data.data.member.did, value: event }]);
      await bus.settle();
    },
    /** Does what is done at times. */
    run: (task: string) => tasks.get(task)!(new AbortController().signal),
    review: () => void tasks.get("review of standings")!(new AbortController().signal),
    async close() {
      await core.settle();
      await core.close();
      await bus.close();
      db.close();
    },
  };
}
