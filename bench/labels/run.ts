/**
 * The labeler: labels signed and kept a second, a thousand subscribers at a hundred labels a second with ten that do
 * not read, and what 10,000 members cost. With `--peer FOLDER`, where `npm i @skyware/labeler` was run, the same of
 * that labeler in the same run. See docs/benchmarks.md.
 *
 *   node bench/labels/run.ts [--peer FOLDER] [--members 10000] [--subscribers 1000] [--seconds 30] [--json]
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cpuSeconds, machine, memoryMiB } from "../machine.ts";
import { didOf } from "./names.ts";
import type { Order, Report } from "./server.ts";
import type { Counted } from "./subscribers.ts";

const { values } = parseArgs({
  options: {
    peer: { type: "string" },
    members: { type: "string", default: "10000" },
    subscribers: { type: "string", default: "1000" },
    seconds: { type: "string", default: "30" },
    json: { type: "boolean", default: false },
  },
});
const bounded = (text: string, most: number) => Math.min(most, Math.max(1, Number(text)));
const members = bounded(values.members, 50_000);
const subscribers = bounded(values.subscribers, 5_000);
const seconds = bounded(values.seconds, 600);
const PER_SECOND = 100;
const STALLED = 10;
/** Members 1 to `members` are the stock; those of the stream come after. */
const FIRST = 1;
const say = (text: string) => void process.stderr.write(`${text}\n`);

type Figures = Record<string, number>;

function start(script: string, args: string[]): ChildProcess {
  return fork(join(import.meta.dirname, script), args, {
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
}

async function ask<T>(child: ChildProcess, order?: Order | "count"): Promise<T> {
  const answer = once(child, "message");
  if (order !== undefined) child.send(order);
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`a process of the benchmark ended with ${code}`);
  });
  const [message] = await Promise.race([answer, ended]);
  return message as T;
}

async function measure(name: string, peer: string[]): Promise<Figures> {
  const dir = mkdtempSync(join(tmpdir(), "atmos-bench-labels-"));
  const server = start("server.ts", [dir, ...peer]);
  try {
    const { port } = await ask<Report & { is: "ready" }>(server);
    const memory = () => memoryMiB([server.pid!]);
    const empty = memory();
    say(`${name}: ${members} members`);
    const made = await ask<Report & { is: "done" }>(server, { do: "members", from: FIRST, count: members });
    const full = memory();
    const origin = `http://127.0.0.1:${port}/xrpc/com.atproto.label.queryLabels`;
    const one = await timed(
      500,
      (i) => `${origin}?uriPatterns=${encodeURIComponent(didOf(FIRST + ((i * 7919) % members)))}`,
    );
    const page = await timed(50, () => `${origin}?uriPatterns=*&limit=250`);

    say(`${name}: ${subscribers} subscribers, ${STALLED} of them stalled, ${PER_SECOND} labels a second`);
    const crowd = start("subscribers.ts", [String(port), String(subscribers), String(STALLED)]);
    try {
      await ask(crowd);
      const before = { cpu: cpuSeconds([server.pid!]), crowd: cpuSeconds([crowd.pid!]) };
      const order: Order = { do: "rate", from: FIRST + members, perSecond: PER_SECOND, seconds };
      const said = await ask<Report & { is: "done" }>(server, order);
      const ended = performance.now();
      let counted = await ask<Counted>(crowd, "count");
      while (counted.fewest < said.labels && performance.now() - ended < 60_000) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        counted = await ask<Counted>(crowd, "count");
      }
      return {
        "labels signed and kept a second": (made.labels / made.ms) * 1000,
        "labels of the members": made.labels,
        "memory, empty, MiB": empty,
        "memory with the members, MiB": full,
        "queryLabels of one account, p50, ms": one,
        "queryLabels of *, 250 labels, p50, ms": page,
        "labels a second, reached": (said.labels / said.ms) * 1000,
        "labels said": said.labels,
        "labels at the reading subscriber with fewest": counted.fewest,
        "reading subscribers still connected": counted.connected,
        "cts to arrival, p50, ms": counted.p50,
        "cts to arrival, p99, ms": counted.p99,
        "cts to arrival, highest, ms": counted.max,
        "last label said to all have it, ms": performance.now() - ended,
        "CPU of the labeler, cores": (cpuSeconds([server.pid!]) - before.cpu) / (said.ms / 1000),
        "CPU of the subscribers, cores": (cpuSeconds([crowd.pid!]) - before.crowd) / (said.ms / 1000),
        "memory with the subscribers, MiB": memory(),
      };
    } finally {
      crowd.kill("SIGKILL");
    }
  } finally {
    server.kill("SIGKILL");
    await once(server, "exit").catch(() => undefined);
    rmSync(dir, { recursive: true, force: true });
  }
}

async function timed(times: number, url: (i: number) => string): Promise<number> {
  const taken: number[] = [];
  for (let i = 0; i < times; i++) {
    const began = performance.now();
    const response = await fetch(url(i));
    await response.arrayBuffer();
    taken.push(performance.now() - began);
  }
  return taken.toSorted((a, b) => a - b)[times >> 1]!;
}

const before = machine();
const ours = await measure("atmos", []);
const theirs = values.peer === undefined ? undefined : await measure("@skyware/labeler", [values.peer]);
if (values.json) process.stdout.write(`${JSON.stringify({ machine: before, ours, theirs }, null, 2)}\n`);
else {
  process.stdout.write(
    `${JSON.stringify(before)}\n\n| | atmos | @skyware/labeler | ratio |\n| --- | --: | --: | --: |\n`,
  );
  const digits = (n: number) => n.toFixed(n < 10 ? 2 : 0);
  for (const [name, value] of Object.entries(ours)) {
    const other = theirs?.[name];
    const cells = [
      digits(value),
      other === undefined ? "" : digits(other),
      other ? (value / other).toFixed(2) : "",
    ];
    process.stdout.write(`| ${[name, ...cells].join(" | ")} |\n`);
  }
}
