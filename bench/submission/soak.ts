/**
 * Does memory stay where it is? Many messages in legs, accepted and delivered, and what the process holds after each.
 *
 *   node bench/submission/soak.ts [--messages 40000] [--roles relay] [--json]
 */
import { parseArgs } from "node:util";
import { establish } from "../established.ts";
import { machine } from "../machine.ts";
import { measure, MESSAGE_OCTETS, startSink } from "../relay/throughput.ts";
import { table } from "../report.ts";
import { startOurs } from "../sides.ts";
import { startWorld } from "../world.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    messages: { type: "string", default: "40000" },
    roles: { type: "string" },
  },
});
const LEG = 4_000;
const legs = Math.max(2, Math.ceil(Number(values.messages) / LEG));
/** A member of tier `trusted` may send 300 at once and one a second; in a leg some sixty send, for about ten seconds. */
const members = Math.min(600, Math.ceil((legs * LEG) / 250));

const before = machine();
await using world = await startWorld();
await using sink = await startSink(world);
await using ours = await startOurs(world, members);
if (values.roles !== undefined) await ours.restart(values.roles);
await establish(ours, { sizes: [MESSAGE_OCTETS] });

const rows: { messages: number; memory: number; peak: number; cpu: number }[] = [];
for (let leg = 1; leg <= legs; leg++) {
  const result = await measure(ours, sink, { name: "soak", messages: LEG, perConnection: 60 });
  rows.push({
    messages: leg * LEG,
    memory: result.memoryAfter,
    peak: result.memoryPeak,
    cpu: result.cpuPerMessage,
  });
  process.stderr.write(`${leg * LEG} messages, ${result.memoryAfter.toFixed(0)} MiB\n`);
}
const report = { at: new Date().toISOString(), machine: before, roles: values.roles, rows };
const cells = rows.map(({ messages, memory, peak, cpu }) => [
  String(messages),
  memory.toFixed(0),
  peak.toFixed(0),
  cpu.toFixed(2),
]);
process.stdout.write(
  values.json
    ? `${JSON.stringify(report, undefined, 2)}\n`
    : `${table([["messages", "memory after, MiB", "peak, MiB", "CPU a message, ms"], ...cells])}\n`,
);
