import { existsSync } from "node:fs";
import type { Command, Option } from "commander";
import {
  inspectBrokers,
  judgeBrokers,
  judgeLocal,
  localView,
  type BrokersView,
  type BusFinding,
} from "../platform/bus/index.ts";
import { dataPath, parseConfig, readEnvironment, type Config } from "../platform/config/index.ts";
import { Database } from "../platform/database.ts";
import { connectionOf, TOPICS } from "../roles/index.ts";
import { CommandError, EXIT, outputFor, plain } from "./output.ts";

type Common = { env?: string; json?: boolean };
type Parts = {
  env: () => Option;
  json: () => Option;
  /** Makes an action of a command. */
  run: <A extends unknown[]>(command: (...args: A) => Promise<number>) => (...args: A) => Promise<void>;
};

const SIGN = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;

/** Looks at the brokers, at each topic, at how far each node is, and at what waits here. Changes nothing. */
async function busDoctor(options: Common): Promise<number> {
  const out = outputFor(options);
  const { config, secrets } = parseConfig(readEnvironment(options.env));
  const connection = connectionOf(config, secrets);
  if (!connection)
    throw new CommandError(
      "There are no brokers: ATMOS_KAFKA_BROKERS is not set, and all roles are one process.",
    );
  const findings: BusFinding[] = [];
  const add = (more: readonly BusFinding[]) => {
    findings.push(...more);
    for (const { about, status, text, remedy } of more) {
      out.say(`${SIGN[status]} ${about}: ${plain(text)}`);
      if (remedy !== undefined) out.say(`     -> ${plain(remedy)}`);
    }
  };
  let view: BrokersView | undefined;
  try {
    view = await inspectBrokers(connection, TOPICS);
    add(judgeBrokers(view, TOPICS, connection.prefix));
  } catch (error) {
    add([unreachable(connection.brokers, error)]);
  }
  const file = busFile(config);
  if (existsSync(file)) {
    const db = new Database(file, [], { readOnly: true });
    try {
      add(judgeLocal(localView(db), view !== undefined));
    } finally {
      db.close();
    }
  }
  const faults = findings.filter(({ status }) => status === "fail").length;
  out.say(faults === 0 ? "Nothing is wrong." : `${faults} thing${faults === 1 ? " is" : "s are"} wrong.`);
  out.result({ ok: faults === 0, node: connection.node, findings, ...(view && { brokers: view }) });
  return faults === 0 ? EXIT.ok : EXIT.fault;
}

/** Where this process keeps its place. */
const busFile = (config: Config) =>
  dataPath(config, config.ROLES.includes("core") ? "core.sqlite" : "bus.sqlite");

function unreachable(brokers: readonly string[], error: unknown): BusFinding {
  return {
    about: "brokers",
    status: "fail",
    text: `${brokers.join(", ")}: ${reasonsOf(error).join("; ")}`,
    remedy:
      "See that they run and can be reached from here, and that ATMOS_KAFKA_TLS, the authority and the log-in are right. Mail flows meanwhile, and what is to be told waits here.",
  };
}

/** The client wraps what happened at each broker. */
function reasonsOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const inner =
    "errors" in error && Array.isArray(error.errors) ? (error.errors as unknown[]) : [error.cause];
  const causes = inner.filter((one) => one !== undefined).flatMap(reasonsOf);
  return [...new Set(causes.length > 0 ? causes : [error.message])].slice(0, 5);
}

/** `atmos bus`. */
export function busCommands(program: Command, { env, json, run }: Parts): void {
  const bus = program.command("bus").description("what carries facts between the processes of a pool");
  bus
    .command("doctor")
    .description("look at the brokers, the topics, how far each node is, and what waits here")
    .addOption(env())
    .addOption(json())
    .action(run(busDoctor));
}
