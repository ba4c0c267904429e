/**
 * Messages a second that `inspect` reads, beside Sisimai (bounces) and parsedmarc (DMARC reports), in turn in one run. See
 * docs/benchmarks.md.
 *
 *   bash bench/inspect/setup.sh && node bench/inspect/run.ts [--rounds 3] [--seconds 5] [--json]
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { busySeconds, machine } from "../machine.ts";
import { range, table } from "../report.ts";
import { CORPORA, messagesOf, type Corpus } from "./corpus.ts";

/** `memory` in MiB, at its highest; `understood`: the share of messages that something was read from. */
export type Told = { count: number; ms: number; cpuMs: number; memory: number; understood: number };

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
const here = (name: string) => join(import.meta.dirname, name);

const PEERS: Record<Corpus, { name: string; command: readonly [string, string] }> = {
  bounces: { name: "Sisimai", command: ["/usr/bin/perl", here("peer.pl")] },
  "DMARC reports": {
    name: "parsedmarc",
    command: [join(cache, "parsedmarc/bin/python"), here("peer.py")],
  },
};
const run = promisify(execFile);

async function tell([program, script]: readonly [string, string], file: string): Promise<Told> {
  const busy = busySeconds();
  const { stdout } = await run(program, [script, file, seconds], { timeout: 300_000 });
  const told = JSON.parse(stdout) as Told;
  process.stderr.write(
    `${script.split("/").at(-1)}: ${JSON.stringify(told)}, all ${busySeconds() - busy} s of CPU\n`,
  );
  return told;
}

const FIGURES: readonly [string, (told: Told) => number, number][] = [
  ["messages a second", ({ count, ms }) => (count / ms) * 1000, 0],
  ["CPU a message, ms", ({ count, cpuMs }) => cpuMs / count, 3],
  ["memory, peak, MiB", ({ memory }) => memory, 0],
  ["read, %", ({ understood }) => understood * 100, 1],
];

const before = machine();
const dir = mkdtempSync(join(tmpdir(), "atmos-bench-inspect-"));
try {
  const results = [];
  for (const corpus of CORPORA) {
    const messages = messagesOf(corpus);
    const file = join(dir, "messages");
    writeFileSync(file, messages.map((raw) => `${Buffer.from(raw).toString("base64")}\n`).join(""));
    const pairs: [Told, Told][] = [];
    for (let round = 0; round < rounds; round++)
      pairs.push([
        await tell([process.execPath, here("ours.ts")], file),
        await tell(PEERS[corpus].command, file),
      ]);
    results.push({ corpus, peer: PEERS[corpus].name, messages: messages.length, pairs });
  }
  const tables = results.map(({ corpus, peer, messages, pairs }) =>
    table([
      [`${corpus}, ${messages} messages`, "atmos", peer, "ratio (low to high)"],
      ...FIGURES.map(([name, of, digits]) => {
        const [ours, theirs] = [0, 1].map((side) =>
          range(pairs.map((pair) => of(pair[side]!))).median.toFixed(digits),
        );
        const { median, low, high } = range(pairs.map(([a, b]) => of(a) / of(b)));
        return [name, ours!, theirs!, `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`];
      }),
    ]),
  );
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ machine: before, results }, undefined, 2)}\n`
      : `${JSON.stringify(before)}\n\n${tables.join("\n\n")}\n`,
  );
} finally {
  rmSync(dir, { recursive: true, force: true });
}
