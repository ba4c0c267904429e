import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Envelope } from "../../src/event/index.ts";
import { compileSet, loadRules, rulesOf } from "../../src/rules/index.ts";
import { hashOf } from "../../src/rules/rule-set.ts";
import { startKafka } from "../../test/interop/servers/kafka.ts";
import { removeDirectory, temporaryDirectory, until } from "../../test/interop/servers/process.ts";
import { feed, listen, makeTopics, type Received } from "./brokers.ts";
import { canonical, differences, expected } from "./differences.ts";
import { makeEvents } from "./events.ts";
import { fixtures } from "./fixtures.ts";
import { startWorker, versions, writeRules } from "./worker.ts";

/* Real Osprey and the embedded engine over the same events. Exit 1 for any difference and any lost action. */

const { values: options } = parseArgs({
  options: {
    events: { type: "string", default: "8000" },
    seed: { type: "string", default: "1" },
    rules: { type: "string", default: join(import.meta.dirname, "../../rules") },
    partitions: { type: "string", default: "3" },
    /** Where to put some of the messages, with their envelopes. */
    fixtures: { type: "string" },
  },
});
const source = process.env["OSPREY_SOURCE"];
if (source === undefined) throw new Error("set OSPREY_SOURCE to a checkout of roostorg/osprey 1.1.0");
const SHOWN = 20;
const LONGEST_MS = 900_000;
const QUIET_MS = 3_000;
/** What has not come by then, with a restart and a new round of the group, is lost. */
const LOST_MS = 60_000;

const set = await loadRules(options.rules);
const engine = { program: compileSet(set), hash: hashOf(set) };
const events = await makeEvents(options.rules, Number(options.events), Number(options.seed));
const directory = await temporaryDirectory("compare");
const rules = join(directory, "rules");
const faults: string[] = [];

console.log(`${await versions()}, Node ${process.version}`);
const told = await writeRules(options.rules, rules);
if (told !== engine.hash) faults.push(`hash of the rules: ${engine.hash} here, ${told} at the plugin`);
console.log(`rules ${engine.hash}\n${events.length} events, seed ${options.seed}`);

const password = "correct-horse";
const kafka = await startKafka({ users: { osprey: password } });
try {
  const connection = {
    brokers: [kafka.broker],
    node: "compare",
    prefix: "",
    tls: { ca: kafka.ca },
    sasl: { mechanism: "SCRAM-SHA-512" as const, username: "osprey", password },
  };
  await makeTopics(connection, Number(options.partitions));
  await feed(connection, events);
  const authority = join(directory, "ca.pem");
  await writeFile(authority, kafka.ca!);
  const environment = {
    ATMOS_KAFKA_BROKERS: kafka.broker,
    ATMOS_KAFKA_CA_FILE: authority,
    ATMOS_KAFKA_USERNAME: "osprey",
    ATMOS_KAFKA_PASSWORD: password,
  };
  const { received, stop } = await listen(connection);
  // In the middle of what the plugin commits at once, so that something comes again.
  const isMidway = () => received.length >= events.length / 2 && received.length % 200 > 50;
  const first = await startWorker({ source, rules, environment });
  await waitFor(first, "half of the answers", isMidway);
  process.kill(first.pid, "SIGKILL");
  await first.exited;
  const before = received.length;
  console.log(`killed after ${before} messages`);
  const began = Date.now();
  const second = await startWorker({ source, rules, environment });
  const isWhole = () => new Set(received.map(({ message }) => message.action_id)).size >= events.length;
  const isOver = silence(received, LOST_MS);
  await waitFor(second, "all answers", () => isWhole() || isOver());
  const seconds = (Date.now() - began) / 1_000;
  // What might still come twice.
  await until("what comes twice", silence(received, QUIET_MS), LONGEST_MS);
  await second.stop();
  await stop();
  console.log(`${received.length - before} more in ${seconds.toFixed(1)} s, with the start`);
  compare(received);
  if (options.fixtures !== undefined) await writeFile(options.fixtures, fixtures(events, received));
} finally {
  await kafka.stop();
  await removeDirectory(directory);
}
for (const fault of faults.slice(0, SHOWN)) console.log(`- ${fault}`);
console.log(faults.length === 0 ? "no difference, nothing lost" : `${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;

async function waitFor(
  worker: Awaited<ReturnType<typeof startWorker>>,
  what: string,
  holds: () => boolean,
): Promise<void> {
  let ended = false;
  void worker.exited.then(() => (ended = true));
  await until(
    what,
    () => {
      if (ended) throw new Error(`the worker ended:\n${worker.output().slice(-4_000)}`);
      return holds();
    },
    LONGEST_MS,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; the worker said:\n${worker.output().slice(-4_000)}`, { cause: error });
  });
}

