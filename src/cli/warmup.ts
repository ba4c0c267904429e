import { Option, type Command } from "commander";
import {
  planFrom,
  planWarmup,
  USUAL_PROVIDERS,
  type EgressStatus,
  type PlanAddress,
  type PlanInput,
} from "../egress/index.ts";
import { apiOf } from "./api.ts";
import { CommandError, EXIT, outputFor } from "./output.ts";
import { planLines } from "./warmup-view.ts";

type Options = {
  env?: string;
  json?: boolean;
  addresses?: string;
  perDay: string;
  days: string;
  providers?: string;
  deferred: string;
  blocked: string;
  complaints: string;
};

async function plan(options: Options): Promise<number> {
  const out = outputFor(options);
  const addresses = await addressesOf(options);
  const input: PlanInput = {
    addresses,
    perDay: whole("--per-day", options.perDay, 0, 10_000_000),
    providers: options.providers === undefined ? USUAL_PROVIDERS : sharesOf(options.providers),
    days: whole("--days", options.days, 1, 365),
    deferred: share("--deferred", options.deferred),
    blocked: share("--blocked", options.blocked),
    complaints: share("--complaints", options.complaints),
  };
  const made = planWarmup(input);
  for (const line of planLines(input, made)) out.say(line);
  out.result({ ...input, ...made });
  return EXIT.ok;
}

/** `--addresses 3`: so many new ones. Without it, those of the node that runs, as warm as they are. */
async function addressesOf({ addresses, env }: Options): Promise<PlanAddress[]> {
  if (addresses !== undefined) {
    const count = whole("--addresses", addresses, 1, 64);
    return Array.from({ length: count }, (_, i) => ({ address: `new ${i + 1}`, warm: false, stages: {} }));
  }
  const answer = await apiOf(env)("GET", "/egress");
  return planFrom(answer["addresses"] as EgressStatus[]);
}

/** `gmail=0.5,other=0.5`, or only names: in equal parts. */
function sharesOf(text: string): Record<string, number> {
  const parts = text.split(/[,\s]+/).filter((part) => part !== "");
  const shares: Record<string, number> = {};
  for (const part of parts) {
    const [, name, value] = /^([a-z0-9-]{1,40})(?:=(0|1|0?\.\d{1,6}|1\.0+))?$/.exec(part) ?? [];
    if (name === undefined)
      throw new CommandError(`--providers ${part}: say gmail=0.5,microsoft=0.2, or names alone.`, EXIT.usage);
    shares[name] = value === undefined ? 1 / parts.length : Number(value);
  }
  if (parts.length === 0 || parts.length > 30)
    throw new CommandError("--providers: name one to thirty of them.", EXIT.usage);
  return shares;
}

function whole(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new CommandError(`${option} ${text}: a whole number from ${least} to ${most}.`, EXIT.usage);
}

/** `0.05` or `5%`. */
function share(option: string, text: string): number {
  const value = text.endsWith("%") ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (text !== "" && value >= 0 && value <= 1) return value;
  throw new CommandError(`${option} ${text}: a part from 0 to 1, or a percentage.`, EXIT.usage);
}

type Parts = {
  env: () => Option;
  json: () => Option;
  run: <A extends unknown[]>(command: (...args: A) => Promise<number>) => (...args: A) => Promise<void>;
};

/** `atmos warmup ...` */
export function warmupCommands(program: Command, { env, json, run }: Parts): void {
  program
    .command("warmup")
    .description("how new addresses earn their reputation")
    .command("plan")
    .description("what leaves and what waits in the next days, by the rules that are really followed")
    .option("--addresses <n>", "so many new addresses, instead of those of the running node")
    .option("--per-day <n>", "messages that members hand in a day", "500")
    .option("--days <n>", "how far to look", "30")
    .option("--providers <list>", "parts of the mail: gmail=0.5,microsoft=0.2,other=0.3")
    .option("--deferred <part>", "what is put off: 0.05 or 5%", "0")
    .option("--blocked <part>", "what is refused for the address", "0")
    .option("--complaints <part>", "what is complained about", "0")
    .addOption(env())
    .addOption(json())
    .addHelpText(
      "after",
      `\nExamples:\n  atmos warmup plan --addresses 2 --per-day 800\n  atmos warmup plan --per-day 2000 --deferred 15% --json`,
    )
    .action(run(plan));
}
