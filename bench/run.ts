/**
 * The product beside Postfix with OpenDKIM, in one run on one machine. See docs/benchmarks.md.
 *
 *   npm run bench -- [--json] [--rounds 3] [--roles relay]
 */
import { parseArgs } from "node:util";
import { coldStarts } from "./cold-start.ts";
import { establish } from "./established.ts";
import { machine } from "./machine.ts";
import { coldStartTable, compare, throughputTable, type Compared } from "./report.ts";
import { measure, MESSAGE_OCTETS, startSink, type Measured, type Scenario } from "./relay/throughput.ts";
import { startOurs, startPeer, type Side } from "./sides.ts";
import { startWorld } from "./world.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
    roles: { type: "string" },
  },
});
const rounds = Math.min(5, Math.max(1, Number(values.rounds)));
const WARM_UP: Scenario = { name: "warm up", messages: 400, perConnection: 20 };
const SCENARIOS: Scenario[] = [
  { name: "connections kept", messages: 1_500, perConnection: 50 },
  { name: "a connection for each message", messages: 500, perConnection: 1 },
];
/** Of the 300 that a member of tier `trusted` may send in five minutes. */
const MESSAGES_PER_MEMBER = 150;

/** On a busy machine there are fewer rounds than asked for: the whole stays below five minutes. */
const NO_MORE_ROUNDS_MS = 150_000;

const say = (text: string) => void process.stderr.write(`${text}\n`);

async function alternate(sides: readonly [Side, Side], run: (side: Side) => Promise<Measured>) {
  const pairs: [Measured, Measured][] = [];
  for (let round = 0; round < rounds && (round === 0 || performance.now() < NO_MORE_ROUNDS_MS); round++)
    pairs.push([await run(sides[0]), await run(sides[1])]);
  return pairs;
}

const before = machine();
await using world = await startWorld();
await using sink = await startSink(world);
const messages = WARM_UP.messages + rounds * SCENARIOS.reduce((sum, scenario) => sum + scenario.messages, 0);
say("enrolling members");
await using ours = await startOurs(world, Math.ceil(messages / MESSAGES_PER_MEMBER));
if (values.roles !== undefined) await ours.restart(values.roles);
await establish(ours, { sizes: [MESSAGE_OCTETS] });

const compared: Compared[] = [];
{
  await using peer = await startPeer(world);
  for (const side of [ours, peer]) await measure(side, sink, WARM_UP);
  for (const scenario of SCENARIOS) {
    say(scenario.name);
    const pairs = await alternate([ours, peer], (side) => measure(side, sink, scenario));
    compared.push(compare(scenario.name, pairs));
  }
}
say("cold start");
const starts = await coldStarts(world, ours, rounds + 2);

const report = {
  at: new Date().toISOString(),
  machine: before,
  rounds,
  roles: values.roles,
  compared,
  starts,
};
process.stdout.write(
  values.json
    ? `${JSON.stringify(report, undefined, 2)}\n`
    : `${[...compared.map(throughputTable), coldStartTable(starts)].join("\n\n")}\n`,
);
