/**
 * What it takes to count evidence anew from the log, in a process that is killed halfway and started again.
 *
 *   node bench/rebuild.ts [--events 1000000] [--members 10000] [--json]
 */
import { fork } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createEventLog, eventLogMigration } from "../src/event/index.ts";
import { createEvidence, evidenceMigration } from "../src/evidence/index.ts";
import { Database } from "../src/platform/database.ts";
import { machine } from "./machine.ts";
import { mailStream } from "./mail-stream.ts";
import { table } from "./report.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    events: { type: "string", default: "1000000" },
    members: { type: "string", default: "10000" },
    count: { type: "string" },
  },
});
const EVENTS = Number(values.events);
const MIB = 1024 * 1024;

type Told = { seq: number } | { cpu: number; memory: number };

/** In a process of its own. */
function count(path: string): void {
  const db = new Database(path, [eventLogMigration, evidenceMigration]);
  const before = process.cpuUsage();
  createEvidence(db).rebuild(createEventLog(db), (seq) => process.send!({ seq }));
  const { user, system } = process.cpuUsage(before);
  db.close();
  process.send!({ cpu: (user + system) / 1e6, memory: process.resourceUsage().maxRSS / 1024 });
  process.disconnect();
}

/** `until`: it is killed when it says so many. */
function child(path: string, until = Infinity): Promise<{ seconds: number; told: Told[] }> {
  const begun = performance.now();
  const told: Told[] = [];
  const one = fork(import.meta.filename, ["--count", path]);
  one.on("message", (message: Told) => {
    told.push(message);
    if ("seq" in message && message.seq >= until) one.kill("SIGKILL");
  });
  return new Promise((resolve) =>
    one.on("exit", () => resolve({ seconds: (performance.now() - begun) / 1e3, told })),
  );
}

async function measure(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "atmos-bench-rebuild-"));
  const path = join(directory, "core.sqlite");
  try {
    const db = new Database(path, [eventLogMigration, evidenceMigration]);
    const log = createEventLog(db);
    // As many a day as a pool of such members has: most write little.
    const rates = Array.from({ length: Number(values.members) }, (_, i) => (i % 100 === 0 ? 500 : 20));
    const events = mailStream(rates, Date.UTC(2026, 0, 1));
    for (let n = 0; n < EVENTS; n += 1_000)
      db.transaction(() => {
        for (let k = 0; k < 1_000; k++) log.append(events.next().value);
      });
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    db.close();
    const octets = (await stat(path)).size;
    const killed = await child(path, EVENTS / 2);
    const again = await child(path);
    const end = again.told.find((one) => "cpu" in one)!;
    const figures = {
      events: EVENTS,
      "log, MiB": Math.round(octets / MIB),
      "until it was killed halfway, s": Math.round(killed.seconds),
      "the rest, s": Math.round(again.seconds),
      "the rest, s of CPU": Math.round(end.cpu),
      "memory, peak, MiB": Math.round(end.memory),
      "times that progress was told": killed.told.length + again.told.length - 1,
    };
    process.stdout.write(
      values.json
        ? `${JSON.stringify({ machine: machine(), ...figures })}\n`
        : `${table([["", "rebuild"], ...Object.entries(figures).map(([name, value]) => [name, String(value)])])}\n`,
    );
  } finally {
    await rm(directory, { recursive: true });
  }
}

if (values.count === undefined) await measure();
else count(values.count);
