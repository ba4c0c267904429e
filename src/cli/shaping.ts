import { Option, type Command } from "commander";
import { readEnvironment } from "../platform/config/index.ts";
import { explain, parseReply, REPLY_PHASES, type ReplyPhase } from "../protocol/smtp-reply/index.ts";
import {
  conditionsOf,
  createShaping,
  measureOf,
  OTHER,
  providerView,
  readShaping,
  unknownProvider,
  type Limits,
  type Provider,
  type ShapedReply,
  type ShapingData,
} from "../shaping/index.ts";
import { CommandError, EXIT, outputFor, plain } from "./output.ts";
import { measureCommands } from "./shaping-measures.ts";

type Common = { env?: string; json?: boolean; file?: string };
type Parts = {
  env: () => Option;
  json: () => Option;
  /** Makes an action of a command. */
  run: <A extends unknown[]>(command: (...args: A) => Promise<number>) => (...args: A) => Promise<void>;
};

/** The built-in file with that of --file, or of ATMOS_SHAPING_FILE. @throws CommandError with every problem */
function dataOf({ env, file }: Common): ShapingData {
  const path = file ?? readEnvironment(env)["ATMOS_SHAPING_FILE"];
  const read = readShaping(path);
  if (read.ok) return read.data;
  throw new CommandError(
    `The shaping file cannot be used:\n${read.problems.map((p) => `  - ${p}`).join("\n")}`,
  );
}

async function shapingTest(
  reply: string,
  options: Common & { mx?: string; provider?: string; phase: ReplyPhase },
): Promise<number> {
  const out = outputFor(options);
  if ((options.mx === undefined) === (options.provider === undefined))
    throw new CommandError("Name the host that says it with --mx HOST, or --provider NAME.", EXIT.usage);
  const parsed = parseReply(reply.replaceAll("\\n", "\n"));
  if (parsed.code < 200 || parsed.code > 599)
    throw new CommandError('A reply begins with its code: "550 5.7.1 Message refused".', EXIT.usage);
  const data = dataOf(options);
  const shaping = createShaping(data);
  const id = options.provider ?? shaping.providerOf(options.mx!);
  const provider = providerNamed(data, id);
  const judged = shaping.judge(id, { ...parsed, phase: options.phase });
  for (const [label, words] of linesOf(judged, provider, options))
    out.say(`${label.padEnd(13)}${plain(words)}`);
  out.result({
    reply: { ...parsed, phase: options.phase },
    provider: id,
    providerName: provider.name,
    ...judged,
    rule: judged.rule ?? null,
    measure: judged.measure ?? null,
    advice: judged.advice ?? null,
    source: judged.source ?? null,
    recipient: becomes(judged),
    member: explain(judged),
  });
  return EXIT.ok;
}

/** Where no rule knows better. */
const ADVICE: Record<ShapedReply["fault"], string> = {
  none: "nothing to do",
  recipient: "nothing to do: it is for the member and the recipient",
  member: "if it comes again, look at what the member sends and at its domain: atmos check DOMAIN",
  pool: "if it comes again, look at the egress addresses (atmos egress show), and write a rule of your own for it",
  remote: "nothing to do: the receiving side must mend it",
};

const becomes = ({ class: kind, permanent }: ShapedReply) =>
  kind === "ok" ? "delivered" : permanent ? "bounced" : "deferred";

const FATE = {
  delivered: "delivered",
  deferred: "deferred: tried again, from minutes to hours, for up to five days",
  bounced: "bounced: given back to the member, and not tried again",
} as const;

function linesOf(
  judged: ShapedReply,
  provider: Provider,
  { mx }: { mx?: string },
): [label: string, words: string][] {
  const rule = provider.rules.find(({ name }) => name === judged.rule);
  return [
    ["provider", `${provider.id}, ${provider.name}${mx === undefined ? "" : ` (${mx})`}`],
    [
      "rule",
      rule
        ? `${rule.name}: ${conditionsOf(rule)}`
        : "none of the file; the general table judged by code and words",
    ],
    ["class", `${judged.class}, fault of ${judged.fault === "none" ? "nobody" : `the ${judged.fault}`}`],
    ["recipient", FATE[becomes(judged)]],
    ["measure", judged.measure ? `${judged.measure.do}: ${measureOf(judged.measure)}` : "none"],
    ["member hears", explain(judged)],
    ["operator", judged.advice ?? ADVICE[judged.fault]],
    ...(judged.source === undefined ? [] : ([["source", judged.source]] as [string, string][])),
  ];
}

async function shapingShow(id: string | undefined, options: Common): Promise<number> {
  const out = outputFor(options);
  const data = dataOf(options);
  if (id !== undefined) {
    const provider = providerNamed(data, id);
    for (const line of providerLines(provider)) out.say(plain(line));
    out.result(providerView(provider));
    return EXIT.ok;
  }
  const all = [...data.providers, data.other];
  out.say(row("PROVIDER", "CONN", "ADDR", "MSGS", "/MIN", "NAME"));
  for (const { id: name, limits, name: title } of all) out.say(plain(row(name, ...columns(limits), title)));
  out.say(
    "\nCONN connections, ADDR of them from one address, MSGS messages over one, /MIN messages a minute from one",
  );
  out.say("address. Rules of one: atmos shaping show PROVIDER");
  for (const [domain, { tls, minVersion }] of data.domains)
    out.say(plain(`${domain}: ${tls === "clear" ? "may go in clear" : `${tls}, ${minVersion} or newer`}`));
  out.result({
    providers: all.map(providerView),
    domains: [...data.domains].map(([domain, rule]) => ({ domain, ...rule })),
  });
  return EXIT.ok;
}

