import { userInfo } from "node:os";
import { Argument, InvalidArgumentError, type Command, type Option } from "commander";
import {
  ABUSE_OUTCOMES,
  ENTRY_STATES,
  FOLDERS,
  type AbuseFacts,
  type EntryAction,
  type EntryDetail,
  type EntryView,
} from "../inbox/index.ts";
import type { WithIsoTimes } from "../lib/iso-times.ts";
import { apiOf } from "./api.ts";
import { table } from "./egress-view.ts";
import { EXIT, outputFor, plain } from "./output.ts";

type Common = { env?: string; json?: boolean };
type Parts = {
  env: () => Option;
  json: () => Option;
  /** Makes an action of a command. */
  run: <A extends unknown[]>(command: (...args: A) => Promise<number>) => (...args: A) => Promise<void>;
};
type Decision = Common & { by?: string; note?: string };

async function list(
  options: Common & { folder?: string; state?: string; before?: string; limit?: string },
): Promise<number> {
  const out = outputFor(options);
  const { folder, state, before, limit } = options;
  const query = new URLSearchParams(
    Object.entries({ folder, state, before, limit }).filter(
      (one): one is [string, string] => one[1] !== undefined,
    ),
  );
  const answer = await apiOf(options.env)("GET", `/inbox?${query}`);
  const entries = answer["entries"] as WithIsoTimes<EntryView>[];
  const rows = entries.map(({ id, at, state: of, kind, from, subject }) => [
    String(id),
    at.slice(0, 16).replace("T", " "),
    of,
    kind,
    from.slice(0, 40),
    subject.slice(0, 60),
  ]);
  if (rows.length === 0) out.say("Nothing is there.");
  else
    for (const line of table([["id", "received (UTC)", "", "kind", "from", "subject"], ...rows]))
      out.say(plain(line));
  const counts = Object.entries(answer["counts"] as Record<string, number>);
  out.say(`Open: ${counts.map(([name, n]) => `${n} in ${name}`).join(", ")}.`);
  if (answer["next"] !== null) out.say(`More: atmos inbox list --before ${String(answer["next"])}`);
  out.result(answer);
  return EXIT.ok;
}

async function show(id: number, options: Common & { raw?: boolean }): Promise<number> {
  const out = outputFor(options);
  const api = apiOf(options.env);
  if (options.raw) {
    const { raw } = await api("GET", `/inbox/${id}/raw`);
    const mail = Buffer.from(String(raw), "base64");
    // A terminal obeys what a mail holds; a file or a pipe has it octet for octet.
    process.stdout.write(process.stdout.isTTY ? plain(mail.toString("utf8").replace(/\r\n/g, "\n")) : mail);
    return EXIT.ok;
  }
  const answer = await api("GET", `/inbox/${id}`);
  for (const line of detailLines(answer["entry"] as WithIsoTimes<EntryDetail>)) out.say(plain(line));
  out.result(answer);
  return EXIT.ok;
}

function detailLines(entry: WithIsoTimes<EntryDetail>): string[] {
  const { id, state, assigned, why, from, mailFrom, to, subject, at, authentication, text, traces } = entry;
  return [
    `Entry      ${id}, ${state}${assigned === null ? "" : `, ${assigned} takes care of it`} (${entry.folder})`,
    `Why        ${why}`,
    `From       ${from} (envelope: ${mailFrom || "<>"})`,
    `To         ${to}`,
    `Subject    ${subject}`,
    `Received   ${at}`,
    `Checked    ${authentication.replace(/\s+/g, " ")}`,
    ...(entry.forward === null ? [] : [`Sent on    as ${entry.forward}: atmos queue show ${entry.forward}`]),
    ...(entry.abuse === null ? [] : reportLines(entry.abuse)),
    ...(entry.replyTo === null ? [] : [`Answer to  ${entry.replyTo}`]),
    ...entry.attachments.map(
      ({ name, type, size }) => `Attached   ${name || "(no name)"}, ${type}, ${size} octets`,
    ),
    ...traces.map(
      (one) => `${one.at.slice(0, 16)}  ${one.what} by ${one.by}${one.note ? `: ${one.note}` : ""}`,
    ),
    "",
    text,
  ];
}

