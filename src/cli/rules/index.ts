import { Command, Option } from "commander";
import { pointToOwnHelp } from "../help-pointer.ts";
import { CommandError, EXIT, plain } from "../output.ts";

const several = (text: string, before: string[] | undefined) => [...(before ?? []), text];

/**
 * `atmos rules ...`. Each command loads what it needs and no more: validate, eval and test read no configuration and start
 * fast.
 */
export async function rulesCommand(args: readonly string[]): Promise<void> {
  // Whoever reads a part of it only, as `head` does, closes the pipe.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  const program = new Command("atmos rules")
    .description("rules: check them, try them, see why they spoke and what others would have done")
    .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage));
  const env = () =>
    new Option("--env <file>", "environment file with ATMOS_* settings").env("ATMOS_ENV_FILE");
  const json = () => new Option("--json", "answer with JSON on standard output");
  const labels = () =>
    new Option(
      "--labels-config <file>",
      "labels that rules may give, instead of labels.json of the directory",
    );

  program
    .command("validate")
    .description("check a directory of rules, and say what is wrong with place and hint")
    .argument("<dir>")
    .option("--strict", "warnings fail too")
    .addOption(labels())
    .addOption(json())
    .action(run(async (dir, options) => (await import("./validate.ts")).validate(dir, options)));
  program
    .command("eval")
    .description("judge events with rules, or recorded cases; nothing follows")
    .argument("[dir]", "directory of rules, with --events")
    .option("--events <file>", "one event a line, as JSON; - for standard input")
    .addOption(
      new Option(
        "--cases <file...>",
        "case files in the format of the conformance set; - for standard input",
      ),
    )
    .addOption(labels())
    .option("--existing-labels <file>", "labels that stand before every event, as JSON")
    .addOption(json())
    .action(run(async (dir, options) => (await import("./evaluate.ts")).evaluate(dir, options)));
  program
    .command("test")
    .description("run the cases beside the rules (*.cases.jsonl), and name rules that none tries")
    .argument("<dir>")
    .option("--strict", "rules that no case fires, or none keeps silent, fail too")
    .addOption(json())
    .action(run(async (dir, options) => (await import("./test-cases.ts")).testRules(dir, options)));
  program
    .command("status")
    .description("which rules are in force, since when, and what fails")
    .addOption(env())
    .addOption(json())
    .action(run(async (options) => (await import("./running.ts")).status(options)));
  program
    .command("list")
    .description("the rules in force, with how often each has fired in 30 days")
    .addOption(env())
    .addOption(json())
    .action(run(async (options) => (await import("./running.ts")).list(options)));
  program
    .command("reload")
    .description("take the rule directory as it is now; a bad one is refused, and the rules stay")
    .addOption(env())
    .addOption(json())
    .action(run(async (options) => (await import("./running.ts")).reload(options)));
  program
    .command("differences")
    .description("events of which Osprey's workers and the evaluator here do not say the same")
    .addOption(env())
    .addOption(json())
    .action(run(async (options) => (await import("./running.ts")).differences(options)));
  program
    .command("explain")
    .description("every rule at an event, fired or not, with the values that decided, and what was done")
    .argument("<action-id>")
    .option("--db <core.sqlite>", "read this file of core; it is not changed, and core need not run")
    .addOption(env())
    .addOption(json())
    .action(run(async (id, options) => (await import("./explain.ts")).explainAction(id, options)));
  program
    .command("replay")
    .description("what rules would have done over the stored history, against what was done")
    .argument("<dir>")
    .requiredOption("--since <date>", "2026-05-01, or with a time: 2026-05-01T12:00:00Z")
    .option("--until <date>", "before this; by default to the end of the log")
    .addOption(new Option("--member <did>", "this member alone; as often as needed").argParser(several))
    .option("--db <core.sqlite>", "read this file of core; it is not changed, and core need not run")
    .addOption(env())
    .addOption(json())
    .action(run(async (dir, options) => (await import("./replay.ts")).replay(dir, options)));

  pointToOwnHelp(program);
  if (args.length === 0) program.help();
  await program.parseAsync([...args], { from: "user" });
}

/** Sets the exit code of the process, and says faults in one plain sentence. */
// What options a command has, commander has read by its declaration.
function run(command: (...args: never[]) => Promise<number>): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    try {
      process.exitCode = await command(...(args.slice(0, -1) as never[]));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const { ConfigError } = await import("../../platform/config/index.ts");
      const isKnown =
        error.name === "RulesError" || error instanceof ConfigError || error instanceof CommandError;
      process.stderr.write(`${plain(isKnown ? error.message : (error.stack ?? error.message))}\n`);
      process.exitCode = error instanceof CommandError ? error.exit : EXIT.fault;
    }
  };
}
