/**
 * A full queue, delivered: to a fast sink on loopback, and to 500 domains that are 200 ms away, beside Postfix and
 * Haraka. See docs/benchmarks.md.
 *
 *   npm run bench:delivery -- [--json] [--rounds 3] [--minutes 6] [--roles relay] [--only ours] [--chunking no]
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { establish } from "../established.ts";
import { machine } from "../machine.ts";
import { startSink } from "../relay/throughput.ts";
import { startOurs, type Side } from "../sides.ts";
import { startHaraka } from "../submission/haraka.ts";
import { startWorld, type World } from "../world.ts";
import { measure, type Delivered, type Scenario } from "./measure.ts";
import { startSender } from "./postfix.ts";
import { OURS, ratiosOf, scenarioTable, type Measured } from "./report.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
    minutes: { type: "string", default: "6" },
    roles: { type: "string" },
    only: { type: "string" },
    chunking: { type: "string", default: "yes" },
  },
});
const rounds = Math.max(1, Number(values.rounds));
const endBy = Number(values.minutes) * 60_000;

const LATENCY_MS = 200;
const DOMAINS = 500;
const SIZE = 4_096;
/** Over all, and to one destination: of every side in both scenarios. */
const CONNECTIONS = 200;
const TO_ONE = 5;
/** A connection of the load is one of these, and each writes to so many recipients of its own. */
const SPREAD = 40;
/** Of the 300 that a member of tier `trusted` may send at once. */
const MESSAGES_PER_MEMBER = 260;
/** So many logins in a row, each with its own domains, write to all domains equally often. */
const LOGINS = 25;
const FAST_MESSAGES = 1_000;
const FAR_MESSAGES = 2 * DOMAINS;
const WARM_UP_MESSAGES = 400;

const FAR = Array.from({ length: DOMAINS }, (_, n) => ({
  domain: `far${n}.test`,
  host: `mx${n}.far.test`,
  address: `127.50.${Math.floor(n / 250)}.${1 + (n % 250)}`,
}));

const say = (text: string) =>
  void process.stderr.write(`${Math.round(performance.now() / 1000)} s: ${text}\n`);

function publishFar({ zones }: World): void {
  for (const { domain, host, address } of FAR) {
    zones.set(domain, "MX", { preference: 10, exchange: host });
    zones.set(host, "A", { address });
  }
}

const before = machine();
await using stack = new AsyncDisposableStack();
const directory = await mkdtemp(join(tmpdir(), "atmos-bench-delivery-"));
stack.defer(() => rm(directory, { recursive: true, force: true }));
const world = stack.use(await startWorld());
publishFar(world);
const fast = stack.use(await startSink(world));
const far = stack.use(
  await startSink(world, {
    hosts: FAR.map(({ address }) => address),
    names: ["*.far.test"],
    latencyMs: LATENCY_MS,
    chunking: values.chunking !== "no",
  }),
);

const same = { perConnection: SPREAD, size: SIZE, toOne: TO_ONE };
const SCENARIOS: Scenario[] = [
  { ...same, name: "fast sink", sink: fast, connections: 4 * TO_ONE, messages: FAST_MESSAGES },
  {
    ...same,
    name: `${DOMAINS} domains, ${LATENCY_MS} ms away`,
    sink: far,
    connections: CONNECTIONS,
    messages: FAR_MESSAGES,
    recipientDomains: FAR.map(({ domain }) => domain),
    spread: SPREAD,
  },
];
const WARM_UP: Scenario = { ...SCENARIOS[0]!, name: "warm up", messages: WARM_UP_MESSAGES };

const shapingFile = join(directory, "shaping.toml");
await writeFile(shapingFile, `[default]\nconnections = ${TO_ONE}\nconnections_per_address = ${TO_ONE}\n`);
const messages = WARM_UP_MESSAGES + rounds * SCENARIOS.reduce((sum, scenario) => sum + scenario.messages, 0);
const members = LOGINS * Math.ceil(messages / MESSAGES_PER_MEMBER / LOGINS);
say(`enrolling ${members} members`);
const ours = stack.use(await startOurs(world, members, { ATMOS_SHAPING_FILE: shapingFile }));
if (values.roles !== undefined) await ours.restart(values.roles);
await establish(ours, { sizes: [SIZE] });

/** A peer knows one login. */
const often = (side: Side): Side => ({
  ...side,
  logins: Array.from({ length: LOGINS }, () => side.logins[0]!),
});

type Adjusted = { side: Side; adjust?: (scenario: Scenario) => Promise<void> };
const sides: Adjusted[] = [{ side: { ...ours, name: OURS } }];
if (values.only !== "ours") {
  const postfix = { connections: CONNECTIONS, toOne: TO_ONE };
  const reuse = { smtp_tls_connection_reuse: "yes" };
  const haraka = stack.use(await startHaraka(world, { signs: false }));
  sides.push(
    { side: often(stack.use(await startSender(world, { ...postfix, name: "Postfix" }))) },
    {
      side: often(
        stack.use(await startSender(world, { ...postfix, name: "Postfix, reuse", settings: reuse })),
      ),
    },
    // It knows one limit, over all.
    { side: often(haraka), adjust: ({ connections }) => haraka.setDeliveries(connections) },
  );
}

async function once({ side, adjust }: Adjusted, scenario: Scenario): Promise<Delivered> {
  await adjust?.(scenario);
  const result = await measure(side, scenario);
  say(`${scenario.name}, ${side.name}: ${result.perSecond.toFixed(0)}/s, ${result.cpu.toFixed(2)} ms`);
  return result;
}

for (const side of sides) await once(side, WARM_UP);

/** In turn: every side in every scenario, then all again; a second time only what is likely to end in time. */
const measured: (Measured & { longest: number })[] = SCENARIOS.map(({ name }) => ({
  scenario: name,
  rounds: [],
  longest: 0,
}));
for (let round = 0; round < rounds; round++) {
  for (const [index, scenario] of SCENARIOS.entries()) {
    const of = measured[index]!;
    const began = performance.now();
    if (began + of.longest > endBy) continue;
    const results: Record<string, Delivered> = {};
    for (const side of sides) results[side.side.name] = await once(side, scenario);
    of.rounds.push(results);
    of.longest = Math.max(of.longest, performance.now() - began);
  }
}

const report = {
  at: new Date().toISOString(),
  machine: before,
  seconds: Math.round(performance.now() / 1000),
  roles: values.roles,
  chunking: values.chunking,
  measured: measured.map((one) => ({ ...one, ratios: ratiosOf(one) })),
};
process.stdout.write(
  values.json ? `${JSON.stringify(report, undefined, 2)}\n` : `${measured.map(scenarioTable).join("\n\n")}\n`,
);
