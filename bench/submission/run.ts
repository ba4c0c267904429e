/**
 * What submission costs until the 250, beside Postfix with OpenDKIM and Haraka. See docs/benchmarks.md.
 *
 *   npm run bench:submission -- [--json] [--rounds 5] [--minutes 10] [--roles relay]
 */
import { parseArgs } from "node:util";
import { establish } from "../established.ts";
import { machine } from "../machine.ts";
import { startSink } from "../relay/throughput.ts";
import { startOurs, startPeer, type Side } from "../sides.ts";
import { startWorld } from "../world.ts";
import { startHaraka } from "./haraka.ts";
import { measure, type Accepted, type Scenario, type Signer } from "./measure.ts";
import { ratiosOf, scenarioTable, type Measured } from "./report.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    minutes: { type: "string", default: "10" },
    roles: { type: "string" },
  },
});
const rounds = Math.max(1, Number(values.rounds));
/** On a busy machine there are fewer rounds than asked for. */
const noMoreRounds = Number(values.minutes) * 60_000;

const KIB = 1024;
const WARM_UP: Scenario = {
  name: "warm up",
  messages: 300,
  connections: 20,
  perConnection: 15,
  size: 4 * KIB,
};
const SCENARIOS: Scenario[] = [
  { name: "4 KiB, connections kept", messages: 800, connections: 20, perConnection: 40, size: 4 * KIB },
  { name: "4 KiB, a connection each", messages: 400, connections: 20, perConnection: 1, size: 4 * KIB },
  { name: "100 KiB, connections kept", messages: 300, connections: 20, perConnection: 15, size: 100 * KIB },
  { name: "100 KiB, a connection each", messages: 200, connections: 20, perConnection: 1, size: 100 * KIB },
];
/** Of the first scenario, as fast as half of what each side accepted there. */
const HALF_LOAD_SECONDS = 5;
const MESSAGES_A_ROUND = 2_000;
/** Of the 300 that a member of tier `trusted` may send at once. */
const MESSAGES_PER_MEMBER = 280;

/** Deliveries are held back: no message of the load makes Postfix slow down, and it looks up no client's name. */
const POSTFIX = {
  in_flow_delay: "0",
  smtpd_peername_lookup: "no",
  smtpd_tls_loglevel: "0",
  smtp_tls_loglevel: "0",
  milter_connect_macros: "",
  milter_helo_macros: "",
  milter_mail_macros: "",
  milter_rcpt_macros: "",
  milter_data_macros: "",
  milter_end_of_header_macros: "",
  milter_end_of_data_macros: "i",
};

const say = (text: string) => void process.stderr.write(`${text}\n`);

const before = machine();
await using world = await startWorld();
await using sink = await startSink(world);
const members = 2 * Math.ceil((rounds * MESSAGES_A_ROUND) / MESSAGES_PER_MEMBER);
say(`enrolling ${members} members`);
await using ours = await startOurs(world, members);
if (values.roles !== undefined) await ours.restart(values.roles);
const isEven = (domain: string) => Number(/\d+/.exec(domain)?.[0]) % 2 === 0;
await establish(ours, { sizes: SCENARIOS.map(({ size }) => size), rsaOnly: isEven });
await using two = await startPeer(world, { settings: POSTFIX });
await using three = await startPeer(world, { ed25519: true, settings: POSTFIX });
await using haraka = await startHaraka(world);

const signing = (side: Side, signatures: number, name: string, logins = side.logins): Signer => ({
  ...side,
  name: `${name}, ${signatures}`,
  signatures,
  logins,
});
const loginsOf = (even: boolean) => ours.logins.filter(({ sender }) => isEven(sender) === even);
const sides = [
  signing(ours, 2, "atmos", loginsOf(true)),
  signing(two, 2, "Postfix"),
  signing(ours, 3, "atmos", loginsOf(false)),
  signing(three, 3, "Postfix"),
  signing(haraka, 1, "Haraka"),
];

for (const side of sides) await measure(side, sink, WARM_UP);

/** In turn: every side in every scenario, then all again. */
const measured: Measured[] = SCENARIOS.map((scenario) => ({ scenario: scenario.name, rounds: [] }));
for (let round = 0; round < rounds && (round === 0 || performance.now() < noMoreRounds); round++) {
  say(`round ${round + 1}`);
  for (const [index, scenario] of SCENARIOS.entries()) {
    const results: Record<string, Accepted> = {};
    for (const side of sides) results[side.name] = await measure(side, sink, scenario);
    measured[index]!.rounds.push(results);
  }
}

say("half of the load");
const half: Measured = { scenario: "half of the load, 4 KiB, connections kept", rounds: [] };
for (let round = 0; round < Math.min(rounds, 3); round++) {
  const results: Record<string, Accepted> = {};
  for (const side of sides) {
    const rates = measured[0]!.rounds
      .map((results) => results[side.name]!.perSecond)
      .toSorted((a, b) => a - b);
    const perSecond = rates[Math.floor(rates.length / 2)]! / 2;
    const messages = Math.ceil(perSecond * HALF_LOAD_SECONDS);
    results[side.name] = await measure(side, sink, {
      name: half.scenario,
      messages,
      connections: 40,
      perConnection: messages,
      size: 4 * KIB,
      perSecond,
    });
  }
  half.rounds.push(results);
}
measured.push(half);

const report = {
  at: new Date().toISOString(),
  machine: before,
  seconds: Math.round(performance.now() / 1000),
  roles: values.roles,
  measured: measured.map((one) => ({ ...one, ratios: ratiosOf(one) })),
};
process.stdout.write(
  values.json ? `${JSON.stringify(report, undefined, 2)}\n` : `${measured.map(scenarioTable).join("\n\n")}\n`,
);
