import { userInfo } from "node:os";
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import {
  HOLD_OWNERS,
  RECIPIENT_STATES,
  restore,
  SalvageError,
  salvage,
  type QueueAction,
  type QueueFilter,
  type QueueResult,
} from "../spool/index.ts";
import { apiOf } from "./api.ts";
import { CommandError, EXIT, outputFor } from "./output.ts";
import {
  historyLines,
  parseSpan,
  queueTable,
  resultLines,
  type History,
  type QueueEntry,
} from "./queue-view.ts";

type Common = { env?: string; json?: boolean };

export type FilterOptions = {
  did?: string;
  credential?: string;
  from?: string;
  to?: string;
  toDomain?: string;
  state?: string[];
  reason?: string;
  owner?: string;
  stream?: string;
  olderThan?: string;
};

type ActionOptions = Common &
  FilterOptions & { why: string; by?: string; yes?: boolean; dryRun?: boolean; limit: string };

const WAITING = ["queued", "held", "deferred"];

/** As the API takes it: the age is counted by the clock of the node. */
type AskedFilter = Omit<QueueFilter, "receivedUpTo"> & { olderThanMs?: number };

/** The filter that options stand for. @throws CommandError */
export function filterOf(ids: readonly string[], options: FilterOptions): AskedFilter {
  const { did, credential, from, to, toDomain, state, reason, owner, stream, olderThan } = options;
  const age = olderThan === undefined ? undefined : parseSpan(olderThan);
  if (olderThan !== undefined && age === undefined)
    throw new CommandError(`--older-than ${olderThan}: say 90s, 15m, 2h or 5d.`, EXIT.usage);
  const filter = {
    ids: ids.length > 0 ? [...ids] : undefined,
    did,
    credential,
    fromDomain: from,
    recipient: to,
    recipientDomain: toDomain,
    states: state,
    holdReason: reason,
    holdOwner: owner,
    stream,
    olderThanMs: age,
  };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as AskedFilter;
}

async function queueList(
  options: Common & FilterOptions & { limit: string; before?: string },
): Promise<number> {
  const out = outputFor(options);
  const filter = filterOf([], { ...options, state: options.state ?? WAITING });
  const answer = await apiOf(options.env)("POST", "/queue/list", {
    filter,
    limit: Number(options.limit),
    ...(options.before !== undefined && { before: Number(options.before) }),
  });
  const entries = answer["entries"] as QueueEntry[];
  if (entries.length === 0) out.say("Nothing waits that matches.");
  else for (const line of queueTable(entries, Date.parse(String(answer["now"])))) out.say(line);
  const counts = Object.entries(answer["counts"] as Record<string, number>);
  out.say(`\nThe whole spool: ${counts.map(([state, n]) => `${n} ${state}`).join(", ") || "empty"}.`);
  if (answer["next"] !== null) out.say(`There are older ones: --before ${String(answer["next"])}`);
  out.result(answer);
  return EXIT.ok;
}

async function queueShow(id: string, options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", `/queue/messages/${encodeURIComponent(id)}`);
  for (const line of historyLines(answer as History, Date.parse(String(answer["now"])))) out.say(line);
  out.result(answer);
  return EXIT.ok;
}

async function queueAct(action: QueueAction, ids: string[], options: ActionOptions): Promise<number> {
  const out = outputFor(options);
  const api = apiOf(options.env);
  const filter = filterOf(ids, options);
  if (Object.keys(filter).length === 0)
    throw new CommandError(
      `Say which mail is meant: an id, or a filter. See: atmos queue ${action} --help`,
      EXIT.usage,
    );
  const by = options.by ?? userInfo().username;
  const body = { filter, by, why: options.why, limit: Number(options.limit) };
  const ask = async (dryRun: boolean) =>
    (await api("POST", `/queue/${action}`, { ...body, dryRun })) as unknown as QueueResult;

  const looked = options.yes && !options.dryRun ? undefined : await ask(true);
  const only = looked !== undefined && (options.dryRun === true || looked.messages !== 1);
  if (only) {
    for (const line of resultLines(action, looked, true)) out.say(line);
    if (!options.dryRun && looked.messages > 0) out.say("Nothing was changed. To do it: the same with --yes");
    out.result({ ...looked, dryRun: true });
    return options.dryRun ? EXIT.ok : EXIT.fault;
  }
  const result = await ask(false);
  for (const line of resultLines(action, result, false)) out.say(line);
  out.result({ ...result, dryRun: false });
  return result.recipients > 0 ? EXIT.ok : EXIT.fault;
}