function row(...cells: string[]): string {
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(15) : i === 5 ? cell : cell.padStart(5))).join(" ");
}

function columns({ connections, connectionsPerAddress, messagesPerConnection, perMinute }: Limits) {
  return [connections, connectionsPerAddress, messagesPerConnection, perMinute ?? "-"].map(String);
}

function* providerLines(provider: Provider): Generator<string> {
  const { id, name, mx, mailboxes, limits, rules } = provider;
  yield `${id}: ${name}`;
  if (mx.length > 0) yield `  known by     ${mx.join(", ")}`;
  if (mailboxes.length > 0) yield `  mailboxes at ${mailboxes.join(", ")}`;
  const rate =
    limits.perMinute === undefined ? "no rate" : `${limits.perMinute} messages a minute from each address`;
  yield `  limits       ${limits.connections} connections, ${limits.connectionsPerAddress} from each address, ${limits.messagesPerConnection} messages over each; ${rate}`;
  for (const rule of rules) {
    yield `\n  ${rule.name}`;
    yield `    when     ${conditionsOf(rule)}`;
    const outcome = rule.outcome === undefined ? "" : `, ${rule.outcome}`;
    yield `    then     ${rule.class ?? "class of the general table"}${outcome}`;
    if (rule.measure) yield `    measure  ${rule.measure.do}: ${measureOf(rule.measure)}`;
    if (rule.advice !== undefined) yield `    operator ${rule.advice}`;
    if (rule.source !== undefined) yield `    source   ${rule.source}`;
  }
}

function providerNamed(data: ShapingData, id: string): Provider {
  const found = id === OTHER ? data.other : data.providers.find((provider) => provider.id === id);
  if (found) return found;
  throw new CommandError(`${unknownProvider(createShaping(data), id) ?? id}.`, EXIT.usage);
}

async function shapingCheck(file: string, options: { json?: boolean }): Promise<number> {
  const out = outputFor(options);
  const read = readShaping(file);
  if (read.ok) {
    const { providers, domains } = read.data;
    out.say(
      `${file} can be used: with the built-in file ${providers.length} providers, rules for ${domains.size} domains.`,
    );
  } else {
    for (const problem of read.problems) out.say(plain(problem));
    out.say(
      `${read.problems.length === 1 ? "One problem" : `${read.problems.length} problems`}. The keys are explained in docs/shaping.md.`,
    );
  }
  const warnings = read.ok ? read.warnings : [];
  for (const warning of warnings) out.say(plain(`Warning: ${warning}`));
  out.result({ ok: read.ok, problems: read.ok ? [] : read.problems, warnings });
  return read.ok ? EXIT.ok : EXIT.fault;
}

/** `atmos shaping ...` */
export function shapingCommands(program: Command, { env, json, run }: Parts): void {
  const shaping = program
    .command("shaping")
    .description("how much each mailbox provider is sent, and what follows from its replies");
  const file = () =>
    new Option("--file <file>", "your shaping file; by default ATMOS_SHAPING_FILE of the environment");
  shaping
    .command("test")
    .description("say what would follow from a reply of a receiving server; nothing is changed")
    .argument("<reply>", "code and text, in quotes; \\n between lines")
    .option("--mx <host>", "the mail host that says it")
    .option("--provider <name>", "the provider that says it, instead of --mx")
    .addOption(new Option("--phase <phase>", "what it answers").choices([...REPLY_PHASES]).default("rcpt"))
    .addOption(file())
    .addOption(env())
    .addOption(json())
    .addHelpText(
      "after",
      `\nExit code 0: judged. 1: the shaping file is faulty. 2: called wrongly.\n\nExamples:\n  atmos shaping test "550 5.7.1 ..." --mx gmail-smtp-in.l.google.com\n  atmos shaping test "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred" --provider yahoo --phase mail --json`,
    )
    .action(run(shapingTest));
  shaping
    .command("show")
    .description("providers with their limits; of one provider its rules too")
    .argument("[provider]")
    .addOption(file())
    .addOption(env())
    .addOption(json())
    .addHelpText(
      "after",
      "\nExit code 0: shown. 1: the shaping file is faulty. 2: there is no such provider.",
    )
    .action(run(shapingShow));
  shaping
    .command("check")
    .description("look at a shaping file of your own, and say what is wrong with line and key")
    .argument("<file>")
    .addOption(json())
    .addHelpText("after", "\nExit code 0: it can be used. 1: it is faulty.")
    .action(run(shapingCheck));
  measureCommands(shaping, { env, json, run });
}