function reportLines({ domains, message, answer }: WithIsoTimes<AbuseFacts>): string[] {
  return [
    `Signed by  ${domains.join(", ") || "nobody"}`,
    `Sent by us ${message ? `message ${message.id} of ${message.did}: atmos queue show ${message.id}` : "its header carries no mark of ours"}`,
    `Answered   ${answer ? `${answer.outcome}, ${answer.at}${answer.words ? `: ${answer.words}` : ""}` : "not yet: atmos inbox answer"}`,
  ];
}

async function decide(action: EntryAction, id: number, options: Decision & { to?: string }): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", `/inbox/${id}/${action}`, {
    by: options.by ?? userInfo().username,
    note: options.note ?? "",
    ...(options.to !== undefined && { to: options.to }),
  });
  out.say(`Entry ${id}: ${action}.`);
  out.result(answer);
  return EXIT.ok;
}

async function answer(
  id: number,
  outcome: string,
  options: Common & { by?: string; words?: string },
): Promise<number> {
  const out = outputFor(options);
  const answered = await apiOf(options.env)("POST", `/inbox/${id}/answer`, {
    by: options.by ?? userInfo().username,
    outcome,
    words: options.words ?? "",
  });
  out.say(`Entry ${id}: whoever reported it sees "${outcome}" now.`);
  out.result(answered);
  return EXIT.ok;
}

const DECISIONS: readonly [EntryAction, string][] = [
  ["done", "nothing is left to do about it; it is forgotten after 90 days"],
  ["reopen", "something is"],
  ["spam", "put it aside"],
  ["not-spam", "put it back into the inbox"],
];

/** `atmos inbox ...` */
export function inboxCommands(program: Command, { env, json, run }: Parts): void {
  const inbox = program
    .command("inbox")
    .description("mail to postmaster, abuse and the like, and complaints that match no message");
  inbox
    .command("list")
    .description("what is there, newest first")
    .option("--folder <name>", `one of ${FOLDERS.join(", ")}`)
    .option("--state <name>", `one of ${ENTRY_STATES.join(", ")}`)
    .option("--before <id>", "those before this one")
    .option("--limit <n>", "at most so many, up to 500", "50")
    .addOption(env())
    .addOption(json())
    .action(run(list));
  inbox
    .command("show")
    .description("one of them as text; links and attachments are not opened")
    .argument("<id>", "its number", numbered)
    .option("--raw", "the mail as it came; into a file or a pipe octet for octet")
    .addOption(env())
    .addOption(json())
    .action(run(show));
  const by = "who says so; by default the user of this host";
  for (const [action, about] of DECISIONS) {
    inbox
      .command(action)
      .description(about)
      .argument("<id>", "its number", numbered)
      .option("--note <text>", "for the record")
      .option("--by <name>", by)
      .addOption(env())
      .addOption(json())
      .action(run((id: number, options: Decision) => decide(action, id, options)));
  }
  inbox
    .command("answer")
    .description(
      "what became of a report of abuse, for whoever reported it; it is done then, unless more is needed",
    )
    .argument("<id>", "its number", numbered)
    .addArgument(new Argument("<outcome>", "what became of it").choices(ABUSE_OUTCOMES))
    .option("--words <text>", "which whoever reported it reads too: nothing that is not public")
    .option("--by <name>", by)
    .addOption(env())
    .addOption(json())
    .action(run(answer));
  inbox
    .command("assign")
    .description("who takes care of it")
    .argument("<id>", "its number", numbered)
    .argument("[person]", "without: nobody")
    .option("--note <text>", "for the record")
    .option("--by <name>", by)
    .addOption(env())
    .addOption(json())
    .action(
      run((id: number, person: string | undefined, options: Decision) =>
        decide("assign", id, { ...options, to: person ?? "" }),
      ),
    );
}

function numbered(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError("An entry has a number: atmos inbox list");
  return Number(text);
}
