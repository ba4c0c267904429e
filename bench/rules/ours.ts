/** ours.ts CASE SECONDS TRACE: judges the events of CASE over and over, with the trace of every rule or without. */
import { readFileSync } from "node:fs";
import { compile, evaluate } from "../../src/protocol/sml/index.ts";
import type { Told } from "./run.ts";

const [file = "", seconds = "1", trace = "trace"] = process.argv.slice(2);
const given = JSON.parse(readFileSync(file, "utf8"));
const compiled = compile(given.files, given.labels_config);
if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
const { program } = compiled;
const actions = given.events.map((event: Record<string, string>) => ({
  actionId: event["action_id"],
  actionName: event["action_name"],
  sendTime: event["send_time"],
  data: event["data"],
}));
let traced = 0;
const judge = (action: (typeof actions)[number]): number => {
  const outcome = evaluate(program, action);
  if (trace === "trace") traced += outcome.trace.length;
  return outcome.firedRules.length;
};

let fired = 0;
for (const action of actions) fired += judge(action);
for (let round = 0; round < 500; round++) for (const action of actions) judge(action);
const [began, before] = [performance.now(), process.cpuUsage()];
let count = 0;
while (performance.now() - began < Number(seconds) * 1000) {
  for (const action of actions) judge(action);
  count += actions.length;
}
const ms = performance.now() - began;
const { user, system } = process.cpuUsage(before);
const told: Told = {
  count,
  ms,
  cpuMs: (user + system) / 1000,
  memory: process.resourceUsage().maxRSS / 1024,
  fired,
};
if (trace === "trace" && traced === 0) throw new Error("no rule was traced");
process.stdout.write(`${JSON.stringify(told)}\n`);
