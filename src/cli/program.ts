import { createRequire } from "node:module";
import { Command, InvalidArgumentError, Option } from "commander";
import { ConfigError } from "../platform/config/index.ts";
import { RulesError } from "../rules/index.ts";
import { SpoolError } from "../spool/index.ts";
import { busCommands } from "./bus.ts";
import { caseCommands } from "./case.ts";
import { check } from "./check.ts";
import { connectionTest } from "./connection-test.ts";
import { doctor } from "./doctor/index.ts";
import { egressCommands } from "./egress.ts";
import { pointToOwnHelp } from "./help-pointer.ts";
import { inboxCommands } from "./inbox.ts";
import { join, type JoinOptions } from "./join.ts";
import { labelExplain } from "./label.ts";
import { labelerSelfTest, labelerSetup, type SetupOptions } from "./labeler/index.ts";
import { lexiconPublish, type PublishOptions } from "./lexicon.ts";
import { link } from "./link.ts";
import { memberCommands } from "./member-commands.ts";
import { CommandError, EXIT } from "./output.ts";
import { allowlistCommands } from "./allowlist/index.ts";
import { nodeCommands } from "./node.ts";
import { proofCommands } from "./proof.ts";
import { providerCommands } from "./provider.ts";
import { queueCommands } from "./queue.ts";
import { reportCommands } from "./report.ts";
import { sandbox } from "./sandbox.ts";
import { sendTest } from "./send-test.ts";
import { serve } from "./serve.ts";
import { shapingCommands } from "./shaping.ts";
import { suppressionCommands } from "./suppression.ts";
import { tlsReportCommands } from "./tls-report.ts";
import { traceCommands } from "./trace.ts";
import { warmupCommands } from "./warmup.ts";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

const program = new Command("atmos")
  .description("A mail cooperative for independent atproto operators.")
  .version(version)
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage);
  });

const env = () => new Option("--env <file>", "environment file with ATMOS_* settings").env("ATMOS_ENV_FILE");
const json = () => new Option("--json", "answer with one JSON document on standard output");

program
  .command("serve")
  .description("run the roles that the configuration names")
  .addOption(env())
  .option("--role <roles...>", "core, labeler, relay, zone: instead of those that the configuration names")
  .option("--rules <dir>", "directory of rule files")
  .option("--json", "say where it listens in one JSON document, and log to standard error")
  .action(run(serve));

program
  .command("sandbox")
  .description("run a whole cooperative on this machine, on loopback, with everything that it talks to")
  .option("--data <dir>", "where it keeps its data", "./data")
  .option("--fresh", "forget what is there and begin anew")
  .option("--days <n>", "days of traffic to play at the first start", "3")
  .option("--speed <n>", "how many times faster than real time its clock runs", "60")
  .option("--port <n>", "HTTP port; the others follow it", "8080")
  .addOption(json())
  .action(run(sandbox));

program
  .command("doctor")
  .description("look at what is configured and reachable, and say how to mend what is wrong")
  .addOption(env())
  .addOption(json())
  .action(run(doctor));

program
  .command("check")
  .description("check a mail domain and say how to mend what is wrong; needs no account")
  .argument("<domain>")
  .option("--did <did>", "the DID that should control the domain")
  .addOption(
    new Option("--selector <name>", "a DKIM selector that signs its mail; as often as needed").argParser(
      (name: string, before: string[] | undefined) => [...(before ?? []), name],
    ),
  )
  .option("--pool <domain>", "the pool that should be authorised to send")
  .option("--resolver <ip:port>", "the resolver to ask, best one that validates (default: 127.0.0.1:53)")
  .addOption(new Option("--dns <ip:port>", "the older name of --resolver").hideHelp())
  .option("--transport", "fetch the MTA-STS policy and speak to the mail servers too")
  .option("--helo <name>", "with --transport: the name of this host, for EHLO")
  .option("--smtp-port <port>", "with --transport: port of the mail servers", "25")
  .option("--allow-private", "mail hosts may be on private addresses, as in the sandbox")
  .addOption(json())
  .action(run(check));

// Only for --help: `main.ts` answers it by itself.
program
  .command("inspect")
  .description("say what messages that came back are: bounces, complaints, reports, automatic answers")
  .argument("<file...>", "files or directories; - for standard input")
  .addOption(json());

// The same.
program
  .command("rules")
  .description("rules: check them, try them, see why they spoke and what others would have done")
  .argument("<command>", "validate, eval, test, status, list, reload, explain, replay")
  .helpOption(false);

program
  .command("send-test")
  .description("send one message through a submission server, and explain what happens")
  .argument("[to]", "recipient; not with --watch, which makes an address of its own")
  .option("--url <url>", "smtps://USER:SECRET@HOST:PORT; or PDS_EMAIL_SMTP_URL")
  .option("--from <address>", "sender; or PDS_EMAIL_FROM_ADDRESS")
  .option("--subject <text>")
  .option("--watch", "send to the cooperative itself, wait until it arrives, and say what vouches for it")
  .option("--coop <url>", "with --watch: the cooperative's site, such as https://mail.example.org")
  .option("--ca <file>", "certificate authority to trust, PEM")
  .addOption(json())
  .action(run(sendTest));