async function queueSalvage(file: string, dir: string, options: Common): Promise<number> {
  const out = outputFor(options);
  try {
    const result = await salvage(resolve(file), resolve(dir));
    const { messages, orphans, lost, finished } = result;
    const whole = messages.filter((message) => message.whole).length;
    out.say(`${messages.length} messages were waiting; ${whole} of them are whole: ${dir}/*.eml`);
    if (whole < messages.length)
      out.say(`${messages.length - whole} are damaged: compare "whole" in salvage.json.`);
    const unread = messages.reduce((sum, message) => sum + message.unread, 0);
    if (unread > 0)
      out.say(`${unread} of their waiting recipients could not be read: "unread" in salvage.json.`);
    if (orphans.length > 0) out.say(`${orphans.length} waiting recipients have lost their message.`);
    if (lost.length > 0) out.say(`${lost.length} messages are known by their id alone.`);
    out.say(`${finished} messages were finished.`);
    out.say(`For whom each was, and what is missing: ${dir}/salvage.json`);
    const { messages: _, ...rest } = result;
    out.result({ ...rest, waiting: messages.length, whole, unread });
    const missing = messages.length - whole + unread + orphans.length + lost.length;
    return missing === 0 ? EXIT.ok : EXIT.fault;
  } catch (error) {
    if (error instanceof SalvageError) throw new CommandError(error.message, EXIT.usage);
    throw error;
  }
}

async function queueRestore(dir: string, file: string, options: Common): Promise<number> {
  const out = outputFor(options);
  try {
    const result = await restore(resolve(dir), resolve(file), Date.now());
    const { messages, recipients, left, partly } = result;
    out.say(`${messages} messages to ${recipients} recipients are in ${file}, held until they are released:`);
    out.say('  atmos queue release --owner committee --yes --why "read out of a damaged spool"');
    if (left.length > 0) out.say(`${left.length} are damaged and were left out: ${left.join(" ")}`);
    if (partly.length > 0)
      out.say(`${partly.length} are for some of their recipients only: ${partly.join(" ")}`);
    out.result(result);
    return left.length + partly.length === 0 ? EXIT.ok : EXIT.fault;
  } catch (error) {
    if (error instanceof SalvageError) throw new CommandError(error.message, EXIT.usage);
    throw error;
  }
}

type Parts = {
  env: () => Option;
  json: () => Option;
  /** Makes an action of a command. */
  run: <A extends unknown[]>(command: (...args: A) => Promise<number>) => (...args: A) => Promise<void>;
};

const ABOUT: Record<QueueAction, string> = {
  hold: "keep mail back until a person releases it",
  release: "let go what a person or the member holds, at the member's hourly pace",
  requeue: "try what waits for a retry now",
  bounce: "give mail back to its sender, with a notice that says why",
  drop: "forget mail, and tell nobody",
};

const EXAMPLES: Record<QueueAction, string> = {
  hold: `  atmos queue hold --did did:plc:… --why "looks like a stolen credential"
  atmos queue hold --to-domain example.com --yes --why "their server asked us to wait"`,
  release: `  atmos queue release a4whpcuxpkxfteqw --why "read it: a newsletter of theirs"
  atmos queue release --did did:plc:… --owner committee --yes --why "spoke with the operator"`,
  requeue: `  atmos queue requeue --to-domain example.com --yes --why "their server is back"`,
  bounce: `  atmos queue bounce --did did:plc:… --older-than 2d --yes --why "the member has left"`,
  drop: `  atmos queue drop --credential c1 --state held --yes --why "sent by a thief"`,
};

