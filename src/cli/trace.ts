import type { Command, Option } from "commander";
import type { WithIsoTimes } from "../lib/iso-times.ts";
import { explain } from "../protocol/smtp-reply/index.ts";
import type { TracedMessage } from "../roles/index.ts";
import { apiOf } from "./api.ts";
import { EXIT, outputFor, plain } from "./output.ts";
import { span } from "./queue-view.ts";

type Parts = {
  env: () => Option;
  json: () => Option;
  /** Makes an action of a command. */
  run: <A extends unknown[]>(command: (...args: A) => Promise<number>) => (...args: A) => Promise<void>;
};
type TraceOptions = { env?: string; json?: boolean; member?: string; before?: string };
/** As the API answers. */
type Message = WithIsoTimes<TracedMessage>;
type Suppressed = {
  id: number;
  of: string;
  streams: string;
  reason: string;
  createdAt: string;
  exempt: boolean;
};

/** What happened to mail for one person. Exit code 1: nothing is known of it. */
export async function trace(address: string, options: TraceOptions): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", "/trace", {
    address,
    ...(options.member !== undefined && { did: options.member }),
    ...(options.before !== undefined && { before: Number(options.before) }),
  });
  const messages = answer["messages"] as Message[];
  const suppressions = (answer["suppressions"] ?? []) as Suppressed[];
  if (answer["suppressions"] === undefined)
    out.say("Of suppressions only the core knows: ask on its host too.");
  for (const line of traceLines(messages, suppressions)) out.say(line);
  const next = answer["next"];
  if (next !== null)
    out.say(
      `${Number(answer["scanned"])} messages were looked at. More: the same with --before ${Number(next)}`,
    );
  out.result(answer);
  return messages.length + suppressions.length > 0 ? EXIT.ok : EXIT.fault;
}

/** Lines for people: what keeps mail away, then each message, the latest first. */
function traceLines(messages: readonly Message[], suppressions: readonly Suppressed[]): string[] {
  return [
    ...suppressions.map(suppressedLine),
    ...(messages.length === 0
      ? [
          "No message to this address is known here: it was never handed in, was refused then, or is older than what is kept.",
        ]
      : messages.flatMap(messageLines)),
  ];
}

function suppressedLine({ id, of, streams, reason, createdAt, exempt }: Suppressed): string {
  const whose = of === "pool" ? "the whole pool" : of;
  const what = exempt ? "Passes, although others hold it back" : `Suppressed (${reason}, ${streams})`;
  return `${what}, for ${whose}, since ${createdAt.slice(0, 10)}: entry ${id}`;
}

function messageLines(message: Message): string[] {
  const received = Date.parse(message.receivedAt);
  const head = `${time(message.receivedAt)} ${message.id} from ${plain(message.fromDomain)}, ${message.stream}, of ${message.did}`;
  return [
    "",
    head,
    ...message.recipients.flatMap((recipient) => {
      const attempts = message.attempts.filter((one) => one.recipientId === recipient.id);
      const last = attempts.at(-1);
      const took =
        recipient.state === "delivered" && last
          ? `, ${span(Date.parse(last.at) - received)} after it was handed in`
          : "";
      const waits = ["queued", "deferred"].includes(recipient.state)
        ? `, next ${time(recipient.nextAt)}`
        : "";
      const held = recipient.hold ? `, held: ${recipient.hold.reason}` : "";
      return [`  ${recipient.state}${took}${waits}${held}`, ...attempts.flatMap(attemptLines)];
    }),
  ];
}

function attemptLines({
  at,
  host,
  code,
  enhanced,
  text,
  class: kind,
  permanent,
}: Message["attempts"][number]): string[] {
  const said = [code || "no reply", enhanced, text].filter(Boolean).join(" ");
  const line = `  ${time(at)} ${plain(host) || "no host"}: ${plain(said)}`;
  return kind === "ok" ? [line] : [line, `    ${explain({ class: kind, permanent })}`];
}

const time = (at: string) => at.replace(/\.\d+Z$/, "Z");

export function traceCommands(program: Command, { env, json, run }: Parts): void {
  program
    .command("trace")
    .description("what happened to mail for one person, and whether an address is suppressed")
    .argument("<address>", "whole, such as ada@example.com")
    .option("--member <did>", "mail of this member alone")
    .option("--before <number>", "go on from there")
    .addOption(env())
    .addOption(json())
    .action(run(trace));
}