program
  .command("connection-test")
  .description("try every way to a submission server from this machine, and say which to use; needs no login")
  .argument("[server]", "a host name, or smtps://USER:SECRET@HOST:PORT; or PDS_EMAIL_SMTP_URL")
  .option("--ca <file>", "certificate authority to trust, PEM")
  .addOption(new Option("--tls-port <port>", "instead of 465 and 2465; as often as needed").argParser(ports))
  .addOption(
    new Option("--starttls-port <port>", "instead of 587 and 2587; as often as needed").argParser(ports),
  )
  .option("--timeout <seconds>", "for each wait", "8")
  .addOption(json())
  .action(run(connectionTest));

program
  .command("link")
  .description("make an address that opens one session: the committee's, or one member's")
  .argument("[did]", "a member")
  .option("--committee", "the committee")
  .option(
    "--by <name>",
    "with --committee: who will decide there, for the record; by default the user of this host",
  )
  .addOption(env())
  .addOption(json())
  .action(run(link));

const labeler = program.command("labeler").description("the account that labels, as the world sees it");
labeler
  .command("setup")
  .description(
    "make an account of a PDS a labeler: key and address in its DID document, and its service record",
  )
  .requiredOption("--pds <url>", "the PDS of the account")
  .requiredOption(
    "--handle <handle>",
    "the account; its password comes from LABELER_PASSWORD or standard input",
  )
  .option("--url <url>", "public origin of the labeler; or ATMOS_PUBLIC_URL")
  .option("--plc <url>", "the PLC directory; or ATMOS_PLC_URL")
  .option("--dry-run", "look, and say what would be done")
  .addOption(env())
  .addOption(json())
  .action(run((options: SetupOptions) => labelerSetup(options)));
labeler
  .command("self-test")
  .description("look from outside: DID document, service record, both endpoints, signatures")
  .option("--url <url>", "where the labeler should be; by default where its DID document says")
  .option("--did <did>", "the labeler; or ATMOS_LABELER_DID")
  .option("--plc <url>", "the PLC directory; or ATMOS_PLC_URL")
  .addOption(env())
  .addOption(json())
  .action(run(labelerSelfTest));

program
  .command("join")
  .description("become a member, as far as it can be done now, and say what is yours to do; may be run again")
  .argument("<domain>", "the domain that your mail comes from")
  .requiredOption("--coop <url>", "the cooperative")
  .requiredOption("--pds <url>", "the PDS of your account")
  .requiredOption(
    "--identifier <handle>",
    "your account; its password (an app password is enough) comes from JOIN_PASSWORD or standard input",
  )
  .option("--name <name>", "what you are called; to apply")
  .option("--contact <address>", "mail address at which people reach you; to apply")
  .option("--accept-rules", "you have read the rules, and accept them; to apply")
  .option("--daily <n>", "mails a day that you expect")
  .option("--purpose <text>", "what you send, and to whom")
  .option("--words <text>", "what the committee should know")
  .option("--credential <name>", "make a credential of this name if there is none")
  .addOption(json())
  .action(run((domain: string, options: JoinOptions) => join(domain, options)));

program
  .command("lexicon")
  .description("the schemas of our records and methods")
  .command("publish")
  .description("write the schemas as records of an account, and show the DNS record that names it")
  .requiredOption("--pds <url>", "the PDS of the account")
  .requiredOption(
    "--identifier <handle>",
    "the account; its password comes from LEXICON_PASSWORD or standard input",
  )
  .addOption(
    new Option("--authority <nsid>", "publish under names of your own").env("ATMOS_LEXICON_AUTHORITY"),
  )
  .option("--dry-run", "look, and say what would be written")
  .addOption(json())
  .action(run((options: PublishOptions) => lexiconPublish(options)));

const label = program.command("label").description("labels that are in force");
label
  .command("explain")
  .description("say what the labels of an account, a record or a domain rest on")
  .argument("<subject>", "a DID, an AT URI or a domain")
  .option("--val <value>", "this label alone")
  .option("--url <url>", "the labeler to ask; by default the one that runs with the environment file")
  .addOption(env())
  .addOption(json())
  .action(run(labelExplain));

memberCommands(program, { env, json, run });
queueCommands(program, { env, json, run });
inboxCommands(program, { env, json, run });
nodeCommands(program, { env, json, run });
busCommands(program, { env, json, run });
egressCommands(program, { env, json, run });
warmupCommands(program, { env, json, run });
shapingCommands(program, { env, json, run });
suppressionCommands(program, { env, json, run });
tlsReportCommands(program, { env, json, run });
reportCommands(program, { env, json, run });
providerCommands(program, { env, json, run });
caseCommands(program, { env, json, run });
proofCommands(program, { env, json, run });
traceCommands(program, { env, json, run });
allowlistCommands(program, { env, json, run });

/** Each time the option is given, one port more. */
function ports(text: string, before: number[] | undefined): number[] {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new InvalidArgumentError("A port is a number from 1 to 65535.");
  return [...(before ?? []), port];
}

/** Ends the process with the command's exit code, and says faults in one plain sentence. */
function run<A extends unknown[]>(command: (...args: A) => Promise<number>): (...args: A) => Promise<void> {
  return async (...args) => {
    try {
      process.exitCode = await command(...args);
    } catch (error) {
      const known =
        error instanceof CommandError ||
        error instanceof ConfigError ||
        error instanceof RulesError ||
        error instanceof SpoolError;
      const cause = error as NodeJS.ErrnoException;
      if (known) console.error(cause.message);
      else if (cause.code === "EADDRINUSE")
        console.error(`${cause.message}. Another program listens there: end it, or choose another port.`);
      else console.error(error);
      process.exitCode = error instanceof CommandError ? error.exit : EXIT.fault;
    }
    process.exit();
  };
}

pointToOwnHelp(program);
await program.parseAsync();
