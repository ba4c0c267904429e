/**
 * How long a page of the message log takes with a million messages in it, beside grep over the same as Postfix logs it:
 * `npm run bench:messages`. `--json` prints the figures, `--messages 100000` makes it shorter.
 */
import { execFileSync } from "node:child_process";
import { createWriteStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { createMessagePages } from "../../src/roles/queries/index.ts";
import { openCore } from "../../src/roles/core/core.fixture.ts";
import { builtInShaping } from "../../src/shaping/index.ts";
import { createSpool } from "../../src/spool/index.ts";
import { messageWeb } from "./web.ts";
import { fillSpool, FIRST, logLines, MEMBER, STEP_MS } from "./fill.ts";
import { range } from "../report.ts";

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, messages: { type: "string", default: "1000000" } },
});
const count = Number(values.messages);
if (!Number.isInteger(count) || count < 1_000 || count > 5_000_000)
  throw new Error("--messages is a number from 1,000 to 5,000,000");
const say = (line: string) => void (values.json || process.stderr.write(`${line}\n`));
const ROUNDS = 15;
const DAY_MS = 86_400_000;
const day = (at: number) => new Date(at).toISOString().slice(0, 10);

const dir = mkdtempSync(join(tmpdir(), "atmos-bench-messages-"));
try {
  say(`${count} messages are made ...`);
  const path = join(dir, "spool.sqlite");
  fillSpool(path, count);
  const log = join(dir, "mail.log");
  await pipeline(Readable.from(logLines(count)), createWriteStream(log));

  const spool = await createSpool({ path });
  const here = await openCore(FIRST + count * STEP_MS);
  here.core.admission.join(MEMBER, "Ada");
  const shaping = builtInShaping();
  const web = messageWeb(
    createMessagePages({ core: here.core, spool, shaping, clock: here.clock }),
    here.clock,
  );

  const last = FIRST + count * STEP_MS;
  const known = `person${(count - 5) % 50_000}@${["gmail.com", "outlook.com", "web.de", "example.org"][(count - 5) % 4]}`;
  const questions: [string, () => Promise<Response>][] = [
    ["the latest", () => web.get("/messages")],
    ["bounced", () => web.get("/messages?state=bounced")],
    ["one provider", () => web.get("/messages?provider=google")],
    [
      "a day two weeks ago",
      () => web.get(`/messages?since=${day(last - 14 * DAY_MS)}&until=${day(last - 14 * DAY_MS)}`),
    ],
    ["one message", () => web.get(`/messages/m${count - 1}`)],
    ["trace of an address", () => web.post("/trace", { address: known })],
    ["trace of one who had none", () => web.post("/trace", { address: "nobody@example.org" })],
  ];
  const figures: Record<string, { ms: ReturnType<typeof range>; bytes: number }> = {};
  for (const [name, ask] of questions) {
    const times: number[] = [];
    let bytes = 0;
    for (let i = 0; i < ROUNDS; i++) {
      const begun = performance.now();
      const response = await ask();
      const text = await response.text();
      times.push(performance.now() - begun);
      if (response.status !== 200) throw new Error(`${name}: ${response.status}`);
      bytes = text.length;
    }
    figures[name] = { ms: range(times), bytes };
    say(`${name}: ${times.length} times`);
  }

  const grep = range(
    Array.from({ length: 5 }, () => {
      const begun = performance.now();
      execFileSync("grep", ["-F", `to=<${known}>`, log], { maxBuffer: 1e9 });
      return performance.now() - begun;
    }),
  );

  const waits: number[] = [];
  const over = new AbortController();
  const others = (async () => {
    while (!over.signal.aborted) {
      const begun = performance.now();
      await spool.message("m1");
      waits.push(performance.now() - begun);
    }
  })();
  for (let i = 0; i < 5; i++) await web.post("/trace", { address: "nobody@example.org" });
  over.abort();
  await others;

  const result = {
    messages: count,
    logBytes: statSync(log).size,
    figures,
    grep,
    waitWhileSearching: range(waits),
  };
  if (values.json) console.log(JSON.stringify(result, null, 2));
  else {
    console.log(`\n| Page | median ms | slowest | kB |\n| --- | --- | --- | --- |`);
    for (const [name, { ms, bytes }] of Object.entries(figures))
      console.log(
        `| ${name} | ${ms.median.toFixed(0)} | ${ms.high.toFixed(0)} | ${(bytes / 1000).toFixed(0)} |`,
      );
    const trace = figures["trace of an address"]!.ms.median;
    console.log(
      `\ngrep for the same address over ${(result.logBytes / 1e6).toFixed(0)} MB of Postfix's log: ${grep.median.toFixed(0)} ms (ratio ${(trace / grep.median).toFixed(2)})`,
    );
    console.log(
      `Another question to the spool meanwhile: median ${result.waitWhileSearching.median.toFixed(1)} ms, slowest ${result.waitWhileSearching.high.toFixed(0)} ms`,
    );
  }
  await spool.close();
} finally {
  rmSync(dir, { recursive: true });
}
