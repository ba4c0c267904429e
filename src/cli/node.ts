import { userInfo } from "node:os";
import type { Command, Option } from "commander";
import { apiOf } from "./api.ts";
import { EXIT, outputFor, plain } from "./output.ts";

type Common = { env?: string; json?: boolean };
type Parts = {
  env: () => Option;
  json: () => Option;
  /** Makes an action of a command. */
  run: <A extends unknown[]>(command: (...args: A) => Promise<number>) => (...args: A) => Promise<void>;
};

/** As the API gives it, times in ISO 8601. */
type ListedNode = {
  node: string;
  version: string;
  since: string;
  at: string;
  state: string;
  isAway: boolean;
  queued: number;
  deferred: number;
  held: number;
  waiting: number;
  egress: { address: string; out: string | null }[];
};

/** Exit code 1 when a node is away, or does not serve and nobody drains it. */
async function list(options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", "/nodes");
  const nodes = answer["nodes"] as ListedNode[];
  for (const node of nodes) for (const line of linesOf(node)) out.say(plain(line));
  if (nodes.length === 0) out.say("No relay node was heard yet. Each says how it is every 15 seconds.");
  out.result(answer);
  const isFine = nodes.every((one) => !one.isAway && (one.state === "serving" || one.state === "draining"));
  return isFine ? EXIT.ok : EXIT.fault;
}

function linesOf(one: ListedNode): string[] {
  const heard = `last heard ${one.at.slice(0, 19).replace("T", " ")} UTC`;
  const state = one.isAway ? `AWAY, ${heard}; it was ${one.state}` : one.state;
  const isEmpty = one.queued + one.deferred + one.held === 0;
  const queue = isEmpty ? "spool empty" : `${one.queued} queued, ${one.deferred} deferred, ${one.held} held`;
  const waiting = one.waiting > 0 ? `; ${one.waiting} messages wait for the brokers` : "";
  return [
    `${one.node}  ${state}; ${queue}${waiting}; version ${one.version}`,
    ...one.egress.filter(({ out }) => out !== null).map(({ address, out }) => `     ${address}: ${out}`),
  ];
}

async function order(
  action: "drain" | "serve",
  node: string,
  options: Common & { by?: string },
): Promise<number> {
  const out = outputFor(options);
  const by = options.by ?? userInfo().username;
  const answer = await apiOf(options.env)("POST", `/nodes/${encodeURIComponent(node)}/${action}`, { by });
  out.say(
    action === "drain"
      ? `${node} takes no more mail once it hears this, and sends what it has. See when it is empty: atmos node list`
      : `${node} takes mail again once it hears this: atmos node list`,
  );
  out.result(answer);
  return EXIT.ok;
}

/** `atmos node`. */
export function nodeCommands(program: Command, { env, json, run }: Parts): void {
  const node = program.command("node").description("the relay nodes of a pool, asked of its core");
  const add = (name: string, description: string) =>
    node.command(name).description(description).addOption(env()).addOption(json());
  const by = "who decides, for the log; default: your user name";
  add("list", "how each node is, and what it has in its spool").action(run(list));
  add("drain", "a node takes no more mail, and sends what it has: before it is stopped for long, or for good")
    .argument("<node>")
    .option("--by <name>", by)
    .action(run((name: string, options: Common & { by?: string }) => order("drain", name, options)));
  add("resume", "a drained node takes mail again")
    .argument("<node>")
    .option("--by <name>", by)
    .action(run((name: string, options: Common & { by?: string }) => order("serve", name, options)));
}
