/**
 * A long queue in the spool: how long a lease takes and how much memory there is, at 10,000, 100,000 and 1,000,000
 * recipients that wait. No root, no network.
 *
 *   node bench/delivery/queue.ts [--recipients 10000,100000,1000000] [--leases 200] [--minutes 5] [--json]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createSpool, type LeaseRequest, type Spool } from "../../src/spool/index.ts";
import { machine } from "../machine.ts";
import { table } from "../report.ts";
import { CROWD, LARGE_DOMAINS } from "./crowd.ts";
import type { Fill } from "./fill.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    recipients: { type: "string", default: "10000,100000,1000000" },
    leases: { type: "string", default: "200" },
    minutes: { type: "string", default: "5" },
  },
});
const steps = values.recipients.split(",").map(Number);
const leases = Number(values.leases);
const giveUpAfter = AbortSignal.timeout(Number(values.minutes) * 60_000);

const MIB = 1024 * 1024;
/** As a delivery that has so many places asks. */
const PLACES = { max: 100, perDomain: 50, perMember: 200 };

type Asked = Omit<LeaseRequest, "now">;
/** Nobody has enough in hand, and those have whose mail is in front: a lease looks at far more. */
const KINDS: Record<string, Asked> = {
  free: { ...PLACES, busy: [] },
  "front has enough": { ...PLACES, busy: LARGE_DOMAINS, busyMembers: [CROWD.did] },
};

type Times = { p50: number; p99: number; highest: number };
type Step = {
  recipients: number;
  /** Stored a second since the step before. */
  filledPerSecond: number;
  databaseMiB: number;
  openMs: number;
  lease: Record<string, Times & { each: number }>;
  /** A hundred results, one commit. */
  record: Times;
  counts: Times;
  /** Of this process with the spool's thread: before it opened it, and the highest while leases are taken. */
  memoryBeforeMiB: number;
  memoryMiB: number;
};

function timesOf(ms: number[]): Times {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), highest: at(1) };
}

async function timed<T>(into: number[], work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const value = await work();
  into.push(performance.now() - began);
  return value;
}

const say = (text: string) =>
  void process.stderr.write(`${Math.round(performance.now() / 1000)} s: ${text}\n`);

/** Resolves with recipients a second. */
async function fill(order: Fill): Promise<number> {
  const began = performance.now();
  const child = fork(new URL("./fill.ts", import.meta.url), { signal: giveUpAfter });
  child.on("message", (n) => say(`${String(n)} stored`));
  child.send(order);
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`filling ended with ${String(code)}`);
  return ((order.to - order.from) * 1000) / (performance.now() - began);
}

/** Leases and gives back, so that the queue stays as long as it is and moves. */
async function measure(spool: Spool): Promise<Pick<Step, "lease" | "record" | "counts" | "memoryMiB">> {
  const record: number[] = [];
  const counts: number[] = [];
  const lease: Step["lease"] = {};
  let memoryMiB = 0;
  for (const [kind, asked] of Object.entries(KINDS)) {
    const times: number[] = [];
    let taken = 0;
    for (let n = 0; n < leases; n++) {
      giveUpAfter.throwIfAborted();
      const now = Date.now();
      const { leased } = await timed(times, () => spool.lease({ ...asked, now }));
      taken += leased.length;
      const outcomes = leased.map(({ id }) => ({
        recipientId: id,
        state: "queued" as const,
        nextAt: now,
        events: [],
      }));
      await timed(record, () => spool.record(outcomes, now));
      await timed(counts, () => spool.counts());
      memoryMiB = Math.max(memoryMiB, process.memoryUsage.rss() / MIB);
    }
    lease[kind] = { ...timesOf(times), each: taken / leases };
  }
  return { lease, record: timesOf(record), counts: timesOf(counts), memoryMiB };
}

const before = machine();
const directory = await mkdtemp(join(tmpdir(), "atmos-bench-queue-"));
const path = join(directory, "spool.sqlite");
const done: Step[] = [];
try {
  for (const [index, recipients] of steps.entries()) {
    say(`to ${recipients} recipients`);
    const filledPerSecond = await fill({ path, from: steps[index - 1] ?? 0, to: recipients });
    const memoryBeforeMiB = process.memoryUsage.rss() / MIB;
    const opening: number[] = [];
    const spool = await timed(opening, () => createSpool({ path, now: Date.now() }));
    const measured = await measure(spool);
    await spool.close();
    const databaseMiB = (await stat(path)).size / MIB;
    done.push({
      recipients,
      filledPerSecond,
      databaseMiB,
      openMs: opening[0]!,
      memoryBeforeMiB,
      ...measured,
    });
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}

const ms = (value: number) => value.toFixed(value < 10 ? 1 : 0);
const rows: [label: string, of: (step: Step) => string][] = [
  ...Object.keys(KINDS).flatMap((kind): [string, (step: Step) => string][] => [
    [`lease, ${kind}, p50, ms`, ({ lease }) => ms(lease[kind]!.p50)],
    [`lease, ${kind}, p99, ms`, ({ lease }) => ms(lease[kind]!.p99)],
    [`lease, ${kind}, recipients`, ({ lease }) => lease[kind]!.each.toFixed(0)],
  ]),
  ["100 results, p50, ms", ({ record }) => ms(record.p50)],
  ["100 results, p99, ms", ({ record }) => ms(record.p99)],
  ["counts, p99, ms", ({ counts }) => ms(counts.p99)],
  ["stored a second", ({ filledPerSecond }) => filledPerSecond.toFixed(0)],
  ["opened in, ms", ({ openMs }) => openMs.toFixed(0)],
  ["database, MiB", ({ databaseMiB }) => databaseMiB.toFixed(0)],
  ["memory before, MiB", ({ memoryBeforeMiB }) => memoryBeforeMiB.toFixed(0)],
  ["memory, highest, MiB", ({ memoryMiB }) => memoryMiB.toFixed(0)],
];
const report = { at: new Date().toISOString(), machine: before, steps: done };
const head = ["recipients that wait", ...done.map(({ recipients }) => String(recipients))];
process.stdout.write(
  values.json
    ? `${JSON.stringify(report, undefined, 2)}\n`
    : `${table([head, ...rows.map(([label, of]) => [label, ...done.map(of)])])}\n`,
);
