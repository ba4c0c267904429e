/** ours.ts FILE SECONDS: inspects the messages of FILE, a line of base64 each, over and over, and says what came of it. */
import { readFileSync } from "node:fs";
import { inspect, type Inspection } from "../../src/protocol/inspect/index.ts";
import type { Told } from "./run.ts";

const [file = "", seconds = "1"] = process.argv.slice(2);
const messages = readFileSync(file, "latin1")
  .trim()
  .split("\n")
  .map((line) => Buffer.from(line, "base64"));
const understood = ({ kind, recipients, report }: Inspection) =>
  kind === "bounce" ? recipients.length > 0 : report?.kind === "dmarc";

let seen = 0;
for (const message of messages) if (understood(await inspect(message))) seen++;
const [began, before] = [performance.now(), process.cpuUsage()];
let count = 0;
while (performance.now() - began < Number(seconds) * 1000) {
  for (const message of messages) await inspect(message);
  count += messages.length;
}
const ms = performance.now() - began;
const { user, system } = process.cpuUsage(before);
const memory = process.resourceUsage().maxRSS / 1024;
const told: Told = { count, ms, cpuMs: (user + system) / 1000, memory, understood: seen / messages.length };
process.stdout.write(`${JSON.stringify(told)}\n`);
