import { readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import type { Command, Option } from "commander";
import type { ReportRow, ReportTotals, Source, Sources, TlsRow } from "../report/index.ts";
import { apiOf } from "./api.ts";
import { table } from "./egress-view.ts";
import { CommandError, EXIT, outputFor, plain } from "./output.ts";

type Common = { env?: string; json?: boolean };
type Parts = {
  env: () => Option;
  json: () => Option;
  /** Makes an action of a command. */
  run: <A extends unknown[]>(command: (...args: A) => Promise<number>) => (...args: A) => Promise<void>;
};
type Ranged = Common & { days: string };

const MOST_FILE = 10 * 1024 * 1024;
const MOST_SHOWN = 20;

export async function reportList(options: Ranged): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", `/report?days=${encodeURIComponent(options.days)}`);
  const domains = answer["domains"] as ReportTotals[];
  if (domains.length === 0) out.say(`Nobody reported about a member's domain in ${options.days} days.`);
  else {
    const rows = domains.map(({ domain, reports, messages, aligned, sessions, failed, unverified }) =>
      [domain, reports, messages, messages - aligned, sessions, failed, unverified].map(String),
    );
    const head = ["domain", "reports", "messages", "not aligned", "TLS sessions", "failed", "unverified"];
    for (const line of table([head, ...rows])) out.say(plain(line));
  }
  out.result(answer);
  return EXIT.ok;
}

export async function reportShow(domain: string, options: Ranged): Promise<number> {
  const out = outputFor(options);
  const path = `/report/domains/${encodeURIComponent(domain)}?days=${encodeURIComponent(options.days)}`;
  const answer = await apiOf(options.env)("GET", path);
  const found = answer["sources"] as Sources;
  const reports = answer["reports"] as (Omit<ReportRow, "day"> & { day: string })[];
  const tls = answer["tls"] as TlsRow[];
  if (reports.length === 0) out.say(`Nobody reported about ${domain} in ${options.days} days.`);
  for (const [kind, words] of Object.entries(KINDS) as [keyof Sources, string][])
    for (const line of sourceLines(words, found[kind])) out.say(plain(line));
  const [well, failed] = [tls.filter((row) => row.failure === ""), tls.filter((row) => row.failure !== "")];
  if (tls.length > 0) out.say(`TLS: ${sessionsOf(well)} sessions well, ${sessionsOf(failed)} failed`);
  for (const [failure, rows] of Map.groupBy(failed, (row) => row.failure))
    out.say(plain(`  ${sessionsOf(rows)} x ${failure}`));
  const rows = reports
    .slice(0, MOST_SHOWN)
    .map(({ day, kind, organization, messages, provenBy }) => [
      day,
      kind,
      organization,
      provenBy || "unverified, not counted",
      String(messages),
    ]);
  if (rows.length > 0)
    for (const line of table([["day (UTC)", "kind", "reporter", "sent by", "counts"], ...rows]))
      out.say(plain(line));
  out.result(answer);
  return EXIT.ok;
}

const KINDS: Record<keyof Sources, string> = {
  ours: "From the pool",
  aligned: "From others, with a signature of the domain or by its SPF record",
  unaligned: "From others, with nothing that shows it is the domain's",
};

const sessionsOf = (rows: readonly TlsRow[]) => rows.reduce((sum, { sessions }) => sum + sessions, 0);

function sourceLines(words: string, found: readonly Source[]): string[] {
  if (found.length === 0) return [];
  const all = found.reduce((sum, { messages }) => sum + messages, 0);
  const rows = found
    .slice(0, MOST_SHOWN)
    .map(({ ip, messages, aligned, quarantined, rejected }) => [
      ip || "(others)",
      ...[messages, aligned, quarantined, rejected].map(String),
    ]);
  const more = found.length > MOST_SHOWN ? [`and ${found.length - MOST_SHOWN} more addresses: --json`] : [];
  const head = ["address", "messages", "aligned", "quarantined", "rejected"];
  return [`${words}: ${all} messages`, ...table([head, ...rows]), ...more, ""];
}

type Told = { domain: string; outcome: string; messages: number };

const OUTCOMES: Record<string, string> = {
  recorded: "counted",
  duplicate: "known already",
  "too-many": "not taken: this domain has had its reports of today",
  "out-of-time": "not taken: it is older than 400 days, or of a day that has not been",
  stranger: "not taken: no member has this domain",
};

export async function reportImport(files: string[], options: Common & { by?: string }): Promise<number> {
  const out = outputFor(options);
  const api = apiOf(options.env);
  const by = options.by ?? userInfo().username;
  const results: Record<string, unknown>[] = [];
  for (const file of files) {
    try {
      const answer = await api("POST", "/report/import", { file: read(file), by });
      for (const { domain, outcome, messages } of answer["told"] as Told[])
        out.say(plain(`${file}: ${domain}: ${OUTCOMES[outcome] ?? outcome} (${messages})`));
      results.push({ file, ...answer });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      out.say(plain(`${file}: ${error.message}`));
      results.push({ file, error: error.message });
    }
  }
  out.result({ files: results });
  return results.some((one) => "error" in one) ? EXIT.fault : EXIT.ok;
}

function read(file: string): string {
  try {
    if (statSync(file).size > MOST_FILE) throw new CommandError("It is larger than 10 MiB.");
    return readFileSync(file).toString("base64");
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`It cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

/** `atmos report ...` */
export function reportCommands(program: Command, { env, json, run }: Parts): void {
  const report = program
    .command("report")
    .description("what others report of members' domains by DMARC and TLS: who sends as them");
  report
    .command("list")
    .description("each domain that reports came about, with its counts")
    .option("--days <n>", "how far back, at most 400", "30")
    .addOption(env())
    .addOption(json())
    .action(run(reportList));
  report
    .command("show")
    .description("who sends as a domain, from where, and who says so")
    .argument("<domain>")
    .option("--days <n>", "how far back, at most 400", "30")
    .addOption(env())
    .addOption(json())
    .action(run(reportShow));
  report
    .command("import")
    .description("take in reports that you have: mails, XML, JSON, zip or gzip, of at most 10 MiB each")
    .argument("<file...>")
    .option("--by <name>", "who imports, for the record; by default the user of this host")
    .addOption(env())
    .addOption(json())
    .addHelpText("after", "\nExit code 0: all were read. 1: one could not be.")
    .action(run(reportImport));
}
