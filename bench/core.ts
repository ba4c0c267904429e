/**
 * What core costs an event: those that a relay node tells of members in good standing, from the outbox over the bus
 * into the books, in files. CPU of the process, for batches of several sizes.
 *
 *   node bench/core.ts [--events 8000] [--members 60] [--batch 1,30,200] [--json]
 */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  appendToOutbox,
  clearOutbox,
  eventMaker,
  outboxMigration,
  pumpOutbox,
  readOutbox,
  type Envelope,
  type SmtpFacts,
} from "../src/event/index.ts";
import { MovableClock } from "../src/lib/clock.ts";
import { snowflakes } from "../src/lib/ids.ts";
import { busMigration, createEmbeddedBus } from "../src/platform/bus/index.ts";
import { Database } from "../src/platform/database.ts";
import { silentLog } from "../src/platform/log.ts";
import { createMetrics } from "../src/platform/metrics.ts";
import { openingKeyFrom } from "../src/platform/seal.ts";
import { createEmbeddedEngine, loadRules } from "../src/rules/index.ts";
import { coreMigrations, createCore } from "../src/roles/core/index.ts";
import { machine } from "./machine.ts";
import { table } from "./report.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    events: { type: "string", default: "8000" },
    members: { type: "string", default: "60" },
    batch: { type: "string", default: "1,30,200" },
  },
});
const PROVIDERS = ["gmail", "microsoft", "yahoo", "other"];
const DELIVERED: Omit<SmtpFacts, "provider"> = {
  code: 250,
  enhanced: "2.0.0",
  text: "2.0.0 Ok: queued as 4XyZ1234",
  class: "ok",
  fault: "none",
};
const DEAD: Omit<SmtpFacts, "provider"> = {
  code: 550,
  enhanced: "5.1.1",
  text: "5.1.1 User unknown",
  class: "bad-mailbox",
  fault: "recipient",
};
/** As random as those of the spool, and the same in every run. */
const idOf = (message: number) => createHash("sha256").update(String(message)).digest("hex").slice(0, 16);
/** Before it is measured; windows of so many members as that are full. */
const MOST_BEFORE = 60_000;
const MIB = 1024 * 1024;

/** Each message is accepted, and delivered to one recipient; of a hundred one is a bounce. */
async function cost(batch: number): Promise<{ batch: number; cpu: number; memory: number }> {
  const dir = await mkdtemp(join(tmpdir(), "atmos-bench-core-"));
  const clock = new MovableClock(Date.UTC(2026, 0, 1));
  const now = () => clock.now();
  const newEvent = eventMaker(now, snowflakes(now));
  const db = new Database(join(dir, "core.sqlite"), [busMigration, ...coreMigrations]);
  const outbox = new Database(join(dir, "outbox.sqlite"), [outboxMigration]);
  const bus = createEmbeddedBus(db, silentLog);
  const core = createCore({
    db,
    bus,
    clock,
    newEvent,
    log: silentLog,
    metrics: createMetrics(),
    version: "bench",
    scheduler: { every: () => {}, close: async () => {} },
    resolver: { resolve: async () => ({ status: "nxdomain", authentic: false }) },
    rules: createEmbeddedEngine(await loadRules(join(import.meta.dirname, "../rules"))),
    sealTo: await openingKeyFrom(new Uint8Array(32).fill(7)),
    authority: "did:web:coop.test",
    publicUrl: "https://coop.test",
    domain: "coop.test",
    returnPathHost: "bounce.coop.test",
    spfInclude: "_spf.coop.test",
    egress: [],
    committeeMail: undefined,
    webhooks: {
      post: async () => ({ ok: true, status: 200 }),
      key: new Uint8Array(32),
      allowPrivate: false,
    },
  });
  const dids = Array.from({ length: Number(values.members) }, (_, i) => `did:plc:member${i}`);
  for (const did of dids) core.admission.join(did, did);
  const source = {
    read: (limit: number) => readOutbox(outbox, limit),
    clear: (upTo: number) => clearOutbox(outbox, upTo),
  };
  let made = 0;
  let spent = 0;
  async function tell(count: number): Promise<void> {
    for (let told = 0; told < count; told += batch) {
      const events: Envelope[] = [];
      while (events.length < batch) {
        const n = made++;
        const message = n >> 1;
        const did = dids[message % dids.length]!;
        clock.advance(50);
        const facts = {
          member: { did, domain: `${did.slice(8)}.test` },
          message: {
            id: idOf(message),
            size: 4_096,
            recipients: 1,
            stream: "transactional",
            received_at: now(),
          },
          credential: `c${did}`,
        };
        const key = idOf((message * 7919) % 40_000).padEnd(43, "x");
        const isDead = message % 100 === 99;
        events.push(
          n % 2 === 0
            ? newEvent("message_accepted", { dedupe_key: `accepted:${idOf(message)}`, ...facts })
            : newEvent(isDead ? "recipient_bounced" : "recipient_delivered", {
                dedupe_key: `attempt:${idOf(message)}:1`,
                ...facts,
                recipient: { key, domain: "bigmail.test" },
                smtp: { ...(isDead ? DEAD : DELIVERED), provider: PROVIDERS[message % 4]! },
              }),
        );
      }
      outbox.transaction(() => appendToOutbox(outbox, events));
      const before = process.cpuUsage();
      await pumpOutbox(source, bus);
      await bus.settle();
      const { user, system } = process.cpuUsage(before);
      spent += (user + system) / 1000;
    }
  }
  const events = Number(values.events);
  try {
    // The windows are full, and the code is compiled.
    await tell(Math.max(events, Math.min(dids.length * 2 * 220, MOST_BEFORE)));
    spent = 0;
    await tell(events);
    return { batch, cpu: spent / events, memory: process.memoryUsage().rss / MIB };
  } finally {
    await core.close();
    await bus.close();
    db.close();
    outbox.close();
    await rm(dir, { recursive: true });
  }
}

const before = machine();
const rows = [];
for (const batch of values.batch.split(",").map(Number)) rows.push(await cost(batch));
process.stdout.write(
  values.json
    ? `${JSON.stringify({ at: new Date().toISOString(), machine: before, rows }, undefined, 2)}\n`
    : `${table([
        ["events in a batch", "CPU an event, ms", "memory, MiB"],
        ...rows.map(({ batch, cpu, memory }) => [String(batch), cpu.toFixed(3), memory.toFixed(0)]),
      ])}\n`,
);
