import { userInfo } from "node:os";
import type { Command, Option } from "commander";
import type { EgressNotice, EgressStatus } from "../egress/index.ts";
import { apiOf } from "./api.ts";
import { egressLines } from "./egress-view.ts";
import { EXIT, outputFor, plain } from "./output.ts";

type Common = { env?: string; json?: boolean };
type Parts = {
  env: () => Option;
  json: () => Option;
  /** Makes an action of a command. */
  run: <A extends unknown[]>(command: (...args: A) => Promise<number>) => (...args: A) => Promise<void>;
};

async function show(options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", "/egress");
  const addresses = answer["addresses"] as EgressStatus[];
  const notices = answer["notices"] as EgressNotice[];
  for (const line of egressLines(addresses, notices, Number(answer["now"]))) out.say(plain(line));
  out.result(answer);
  return addresses.some(({ out: why }) => why !== undefined) ? EXIT.fault : EXIT.ok;
}

async function change(
  action: "pause" | "resume",
  address: string,
  options: Common & { why: string; by?: string },
): Promise<number> {
  const out = outputFor(options);
  const by = options.by ?? userInfo().username;
  const answer = await apiOf(options.env)("POST", `/egress/${action}`, { address, by, why: options.why });
  out.say(
    action === "pause"
      ? `Nothing leaves from ${address} until: atmos egress resume ${address} --why "…"`
      : `${address} is in use again, as far as nothing else keeps it out: atmos egress show`,
  );
  out.result(answer);
  return EXIT.ok;
}

/** `atmos egress ...` */
export function egressCommands(program: Command, { env, json, run }: Parts): void {
  const egress = program.command("egress").description("addresses that mail leaves from");
  egress
    .command("show")
    .description("each address with its health, and how far it is with each provider")
    .addOption(env())
    .addOption(json())
    .addHelpText("after", "\nExit code 0: all are in use. 1: one is not.")
    .action(run(show));
  for (const [action, about] of [
    ["pause", "let nothing leave from an address"],
    ["resume", "end a pause that a person began"],
  ] as const) {
    egress
      .command(action)
      .description(about)
      .argument("<address>")
      .requiredOption("--why <text>", "the reason; the committee is told")
      .option("--by <name>", "who does it; by default the user of this host")
      .addOption(env())
      .addOption(json())
      .action(
        run((address: string, options: Common & { why: string; by?: string }) =>
          change(action, address, options),
        ),
      );
  }
}
