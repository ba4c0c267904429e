import type { Command, Option } from "commander";
import { allowlistCheck } from "./check.ts";
import { allowlistDiff } from "./diff.ts";
import { allowlistRelease, allowlistStatus } from "./running.ts";
import { allowlistSnippet } from "./snippet.ts";
import { allowlistVerify } from "./verify.ts";

type Parts = {
  env: () => Option;
  json: () => Option;
  /** Makes an action of a command. */
  run: <A extends unknown[]>(command: (...args: A) => Promise<number>) => (...args: A) => Promise<void>;
};

const RESOLVER = "--resolver <address>";
const RESOLVER_HELP = "resolver to ask, IP:PORT; by default that of the environment file, or 127.0.0.1:53";

export function allowlistCommands(program: Command, { env, json, run }: Parts): void {
  const allowlist = program
    .command("allowlist")
    .description("the list of domains that the cooperative vouches for");
  allowlist
    .command("check")
    .description(
      "ask the list for a domain or an address, as a mail server would; exit code 1: it is not listed",
    )
    .argument("<name>", "a domain that signs mail, or an IP address")
    .option(
      "--zone <name>",
      "name of the list, such as wl.coop.example; by default that of the environment file",
    )
    .option(RESOLVER, RESOLVER_HELP)
    .addOption(env())
    .addOption(json())
    .action(run(allowlistCheck));
  allowlist
    .command("verify")
    .description(
      "verify a snapshot: its signature, each label, each record, each address, by the network alone",
    )
    .argument("<snapshot>", "a file, or its address, such as https://coop.example/allowlist/snapshot.json")
    .option("--plc <url>", "PLC directory")
    .option(RESOLVER, RESOLVER_HELP)
    .option("--labeler <did...>", "believe the labels of these labelers alone")
    .option("--signatures-only", "ask for no record and no address")
    .addOption(env())
    .addOption(json())
    .action(run(allowlistVerify));
  allowlist
    .command("diff")
    .description("what changed from one snapshot to another")
    .argument("<before>", "a file or an address")
    .argument("<after>", "a file or an address")
    .addOption(json())
    .action(run(allowlistDiff));
  allowlist
    .command("status")
    .description(
      "the list that runs here: how large, how old, which labelers are heard, what waits to come in",
    )
    .addOption(env())
    .addOption(json())
    .action(run(allowlistStatus));
  allowlist
    .command("release")
    .description(
      "let in the new entries that wait because so many came at once; look first where they come from",
    )
    .option("--by <name>", "who says so; by default the user of this host")
    .addOption(env())
    .addOption(json())
    .action(run(allowlistRelease));
  allowlist
    .command("snippet")
    .description(
      "the settings with which a mail server asks the list; without a name, for which programs there are some",
    )
    .argument("[name]", "such as postfix, rspamd, spamassassin or exim")
    .option("--zone <name>", "name of the list; by default that of the environment file")
    .addOption(env())
    .addOption(json())
    .action(run(allowlistSnippet));
}
