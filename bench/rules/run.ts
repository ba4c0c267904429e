/**
 * Events a second that the shipped rules judge, with the trace of every rule and without, beside Osprey's own engine, in
 * turn in one run. Both must find the same number of rules that hold.
 *
 *   npm run bench:rules -- [--rounds 3] [--seconds 5] [--json]
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { busySeconds, machine } from "../machine.ts";
import { range, table } from "../report.ts";
import { events, shippedRules } from "./events.ts";

/** `memory` in MiB, at its highest; `fired`: rules that hold over all events once. */
export type Told = { count: number; ms: number; cpuMs: number; memory: number; fired: number };

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "5" },
    json: { type: "boolean", default: false },
  },
});
const bounded = (text: string, most: number) => Math.min(most, Math.max(1, Number(text)));
const rounds = bounded(values.rounds, 20);
const seconds = String(bounded(values.seconds, 60));
const cache = process.env["ATMOS_TEST_CACHE"] ?? join(homedir(), ".cache/atmosphere-mail-test");
const osprey = join(cache, "osprey-1.1.0");
const python = join(cache, "osprey-1.1.0-python/bin/python");
const here = (name: string) => join(import.meta.dirname, name);
const run = promisify(execFile);

async function tell(program: string, args: string[]): Promise<Told> {
  const busy = busySeconds();
  const { stdout } = await run(program, args, { timeout: 300_000 });
  const told = JSON.parse(stdout) as Told;
  process.stderr.write(
    `${args[0]!.split("/").at(-1)}: ${stdout.trim()}, all ${busySeconds() - busy} s of CPU\n`,
  );
  return told;
}

const FIGURES: readonly [string, (told: Told) => number, number][] = [
  ["events a second", ({ count, ms }) => (count / ms) * 1000, 0],
  ["events a second of CPU", ({ count, cpuMs }) => (count / cpuMs) * 1000, 0],
  ["memory, peak, MiB", ({ memory }) => memory, 0],
];

const before = machine();
const dir = mkdtempSync(join(tmpdir(), "atmos-bench-rules-"));
try {
  const file = join(dir, "case.json");
  const { files, labels } = shippedRules();
  writeFileSync(file, JSON.stringify({ name: "bench", files, labels_config: labels, events: events() }));
  const hasPeer = existsSync(python) && existsSync(osprey);
  const sides = [
    { name: "atmos", run: () => tell(process.execPath, [here("ours.ts"), file, seconds, "none"]) },
    { name: "atmos, traced", run: () => tell(process.execPath, [here("ours.ts"), file, seconds, "trace"]) },
    ...(hasPeer
      ? [{ name: "Osprey 1.1.0", run: () => tell(python, [here("peer.py"), osprey, file, seconds]) }]
      : []),
  ];
  const told: Told[][] = [];
  for (let round = 0; round < rounds; round++) {
    const row: Told[] = [];
    for (const side of sides) row.push(await side.run());
    if (new Set(row.map(({ fired }) => fired)).size > 1)
      throw new Error(`not the same rules hold: ${JSON.stringify(row)}`);
    told.push(row);
  }
  const column = (at: number, of: (told: Told) => number) => told.map((row) => of(row[at]!));
  const lines = FIGURES.map(([name, of, digits]) => [
    name,
    ...sides.map((_, at) => range(column(at, of)).median.toFixed(digits)),
    ...(hasPeer
      ? [0, 1].map((at) => {
          const { median, low, high } = range(told.map((row) => of(row[at]!) / of(row[2]!)));
          return `${median.toFixed(1)} (${low.toFixed(1)} to ${high.toFixed(1)})`;
        })
      : []),
  ]);
  const head = [
    "shipped rules",
    ...sides.map(({ name }) => name),
    ...(hasPeer ? ["ratio", "ratio, traced"] : []),
  ];
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ machine: before, sides: sides.map(({ name }) => name), told }, undefined, 2)}\n`
      : `${JSON.stringify(before)}\n\n${table([head, ...lines])}\n`,
  );
} finally {
  rmSync(dir, { recursive: true, force: true });
}
