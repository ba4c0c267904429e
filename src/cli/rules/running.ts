import { apiOf } from "../api.ts";
import { EXIT, outputFor, plain } from "../output.ts";

type Options = { env?: string; json?: boolean };

type Status = {
  hash: string;
  directory: string;
  since: string;
  rules: number;
  shadow: { rules: string[]; labels: string[] };
  refused: { directory: string; at: string; message: string } | null;
  osprey: { engine: string; waiting: { count: number; since: string | null }; differences: number } | null;
  failures: { rule: string; count: number; overBudget: number; lastAt: string; reason: string }[];
};

type Listed = {
  name: string;
  file: string;
  line: number;
  description: string;
  shadow: boolean;
  fired: number;
  members: number;
  lastAt: string | null;
};

/** `atmos rules status`: exit 1 while the directory is refused. */
export async function status(options: Options): Promise<number> {
  const out = outputFor(options);
  const answer = (await apiOf(options.env)("GET", "/rules/status")) as unknown as Status;
  out.result(answer);
  out.say(plain(statusInWords(answer)));
  return answer.refused ? EXIT.fault : EXIT.ok;
}

function statusInWords(answer: Status): string {
  const { hash, directory, since, rules, shadow, refused, failures, osprey } = answer;
  const lines = [`${rules} rules from ${directory}, in force since ${when(since)} (${hash.slice(0, 12)}).`];
  if (shadow.rules.length + shadow.labels.length > 0)
    lines.push(`In shadow: ${[...shadow.rules, ...shadow.labels.map((one) => `label ${one}`)].join(", ")}.`);
  if (refused)
    lines.push(
      `REFUSED at ${when(refused.at)}: ${refused.directory} is not right; the rules above stay in force.`,
      refused.message,
      "Mend it, then: atmos rules reload",
    );
  for (const { rule, count, overBudget, lastAt, reason } of failures)
    lines.push(
      `${rule} gave no answer ${counted(count, "time")}, ${overBudget} of them for too much work; last ${when(lastAt)}: ${reason}`,
    );
  if (osprey) lines.push(...ospreyInWords(osprey));
  if (failures.length === 0) lines.push("No rule has failed since they were read.");
  return lines.join("\n");
}

function ospreyInWords({ engine, waiting, differences }: NonNullable<Status["osprey"]>): string[] {
  const leads = engine.startsWith("osprey");
  const { count, since } = waiting;
  const away =
    count > 0 ? `; ${counted(count, "event")} without an answer, the first since ${when(since ?? "")}` : "";
  return [
    leads
      ? `Osprey's workers judge (${engine})${away}.`
      : `Osprey's workers are asked for comparison (${engine})${away}.`,
    ...(engine === "osprey"
      ? []
      : [
          differences === 0
            ? "Both engines have said the same of every event."
            : `They differ on ${counted(differences, "event")}: atmos rules differences`,
        ]),
  ];
}

type Differing = { actionId: string; did: string; at: string; lines: string[] };

/** `atmos rules differences`: exit 1 when there are some. */
export async function differences(options: Options): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", "/rules/differences");
  const all = answer["differences"] as Differing[];
  for (const { actionId, did, at, lines } of all) {
    out.say(plain(`${when(at)}  action ${actionId} of ${did}`));
    for (const line of lines) out.say(plain(`  ${line}`));
  }
  out.say(all.length === 0 ? "None in 30 days." : `${counted(all.length, "event")}; the newest first.`);
  out.result(answer);
  return all.length === 0 ? EXIT.ok : EXIT.fault;
}

/** What a rule says, with dots where it names values of the event. */
const filledIn = (description: string) => description.replaceAll(/\{\w+\}/g, "...");

/** `atmos rules list`. */
export async function list(options: Options): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", "/rules/list");
  out.result(answer);
  for (const { name, description, shadow, fired, members, lastAt } of answer["rules"] as Listed[]) {
    const last = lastAt === null ? "" : `, last ${when(lastAt)}`;
    out.say(
      plain(
        `${name}${shadow ? " (shadow)" : ""}: fired ${counted(fired, "time")} in 30 days, at ${counted(members, "member")}${last}`,
      ),
    );
    out.say(plain(`  ${filledIn(description)}`));
  }
  return EXIT.ok;
}

/** `atmos rules reload`: exit 1 when the directory is refused. */
export async function reload(options: Options): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", "/rules/reload", {});
  out.result(answer);
  const {
    ok,
    changed,
    message,
    status: now,
  } = answer as unknown as {
    ok: boolean;
    changed: boolean;
    message: string;
    status: Status;
  };
  if (!ok) {
    process.stderr.write(`${plain(message)}\n`);
    out.say("Refused: the rules that were in force stay.");
    return EXIT.fault;
  }
  out.say(
    changed ? `${now.rules} rules are in force now.` : "Nothing has changed: the same rules are in force.",
  );
  return EXIT.ok;
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
const when = (at: string) => `${at.slice(0, 16).replace("T", " ")} UTC`;
