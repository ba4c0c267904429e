import { userInfo } from "node:os";
import type { Command, Option } from "commander";
import type { Compliance, Connection, Figures, StoredSubject } from "../provider-data/index.ts";
import { apiOf } from "./api.ts";
import { table } from "./egress-view.ts";
import { CommandError, EXIT, outputFor, plain } from "./output.ts";
import { providerConnect, type ConnectOptions } from "./provider-connect.ts";

type Common = { env?: string; json?: boolean };
type Parts = {
  env: () => Option;
  json: () => Option;
  /** Makes an action of a command. */
  run: <A extends unknown[]>(command: (...args: A) => Promise<number>) => (...args: A) => Promise<void>;
};

type ShownConnection = Omit<Connection, "broken"> & { broken: { since: string; why: string } | null };
type About = { provider: string; connection: ShownConnection | null; subjects: StoredSubject[] };

const CONNECTABLE = ["gmail", "microsoft"];
const FIGURES = [...CONNECTABLE, "yahoo", "blocklists"];

function known(provider: string, names: readonly string[]): string {
  if (names.includes(provider)) return provider;
  throw new CommandError(`"${provider}" is none of ${names.join(", ")}.`, EXIT.usage);
}

async function list(options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", "/provider");
  const providers = answer["providers"] as About[];
  const rows = providers.map(({ provider, connection, subjects }) => [
    provider,
    stateOf(connection),
    String(subjects.length),
    connection?.fetchedAt ? String(connection.fetchedAt) : "never",
    "",
  ]);
  for (const line of table([["provider", "connection", "subjects", "fetched", ""], ...rows]))
    out.say(plain(line));
  for (const { provider, connection } of providers) {
    if (connection?.broken)
      out.say(
        plain(
          `${provider}: connection broken since ${connection.broken.since}: ${connection.broken.why}\n  run: atmos provider connect ${provider}`,
        ),
      );
    else if (connection?.said) out.say(plain(`${provider}: ${connection.said}`));
    else if (!connection) out.say(`${provider}: not connected; run: atmos provider connect ${provider}`);
  }
  out.say("yahoo and blocklists are counted here: atmos provider show yahoo|blocklists");
  out.result(answer);
  return providers.some(({ connection }) => connection?.broken) ? EXIT.fault : EXIT.ok;
}

const stateOf = (connection: ShownConnection | null): string =>
  connection === null ? "none" : connection.broken ? "broken" : connection.failures > 0 ? "failing" : "good";

type ShownSubject = {
  kind: string;
  subject: string;
  compliance: Compliance[] | null;
  gaps: { from: string; to: string; days: number }[];
  days: { day: string; figures: Figures; revision: number }[];
};

async function show(provider: string, options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", `/provider/figures/${known(provider, FIGURES)}`);
  const subjects = answer["subjects"] as ShownSubject[];
  if (subjects.length === 0) out.say(`Nothing is known of ${provider} yet.`);
  for (const { kind, subject, compliance, gaps, days } of subjects) {
    out.say(plain(`${subject} (${kind})`));
    for (const { day, figures } of days)
      out.say(
        plain(
          `  ${day}  ${Object.entries(figures)
            .filter(([, value]) => value !== "")
            .map(([name, value]) => `${name} ${String(value)}`)
            .join(", ")}`,
        ),
      );
    for (const { from, to, days: n } of gaps)
      out.say(from === to ? `  ${from}  no figures` : `  ${from} to ${to}  no figures (${n} days)`);
    const unmet = (compliance ?? []).filter(({ status }) => status === "unmet");
    if (unmet.length > 0)
      out.say(plain(`  requirements not met: ${unmet.map(({ requirement }) => requirement).join(", ")}`));
  }
  out.result(answer);
  return EXIT.ok;
}

async function fetchNow(provider: string, options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", "/provider/fetch", {
    provider: known(provider, CONNECTABLE),
  });
  const code = sayLooked(out.say, answer, provider);
  out.result(answer);
  return code;
}

async function disconnect(provider: string, options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", "/provider/disconnect", {
    provider: known(provider, CONNECTABLE),
  });
  out.say(
    `${provider} is disconnected, and the stored login is deleted. Figures stay. Take the access back there too: ${
      provider === "gmail"
        ? "https://myaccount.google.com/connections"
        : "https://account.live.com/consent/Manage"
    }`,
  );
  out.result(answer);
  return EXIT.ok;
}

/** What came of a look, in a few lines; the exit code for it. */
export function sayLooked(
  say: (line: string) => void,
  answer: Record<string, unknown>,
  provider: string,
): number {
  const looked = answer["looked"] as
    | { ok: true; changed: number; faults: string[] }
    | { ok: false; why: string; broken: boolean };
  const subjects = answer["subjects"] as StoredSubject[];
  if (!looked.ok) {
    say(plain(`Nothing came: ${looked.why}`));
    say(
      looked.broken
        ? `It takes a new login: atmos provider connect ${provider}`
        : "It is tried again by itself. What is known is kept.",
    );
    return EXIT.fault;
  }
  say(`${looked.changed} days are new or were revised. Known: ${subjects.length === 0 ? "nothing yet" : ""}`);
  for (const { kind, subject } of subjects) say(plain(`  ${subject} (${kind})`));
  for (const fault of looked.faults) say(plain(`  not all came: ${fault}`));
  return looked.faults.length > 0 ? EXIT.fault : EXIT.ok;
}

/** `atmos provider ...` */
export function providerCommands(program: Command, { env, json, run }: Parts): void {
  const provider = program
    .command("provider")
    .description("figures of mailbox providers: Gmail Postmaster Tools, Microsoft SNDS, Yahoo, blocklists");
  provider
    .command("connect")
    .description("log in to a provider step by step, so that its figures are fetched each day")
    .argument("<provider>", CONNECTABLE.join(" or "))
    .option("--client <file>", "gmail: the JSON file of the OAuth client, from Google's console")
    .option("--client-id <id>", "microsoft: another OAuth client than that of the SNDS portal")
    .option("--link", "microsoft: a report link of the portal instead of a login; asked for, or SNDS_LINK")
    .option("--port <port>", "port of the address that the browser comes back to", "0")
    .option("--by <name>", "who does it; by default the user of this host")
    .addOption(env())
    .addOption(json())
    .addHelpText("after", "\nExit code 0: connected, and all figures came. 1: not, or not all.")
    .action(
      run((name: string, options: ConnectOptions) =>
        providerConnect(known(name, CONNECTABLE) as "gmail" | "microsoft", {
          ...options,
          by: options.by ?? userInfo().username,
        }),
      ),
    );
  provider
    .command("list")
    .description("what is connected, and how it is")
    .addOption(env())
    .addOption(json())
    .addHelpText("after", "\nExit code 0: no connection is broken. 1: one is.")
    .action(run(list));
  for (const [name, about, action] of [
    ["show", "the last 30 days, with the days of which nothing is known", show],
    ["fetch", "look now, instead of at the next time", fetchNow],
    ["disconnect", "delete the stored login; figures stay", disconnect],
  ] as const)
    provider
      .command(name)
      .description(about)
      .argument("<provider>", (name === "show" ? FIGURES : CONNECTABLE).join(", "))
      .addOption(env())
      .addOption(json())
      .action(run(action));
}
