import { readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { Option, type Command } from "commander";
import { SUPPRESSION_REASONS, SUPPRESSION_STREAMS } from "../suppression/index.ts";
import { apiOf, longApiOf } from "./api.ts";
import { table } from "./egress-view.ts";
import { CommandError, EXIT, outputFor, plain, readOptionBytes } from "./output.ts";

type Common = { env?: string; json?: boolean };
type Scoped = Common & { did?: string; pool?: boolean };
type Parts = {
  env: () => Option;
  json: () => Option;
  /** Makes an action of a command. */
  run: <A extends unknown[]>(command: (...args: A) => Promise<number>) => (...args: A) => Promise<void>;
};

/** As the API answers. */
type Entry = {
  id: number;
  of: string;
  streams: string;
  key: string;
  domain: string;
  reason: string;
  source: string;
  createdAt: string;
  expiresAt: string | null;
  evidence: { code: number; enhanced: string; text: string } | null;
  exempt: boolean;
};

const MOST_SHOWN_BAD = 20;

function scopeOf({ did, pool }: Scoped): string | undefined {
  if (did !== undefined && pool) throw new CommandError("Say --did or --pool, not both.", EXIT.usage);
  return pool ? "pool" : did;
}

function neededScope(options: Scoped): string {
  const of = scopeOf(options);
  if (of === undefined) throw new CommandError("Say whom it binds: --did DID, or --pool.", EXIT.usage);
  return of;
}

const byOf = ({ by }: { by?: string }) => by ?? userInfo().username;
const given = (fields: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** The lines of a table, for people. */
function entryLines(entries: readonly Entry[]): string[] {
  const rows = entries.map(({ id, of, streams, domain, reason, createdAt, expiresAt, evidence, exempt }) => [
    String(id),
    of,
    domain || "?",
    exempt ? "passes" : reason,
    streams,
    createdAt.slice(0, 10),
    expiresAt?.slice(0, 10) ?? "released",
    evidence
      ? [evidence.code || "", evidence.enhanced, evidence.text].filter(Boolean).join(" ").slice(0, 60)
      : "",
  ]);
  return table([["id", "of", "domain", "why", "streams", "since", "until", "said"], ...rows]);
}

type ListOptions = Scoped & { domain?: string; reason?: string; limit: string; before?: string };

export async function suppressionList(options: ListOptions): Promise<number> {
  const out = outputFor(options);
  const { domain, reason, limit, before } = options;
  const page = { limit: Number(limit), before: before === undefined ? undefined : Number(before) };
  const asked = given({ of: scopeOf(options), domain, reason, ...page });
  const answer = await apiOf(options.env)("POST", "/suppression/list", asked);
  const entries = answer["entries"] as Entry[];
  if (entries.length === 0) out.say("Nothing is suppressed that matches.");
  else for (const line of entryLines(entries)) out.say(plain(line));
  const counts = answer["counts"] as { did: string | null; n: number }[];
  const pool = counts.filter(({ did }) => did === null).reduce((sum, { n }) => sum + n, 0);
  const members = counts.reduce((sum, { n }) => sum + n, 0) - pool;
  out.say(`\nIn force: ${members} of members, ${pool} of the pool.`);
  if (answer["next"] !== null) out.say(`There are older ones: --before ${String(answer["next"])}`);
  out.result(answer);
  return EXIT.ok;
}

export async function suppressionSearch(address: string, options: Scoped): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", "/suppression/search", given({ address, of: options.did }));
  const entries = answer["entries"] as Entry[];
  if (entries.length === 0) out.say("Nothing keeps mail from this address.");
  else for (const line of entryLines(entries)) out.say(plain(line));
  out.result(answer);
  return entries.length > 0 ? EXIT.ok : EXIT.fault;
}

export async function suppressionRelease(what: string, options: Scoped & { by?: string }): Promise<number> {
  const out = outputFor(options);
  const named = /^\d+$/.test(what) ? { id: Number(what) } : { address: what, of: scopeOf(options) };
  const asked = given({ ...named, by: byOf(options) });
  const answer = await apiOf(options.env)("POST", "/suppression/release", asked);
  out.say(`Released: ${String(answer["released"])}. Mail goes there again within a second.`);
  out.result(answer);
  return EXIT.ok;
}

type AddOptions = Scoped & { by?: string; streams: string; days?: string };

export async function suppressionAdd(address: string, options: AddOptions): Promise<number> {
  const out = outputFor(options);
  const { streams, days } = options;
  const until = days === undefined ? undefined : Number(days);
  const asked = given({ address, of: neededScope(options), streams, days: until, by: byOf(options) });
  const answer = await apiOf(options.env)("POST", "/suppression/add", asked);
  out.say(
    answer["added"] ? "Nothing is sent there any more." : "It is on the list already, and stays as it is.",
  );
  out.result(answer);
  return EXIT.ok;
}

/** Spreadsheets save "Unicode text" as UTF-16, which its first two octets say. */
function textOf(bytes: Buffer): string {
  const isBig = bytes[0] === 0xfe && bytes[1] === 0xff;
  if (!isBig && !(bytes[0] === 0xff && bytes[1] === 0xfe)) return bytes.toString("utf8");
  return new TextDecoder(isBig ? "utf-16be" : "utf-16le").decode(bytes);
}

type ImportOptions = Scoped & { by?: string; reason: string; skipBad?: boolean; dryRun?: boolean };

export async function suppressionImport(file: string, options: ImportOptions): Promise<number> {
  const out = outputFor(options);
  const text = textOf(file === "-" ? readFileSync(0) : readOptionBytes("FILE", file));
  const { reason, skipBad = false, dryRun = false } = options;
  const asked = given({ text, of: scopeOf(options), reason, skipBad, dryRun, by: byOf(options) });
  const told = process.stderr.isTTY && !options.json;
  const answer = await longApiOf(options.env)("/suppression/import", asked, ({ lookedAt, lines }) => {
    if (told && lines !== undefined) process.stderr.write(`\r${String(lookedAt)} of ${String(lines)} `);
  });
  if (told) process.stderr.write("\r");
  const bad = answer["bad"] as { line: number; why: string }[];
  for (const { line, why } of bad.slice(0, MOST_SHOWN_BAD)) out.say(plain(`line ${line}: ${why}`));
  if (bad.length > MOST_SHOWN_BAD) out.say(`and ${bad.length - MOST_SHOWN_BAD} more; --json has them`);
  const read = `${String(answer["lines"])} lines can be read (${String(answer["format"])}), ${bad.length} cannot.`;
  if (answer["done"]) out.say(`${read} ${String(answer["added"])} are new on the list.`);
  else if (dryRun) out.say(`${read} Nothing was changed (--dry-run).`);
  else out.say(`${read} Nothing was taken in: mend them, or leave them out with --skip-bad.`);
  out.result(answer);
  return answer["done"] || (dryRun && bad.length === 0) ? EXIT.ok : EXIT.fault;
}

type ExportOptions = Scoped & { out?: string; format: "csv" | "json" };

export async function suppressionExport(options: ExportOptions): Promise<number> {
  const out = outputFor(options);
  const api = apiOf(options.env);
  const entries: Entry[] = [];
  let before: number | undefined;
  do {
    const page = await api("POST", "/suppression/export", given({ of: scopeOf(options), before }));
    entries.push(...(page["entries"] as Entry[]));
    before = (page["next"] as number | null) ?? undefined;
  } while (before !== undefined);
  const text = exportText(entries, options.format);
  if (options.out !== undefined) writeFileSync(options.out, text, { mode: 0o600 });
  else if (!options.json) process.stdout.write(text);
  if (options.out !== undefined) {
    out.say(`${entries.length} entries are in ${options.out}.`);
    out.say("They are keyed hashes, not addresses: only a node of this pool can use them.");
  }
  out.result({
    entries: entries.length,
    out: options.out ?? null,
    ...(options.out === undefined && { list: entries }),
  });
  return EXIT.ok;
}

type IncidentOptions = Common & { by?: string; provider: string; from: string; to: string; why: string };

export async function suppressionUndoIncident(options: IncidentOptions): Promise<number> {
  const out = outputFor(options);
  const { provider, why } = options;
  const asked = { provider, from: timeOf("--from", options.from), to: timeOf("--to", options.to), why };
  const body = { ...asked, by: byOf(options) };
  const answer = await apiOf(options.env)("POST", "/suppression/undo-incident", body);
  const { refusals, lifted } = answer;
  if (refusals === 0) out.say(`${plain(provider)} refused nobody between ${asked.from} and ${asked.to}.`);
  else
    out.say(
      `${String(refusals)} refusals count no more, ${String(lifted)} addresses are released. Mail goes there again within a second.`,
    );
  out.result(answer);
  return refusals === 0 ? EXIT.fault : EXIT.ok;
}

function timeOf(option: string, text: string): string {
  const at = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})$/.test(text)
    ? Date.parse(text)
    : NaN;
  if (Number.isNaN(at))
    throw new CommandError(
      `${option} "${text}" is not a time with its zone, such as 2026-01-31T08:00Z.`,
      EXIT.usage,
    );
  return new Date(at).toISOString();
}

