import { userInfo } from "node:os";
import type { Command, Option } from "commander";
import type { LiftedMeasure, MeasureInForce } from "../shaping/index.ts";
import { apiOf } from "./api.ts";
import { EXIT, outputFor, plain } from "./output.ts";

type Common = { env?: string; json?: boolean };
type Parts = {
  env: () => Option;
  json: () => Option;
  /** Makes an action of a command. */
  run: <A extends unknown[]>(command: (...args: A) => Promise<number>) => (...args: A) => Promise<void>;
};

const time = (at: number): string => new Date(at).toISOString().slice(0, 16).replace("T", " ");

const WHAT: Record<MeasureInForce["kind"], string> = {
  slow: "half the rate and half the connections from",
  pause: "nothing from",
  suspend: "nothing of member",
};

/** A name of several hosts is one word of the shell. */
const word = (text: string): string => (/^[\w.:%-]+$/.test(text) ? text : JSON.stringify(text));

/** What `atmos shaping measures` prints. */
export function measureTexts(
  measures: readonly MeasureInForce[],
  lifted: readonly LiftedMeasure[],
  now: number,
): string[] {
  const lines = measures.flatMap(({ kind, provider, subject, since, until, why, advice }) => [
    `${provider}: ${WHAT[kind]} ${subject || "the system's own choice"} until ${time(until)} (since ${time(since)})`,
    `  because  ${why}`,
    ...(advice === null ? [] : [`  to do    ${advice}`]),
    `  to end   atmos shaping lift ${word(provider)} ${word(subject)} --why "…"`,
    "",
  ]);
  if (measures.length === 0) lines.push("No provider's reply made us slow down, pause or hold anything.", "");
  if (lifted.length > 0) {
    lines.push("Ended by people:");
    for (const { at, provider, subject, kind, by, why } of lifted)
      lines.push(`  ${time(at)}  ${provider}: ${WHAT[kind]} ${subject}, ${by}: ${why}`);
    lines.push("");
  }
  return [...lines, `As of ${time(now)} UTC.`];
}

async function list(options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", "/shaping");
  const measures = answer["measures"] as MeasureInForce[];
  const lifted = answer["lifted"] as LiftedMeasure[];
  for (const line of measureTexts(measures, lifted, Number(answer["now"]))) out.say(plain(line));
  out.result(answer);
  return EXIT.ok;
}

async function lift(
  provider: string,
  subject: string,
  options: Common & { why: string; by?: string },
): Promise<number> {
  const out = outputFor(options);
  const by = options.by ?? userInfo().username;
  const answer = await apiOf(options.env)("POST", "/shaping/lift", {
    provider,
    subject,
    by,
    why: options.why,
  });
  const ended = answer["measures"] as MeasureInForce[];
  for (const { kind, until } of ended)
    out.say(plain(`Ended: ${provider}: ${WHAT[kind]} ${subject} until ${time(until)}`));
  out.say(
    `${Number(answer["due"])} waiting recipients are due now. If the provider still means it, its next reply begins it anew.`,
  );
  out.result(answer);
  return EXIT.ok;
}

/** `atmos shaping measures` and `atmos shaping lift`. */
export function measureCommands(shaping: Command, { env, json, run }: Parts): void {
  shaping
    .command("measures")
    .description("what providers' replies made this node do: slowed down, paused, held, until when and why")
    .addOption(env())
    .addOption(json())
    .action(run(list));
  shaping
    .command("lift")
    .description("end such a measure before its time; what waits for it is due at once")
    .argument("<provider>", "as `atmos shaping measures` names it; of several hosts in quotes")
    .argument("<subject>", "the address of ours, or the member's DID")
    .requiredOption("--why <text>", "the reason; it stays with the measure and with each message")
    .option("--by <name>", "who does it; by default the user of this host")
    .addOption(env())
    .addOption(json())
    .addHelpText("after", "\nExit code 0: ended. 1: nothing is in force of this subject there.")
    .action(run(lift));
}
