/**
 * The checks: domains a second in the labeler's rounds, against a name server that takes its time. With `--peer PYTHON`,
 * an interpreter that has checkdmarc, its MX, SPF and DMARC of the same domains in the same run. See
 * docs/benchmarks.md.
 *
 *   node bench/checks/run.ts [--peer PYTHON] [--domains 2000] [--seconds 85] [--json]
 */
import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { busySeconds, cpuSeconds, machine, memoryMiB } from "../machine.ts";
import type { Told } from "./domains.ts";

const { values } = parseArgs({
  options: {
    peer: { type: "string" },
    domains: { type: "string", default: "2000" },
    seconds: { type: "string", default: "85" },
    json: { type: "boolean", default: false },
  },
});
const bounded = (text: string, most: number) => Math.min(most, Math.max(1, Number(text)));
const domains = bounded(values.domains, 50_000);
const seconds = bounded(values.seconds, 1_800);
/** As many as ours checks at once. */
const THREADS = 96;
const GOAL = 10_000;

type Figures = Record<string, number>;
/** A process that says it is ready, is told to go, and says what it did. */
type Side = { process: ChildProcess; go(): void; told(): Promise<Told> };

const path = (script: string) => join(import.meta.dirname, script);
const kept = {
  execArgv: [],
  stdio: ["ignore", "ignore", "inherit", "ipc"] as ["ignore", "ignore", "inherit", "ipc"],
};

async function orEnd<T>(child: ChildProcess, answer: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const ended = once(child, "exit", { signal: stop.signal }).then(([code]): never => {
    throw new Error(`a process of the benchmark ended with ${code}`);
  });
  ended.catch(() => undefined);
  return Promise.race([answer, ended]).finally(() => stop.abort());
}

function ours(dir: string, port: number): Side {
  const child = fork(path("checker.ts"), [dir, port, domains, seconds].map(String), kept);
  return {
    process: child,
    go: () => void child.send("go"),
    told: () =>
      orEnd(
        child,
        once(child, "message").then(([told]) => told as Told),
      ),
  };
}

function theirs(python: string, port: number): Side {
  const args = [path("peer.py"), ...[port, domains, seconds, THREADS].map(String)];
  const child = spawn(python, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  return {
    process: child,
    go: () => void child.stdin.write("go\n"),
    told: () =>
      orEnd(
        child,
        once(lines, "line").then(([line]) => JSON.parse(String(line)) as Told),
      ),
  };
}

async function measure(start: (dir: string, port: number) => Side): Promise<Figures> {
  const dir = mkdtempSync(join(tmpdir(), "atmos-bench-checks-"));
  const zone = fork(path("zone.ts"), [], kept);
  const [port] = (await orEnd(zone, once(zone, "message"))) as [number];
  const side = start(dir, port);
  const { pid } = side.process;
  try {
    await side.told();
    const idle = memoryMiB([pid!]);
    const before = { cpu: cpuSeconds([pid!]), zone: cpuSeconds([zone.pid!]), busy: busySeconds() };
    let peak = idle;
    const sampler = setInterval(() => (peak = Math.max(peak, memoryMiB([pid!]))), 1_000);
    side.go();
    const told = await side.told().finally(() => clearInterval(sampler));
    if (told.is !== "done") throw new Error("a side said twice that it is ready");
    const cpu = cpuSeconds([pid!]) - before.cpu;
    const served = cpuSeconds([zone.pid!]) - before.zone;
    const others = busySeconds() - before.busy - cpu - served;
    const counted = once(zone, "message");
    zone.send("count");
    const [questions] = (await orEnd(zone, counted)) as [number];
    const rate = (told.checked / told.ms) * 1000;
    return {
      "domains checked": told.checked,
      seconds: told.ms / 1000,
      "domains a second": rate,
      [`${GOAL} domains at that rate, minutes`]: GOAL / rate / 60,
      "sound, %": (told.verified / told.checked) * 100,
      "left open by silence, %": (told.unknown / told.checked) * 100,
      "failed, %": (told.broken / told.checked) * 100,
      "questions a domain": questions / told.checked,
      "CPU a domain, ms": (cpu / told.checked) * 1000,
      "CPU, cores": cpu / (told.ms / 1000),
      "memory before, MiB": idle,
      "memory, peak, MiB": peak,
      "CPU of the name server, cores": served / (told.ms / 1000),
      "CPU used by others, cores": others / (told.ms / 1000),
    };
  } finally {
    side.process.kill("SIGKILL");
    zone.kill("SIGKILL");
    rmSync(dir, { recursive: true, force: true });
  }
}

const before = machine();
const { peer } = values;
const first = await measure(ours);
const second = peer === undefined ? undefined : await measure((_, port) => theirs(peer, port));
if (values.json)
  process.stdout.write(`${JSON.stringify({ machine: before, ours: first, theirs: second }, null, 2)}\n`);
else {
  process.stdout.write(
    `${JSON.stringify(before)}\n\n| | atmos | checkdmarc | ratio |\n| --- | --: | --: | --: |\n`,
  );
  const digits = (n: number) => n.toFixed(n < 100 ? 2 : 0);
  for (const [name, value] of Object.entries(first)) {
    const other = second?.[name];
    const cells = [
      digits(value),
      other === undefined ? "" : digits(other),
      other ? (value / other).toFixed(2) : "",
    ];
    process.stdout.write(`| ${[name, ...cells].join(" | ")} |\n`);
  }
}