const EXPORTED = ["key", "domain", "reason", "streams", "of", "createdAt", "expiresAt"] as const;

/** What `import` of another node of the pool reads: CSV with a first line of names, or JSON lines. */
function exportText(entries: readonly Entry[], format: "csv" | "json"): string {
  const rows = entries.map((entry) => EXPORTED.map((name) => entry[name] ?? "never"));
  if (format === "json")
    return rows
      .map((row) => `${JSON.stringify(Object.fromEntries(EXPORTED.map((name, i) => [name, row[i]])))}\n`)
      .join("");
  return [EXPORTED.join(","), ...rows.map((row) => row.join(","))].map((line) => `${line}\n`).join("");
}

/** `atmos suppression ...` */
export function suppressionCommands(program: Command, { env, json, run }: Parts): void {
  const list = program.command("suppression").description("addresses to which nothing is sent");
  const scoped = (command: Command) =>
    command.option("--did <did>", "of this member").option("--pool", "of the whole pool");
  const by = () => new Option("--by <name>", "who does it; by default the user of this host");
  const CODES = "\nExit code 0: done. 1: nothing was done, or something is wrong. 2: called wrongly.";

  scoped(list.command("list"))
    .description("what is in force, newest first")
    .option("--domain <domain>", "of addresses at this domain")
    .addOption(new Option("--reason <name>").choices([...SUPPRESSION_REASONS]))
    .option("--limit <n>", "at most, up to 1000", "50")
    .option("--before <id>", "go on where the last page ended")
    .addOption(env())
    .addOption(json())
    .action(run(suppressionList));
  list
    .command("search")
    .description("what keeps mail from an address; with --did, from mail of that member")
    .argument("<address>")
    .option("--did <did>", "of this member")
    .addOption(env())
    .addOption(json())
    .addHelpText("after", "\nExit code 0: there is something. 1: there is nothing. 2: called wrongly.")
    .action(run(suppressionSearch));
  scoped(list.command("release"))
    .description("let mail go there again: one entry, or all about an address")
    .argument("<id or address>")
    .addOption(by())
    .addOption(env())
    .addOption(json())
    .addHelpText(
      "after",
      `${CODES}\n\nExamples:\n  atmos suppression release 17\n  atmos suppression release ada@example.com --did did:plc:…`,
    )
    .action(run(suppressionRelease));
  scoped(list.command("add"))
    .description("send nothing there any more")
    .argument("<address>")
    .addOption(new Option("--streams <which>").choices([...SUPPRESSION_STREAMS]).default("all"))
    .option("--days <n>", "for so long; by default until it is released")
    .addOption(by())
    .addOption(env())
    .addOption(json())
    .addHelpText("after", CODES)
    .action(run(suppressionAdd));
  list
    .command("undo-incident")
    .description("a provider refused valid users: take its refusals of that time back, and what they brought")
    .requiredOption("--provider <name>", "as the shaping file calls it, such as google")
    .requiredOption("--from <time>", "such as 2026-01-31T08:00Z")
    .requiredOption("--to <time>")
    .requiredOption("--why <words>", "for the record")
    .addOption(by())
    .addOption(env())
    .addOption(json())
    .addHelpText("after", CODES)
    .action(run(suppressionUndoIncident));
  scoped(list.command("import"))
    .description(
      "take in a list: CSV (address[,reason][,date]), JSON or JSON lines, of SES, Postmark, Mailgun, SendGrid too",
    )
    .argument("<file>", "- is standard input")
    .addOption(
      new Option("--reason <name>", "where a line has none")
        .choices([...SUPPRESSION_REASONS])
        .default("import"),
    )
    .option("--skip-bad", "take in the others although some lines cannot be read")
    .option("--dry-run", "look, and change nothing")
    .addOption(by())
    .addOption(env())
    .addOption(json())
    .addHelpText(
      "after",
      `\nWith a bad line nothing is taken in. Cut off, the same command again takes in the rest; 50,000 lines at most in one file.${CODES}`,
    )
    .action(run(suppressionImport));
  scoped(list.command("export"))
    .description("hashes with reasons, for another node of the pool; no addresses, for none are kept")
    .option("--out <file>", "by default standard output")
    .addOption(new Option("--format <form>").choices(["csv", "json"]).default("csv"))
    .addOption(env())
    .addOption(json())
    .action(run(suppressionExport));
}
