import { Option, type Command } from "commander";
import { apiOf } from "./api.ts";
import { table } from "./egress-view.ts";
import { changeLines, factLines, type ChangeLine } from "./change-lines.ts";
import { who, type Common, type Decided } from "./member.ts";
import { CommandError, EXIT, outputFor, plain } from "./output.ts";

type Parts = {
  env: () => Option;
  json: () => Option;
  /** Makes an action of a command. */
  run: <A extends unknown[]>(command: (...args: A) => Promise<number>) => (...args: A) => Promise<void>;
};

/** As the API answers. */
type CaseLine = {
  id: number;
  did: string;
  kind: string;
  title: string;
  openedAt: string;
  dueAt: string;
  isOverdue: boolean;
  facts: Record<string, unknown>;
  words: string;
  verdicts: string[];
  decision: { at: string; by: string; verdict: string; to: string | null; reason: string } | null;
};
type CaseShown = CaseLine & {
  standing: string;
  change: ChangeLine | null;
  pause: {
    id: number;
    credential: string | null;
    at: string;
    cause: string;
    end: { at: string } | null;
  } | null;
  remedy: { at: string; text: string } | null;
};

const when = (at: string) => `${at.slice(0, 16).replace("T", " ")} UTC`;

export async function caseList(options: Common & { state: string; did?: string }): Promise<number> {
  const out = outputFor(options);
  const asked = new URLSearchParams({ state: options.state, ...(options.did && { did: options.did }) });
  const answer = await apiOf(options.env)("GET", `/cases?${asked.toString()}`);
  const cases = answer["cases"] as CaseLine[];
  if (cases.length === 0) out.say("No case.");
  const rows = cases.map(({ id, dueAt, isOverdue, decision, did, title }) => [
    String(id),
    decision ? `decided ${when(decision.at)}` : `${isOverdue ? "OVERDUE since" : "due"} ${when(dueAt)}`,
    did,
    title,
  ]);
  if (rows.length > 0)
    for (const line of table([["id", "when", "member", "about"], ...rows])) out.say(plain(line));
  out.result(answer);
  return EXIT.ok;
}

/** What is known of a case, with the commands that answer it. */
export async function caseShow(id: string, options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", casePath(id, ""));
  const one = answer as unknown as CaseShown;
  out.say(`Case ${one.id}: ${one.title}`);
  out.say(`${one.did}, standing ${one.standing}`);
  out.say(`opened ${when(one.openedAt)}, due ${when(one.dueAt)}${one.isOverdue ? ": OVERDUE" : ""}`);
  if (one.change) for (const line of changeLines(one.change)) out.say(plain(line));
  if (one.pause) {
    const { credential, at, cause, end } = one.pause;
    const ended = end ? `, ended ${when(end.at)}` : ", open";
    out.say(plain(`pause of ${credential ?? "the whole member"} since ${when(at)}: ${cause}${ended}`));
  }
  if (one.words !== "") out.say(`The member says: ${plain(one.words)}`);
  if (one.remedy) out.say(`It changed, ${when(one.remedy.at)}: ${plain(one.remedy.text)}`);
  for (const [name, value] of Object.entries(one.facts)) {
    // What the change above says already.
    if (value === null || (one.change && ["from", "to", "rule", "description"].includes(name))) continue;
    for (const line of factLines(name, value)) out.say(plain(`  ${line}`));
  }
  const { decision } = one;
  if (decision) {
    const to = decision.to === null ? "" : ` ${decision.to}`;
    out.say(plain(`Decided ${when(decision.at)} by ${decision.by}: ${decision.verdict}${to}`));
    out.say(plain(`  ${decision.reason}`));
  } else {
    const flags = one.verdicts.map((verdict) => (verdict === "standing" ? "--to STANDING" : `--${verdict}`));
    out.say(`Decide: atmos case decide ${one.id} ${flags.join(" | ")} --reason TEXT --by NAME`);
  }
  out.result(answer);
  return EXIT.ok;
}

type DecideOptions = Common & { uphold?: boolean; lift?: boolean; to?: string; reason: string; by: string };

export async function caseDecide(id: string, options: DecideOptions): Promise<number> {
  const out = outputFor(options);
  const { uphold, lift, to, reason, by } = options;
  const said = [uphold && "uphold", lift && "lift", to !== undefined && "standing"].filter(Boolean);
  if (said.length !== 1) throw new CommandError("Say one of --uphold, --lift, --to STANDING.", EXIT.usage);
  const answer = await apiOf(options.env)("POST", casePath(id, "/decide"), {
    verdict: said[0],
    ...(to !== undefined && { to }),
    reason,
    by,
  });
  const { did, standing } = answer as unknown as CaseShown;
  out.say(`Case ${id} is decided. ${did} is ${standing}, and has been told.`);
  out.result(answer);
  return EXIT.ok;
}

export async function memberAppeal(
  did: string,
  change: string,
  options: Decided & { text: string },
): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", `/cases/of/${encodeURIComponent(did)}/appeal`, {
    change: numberOf(change, "A change"),
    text: options.text,
    ...who(options),
  });
  out.say(`Case ${String(answer["id"])} is open. The committee decides by ${when(String(answer["dueAt"]))}.`);
  out.result(answer);
  return EXIT.ok;
}

export async function memberRemedy(did: string, options: Decided & { text: string }): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", `/cases/of/${encodeURIComponent(did)}/remedy`, {
    text: options.text,
    ...who(options),
  });
  out.say(`It is written down. ${did} is ${String(answer["standing"])}.`);
  if (answer["waits"] === true)
    out.say("The return to warned follows by itself once 14 days without a new cause are over.");
  out.result(answer);
  return EXIT.ok;
}

/** `atmos case ...`. */
export function caseCommands(program: Command, { env, json, run }: Parts): void {
  const group = program.command("case").description("what only a person of the committee decides");
  const add = (name: string, description: string) =>
    group.command(name).description(description).addOption(env()).addOption(json());

  add("list", "list the cases, those that are due first on top")
    .addOption(new Option("--state <state>").choices(["open", "decided", "all"]).default("open"))
    .option("--did <did>", "of one member")
    .action(run(caseList));
  add("show", "show a case, and how it can be answered").argument("<id>").action(run(caseShow));
  add("decide", "decide a case; the member is told who decided and why")
    .argument("<id>")
    .option("--uphold", "what was done stands")
    .option("--lift", "it is taken back: the standing of before, or the pause ends")
    .option("--to <standing>", "another standing: good, warned, probation, suspended or ejected")
    .requiredOption("--reason <text>", "why, in words for the member")
    .requiredOption("--by <name>", "who decides: a DID, a handle or a name; never whom it is about")
    .action(run(caseDecide));
}

function numberOf(text: string, what: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new CommandError(`${what} is named by its number, not "${plain(text)}".`, EXIT.usage);
}

const casePath = (id: string, rest: string) => `/cases/${numberOf(id, "A case")}${rest}`;
