/**
 * How often the shipped rules speak for nothing, and how fast they speak when they should: `npm run bench:standing`.
 * `--json` prints the figures; `--scale 0.1` is a tenth of the years; `--write` puts the tables and plots into docs/.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { judged, STOPPED } from "./breaker.ts";
import { incident } from "./incident.ts";
import { createJudge } from "./judge.ts";
import { PLOTS } from "./plots.ts";
import { tables, withTables, type Results } from "./report.ts";
import {
  abuse,
  BAD_BOUNCES,
  BAD_COMPLAINTS,
  honest,
  HONEST_BOUNCES,
  HONEST_COMPLAINTS,
  VOLUMES,
} from "./scenarios.ts";
import { STRANGERS, signUps } from "./strangers.ts";
import { RUNS, steal } from "./thief.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    scale: { type: "string", default: "1" },
    seed: { type: "string", default: "7" },
  },
});
const size = { seed: Number(values.seed), scale: Number(values.scale) };
if (!Number.isInteger(size.seed) || !(size.scale > 0 && size.scale <= 10))
  throw new Error("--seed is an integer, --scale a number above 0 and up to 10");

const judge = await createJudge();
const steps: [name: string, run: () => Promise<void> | void][] = [];
const results: Results = {
  ...size,
  honest: [],
  bounces: [],
  complaints: [],
  thief: [],
  breaker: [],
  strangers: [],
  incident: [],
};

for (const perDay of VOLUMES) {
  for (const bounce of HONEST_BOUNCES)
    for (const complaint of HONEST_COMPLAINTS)
      steps.push([
        `honest, ${perDay} a day, ${bounce * 100} % bounce, ${complaint * 100} % complain`,
        () => void results.honest.push(honest(judge, perDay, { bounce, complaint }, size)),
      ]);
  for (const bounce of BAD_BOUNCES)
    steps.push([
      `${perDay} a day, ${bounce * 100} % bounce`,
      () => void results.bounces.push(abuse(judge, perDay, { bounce, complaint: 0.0002 }, size)),
    ]);
  for (const complaint of BAD_COMPLAINTS)
    steps.push([
      `${perDay} a day, ${complaint * 100} % complain`,
      () => void results.complaints.push(abuse(judge, perDay, { bounce: 0.01, complaint }, size)),
    ]);
}
for (const run of RUNS)
  steps.push([
    `a thief with ${run.text} text, ${run.perMinute} a minute`,
    async () => void results.thief.push(await steal(run, size.seed)),
  ]);
for (const stopped of STOPPED)
  steps.push([stopped.who, () => void results.breaker.push(judged(judge, stopped, size.seed))]);
for (const aDay of STRANGERS)
  steps.push([
    `strangers sign up ${aDay} dead addresses a day`,
    () => void results.strangers.push(signUps(judge, aDay, size)),
  ]);

steps.push([
  "a provider refuses people who are there",
  () => void (results.incident = incident(judge, size.seed)),
]);

const started = performance.now();
for (const [i, [name, run]] of steps.entries()) {
  process.stderr.write(
    `${i + 1}/${steps.length} ${Math.round((performance.now() - started) / 1_000)} s: ${name}\n`,
  );
  await run();
}

const docs = new URL("../../docs/", import.meta.url);
if (values.write) {
  await mkdir(new URL("plots/", docs), { recursive: true });
  for (const [name, draw] of Object.entries(PLOTS))
    await writeFile(new URL(`plots/${name}.svg`, docs), draw(results));
  const page = new URL("rules-measured.md", docs);
  await writeFile(page, withTables(await readFile(page, "utf8"), tables(results)));
}
process.stdout.write(
  values.json ? `${JSON.stringify(results)}\n` : `${Object.values(tables(results)).join("\n\n")}\n`,
);