/** `atmos queue ...` */
export function queueCommands(program: Command, { env, json, run }: Parts): void {
  const queue = program.command("queue").description("mail that waits in the spool of this node");
  const several = (text: string, before: string[] | undefined) => [...(before ?? []), text];
  const filters = (command: Command) =>
    command
      .option("--did <did>", "of this member")
      .option("--credential <id>", "submitted with this credential")
      .option("--from <domain>", "domain of its From:")
      .option("--to <address>", "to this recipient")
      .option("--to-domain <domain>", "to recipients at this domain")
      .addOption(
        new Option("--state <state>", "in this state; as often as needed").argParser(
          (text: string, before: string[] | undefined) => several(oneOf(RECIPIENT_STATES, text), before),
        ),
      )
      .option("--reason <name>", "held for this reason: paused, domain-held, content, by-hand, …")
      .addOption(new Option("--owner <who>", "held by").choices([...HOLD_OWNERS]))
      .option("--stream <name>", "transactional or bulk")
      .option("--older-than <span>", "received longer ago than 90s, 15m, 2h, 5d");

  filters(queue.command("list"))
    .description("what waits, newest first; with --state also what is finished")
    .option("--limit <n>", "recipients at most", "50")
    .option("--before <n>", "go on where the last page ended")
    .addOption(env())
    .addOption(json())
    .addHelpText(
      "after",
      `\nExamples:\n  atmos queue list --state held --owner breaker\n  atmos queue list --did did:plc:… --older-than 1h --json`,
    )
    .action(run(queueList));
  queue
    .command("show")
    .description("everything about one message: recipients, operations, each attempt with its conversation")
    .argument("<id>", "of a message or of a recipient")
    .addOption(env())
    .addOption(json())
    .action(run(queueShow));
  for (const action of Object.keys(ABOUT) as QueueAction[]) {
    filters(queue.command(action))
      .description(ABOUT[action])
      .argument("[ids...]", "messages or recipients")
      .requiredOption("--why <text>", "the reason; it stands in the history of each message")
      .option("--by <name>", "who does it; by default the user of this host")
      .option("--limit <n>", "recipients at most, up to 10000", "1000")
      .option("--dry-run", "count only")
      .option("--yes", "do it although it is more than one message")
      .addOption(env())
      .addOption(json())
      .addHelpText(
        "after",
        `\nMore than one message: only counted, unless --yes is given.\nExit code 0: done. 1: nothing was done. 2: called wrongly.\n\nExamples:\n${EXAMPLES[action]}`,
      )
      .action(run((ids: string[], options: ActionOptions) => queueAct(action, ids, options)));
  }
  queue
    .command("salvage")
    .description("write out what can still be read of a damaged spool; the process must not run")
    .argument("<file>", "the spool: spool.sqlite of the data directory")
    .argument("<dir>", "a new directory for the .eml files and salvage.json")
    .addOption(json())
    .addHelpText(
      "after",
      "\nExit code 0: all that waited is whole. 1: something is missing, see salvage.json.",
    )
    .action(run(queueSalvage));
  queue
    .command("restore")
    .description("make a new spool of what salvage wrote out; the process must not run")
    .argument("<dir>", "the directory with salvage.json")
    .argument("<file>", "the new spool: spool.sqlite of the data directory")
    .addOption(json())
    .addHelpText(
      "after",
      "\nMail is held by the committee until somebody releases it.\nExit code 0: all that waited is there. 1: what is damaged was left out.",
    )
    .action(run(queueRestore));
}

function oneOf(names: readonly string[], text: string): string {
  if (!names.includes(text)) throw new InvalidArgumentError(`It is none of ${names.join(", ")}.`);
  return text;
}