/** Whether nothing has come for so long. */
function silence(received: readonly Received[], ms: number): () => boolean {
  let last = -1;
  let since = 0;
  return () => {
    if (received.length !== last) [last, since] = [received.length, Date.now()];
    return Date.now() - since > ms;
  };
}

function compare(received: readonly Received[]): void {
  const messages = Map.groupBy(received, ({ message }) => message.action_id);
  const counts = { fired: 0, effects: 0, errors: 0, features: 0, duplicates: 0, lost: 0, different: 0 };
  const rulesSeen = new Map<string, number>();
  for (const envelope of events) {
    const id = envelope.data.action_id;
    const [one, ...again] = messages.get(id) ?? [];
    if (one === undefined) {
      counts.lost++;
      faults.push(`${id} is lost: ${JSON.stringify(envelope)}`);
      continue;
    }
    counts.duplicates += again.length;
    const found = differencesOf(envelope, one);
    if (again.some((other) => canonical(other) !== canonical(one))) found.push("what came again is another");
    if (found.length > 0) counts.different++;
    faults.push(...found.map((difference) => `${id}: ${difference}; ${JSON.stringify(envelope)}`));
    const { fired, effects, error_count, features } = one.message;
    for (const { rule } of fired) rulesSeen.set(rule, (rulesSeen.get(rule) ?? 0) + 1);
    counts.fired += fired.length;
    counts.effects += effects.length;
    counts.features += Object.keys(features).length;
    counts.errors += error_count > 0 ? 1 : 0;
  }
  const known = new Set(events.map(({ data }) => data.action_id));
  for (const id of messages.keys()) if (!known.has(id)) faults.push(`${id}: nobody asked`);
  faults.push(...disorder(received));
  console.log(
    `compared: ${events.length} actions, ${counts.fired} rules that fired, ${counts.effects} effects, ${counts.features} features, ${counts.errors} actions with errors`,
  );
  console.log([...rulesSeen].map(([rule, times]) => `  ${rule} ${times}`).join("\n"));
  const silent = rulesOf(engine.program).flatMap(({ name }) => (rulesSeen.has(name) ? [] : [name]));
  if (silent.length > 0) faults.push(`never fired: ${silent.join(", ")}`);
  console.log(`${counts.lost} lost, ${counts.duplicates} twice, ${counts.different} different`);
}

function differencesOf(envelope: Envelope, { key, schema, message }: Received): string[] {
  const ours = expected(engine, envelope);
  return [
    ...differences(ours, message),
    ...(key === (ours.did ?? ours.action_id) ? [] : [`key ${key}`]),
    ...(schema === "1" ? [] : [`schema ${schema}`]),
  ];
}

/** Answers about one member come in the order of its events; what comes again after a restart aside. */
function disorder(received: readonly Received[]): string[] {
  const last = new Map<string, bigint>();
  const seen = new Set<string>();
  return received.flatMap(({ key, message }) => {
    if (seen.has(message.action_id)) return [];
    seen.add(message.action_id);
    const id = BigInt(message.action_id);
    const before = last.get(key) ?? 0n;
    last.set(key, id);
    return id > before ? [] : [`${message.action_id} came after ${before}, of ${key}`];
  });
}
