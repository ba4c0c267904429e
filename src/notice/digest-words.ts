import { clean, heading, plainLetter, time, type Letter } from "./letter.ts";

/** What a committee should know each morning. Lines are sentences; counts are of the last 24 hours. */
export type DigestFacts = {
  pool: string;
  at: number;
  page: string;
  /** Cases that wait for a person, those first whose date has passed. Times in ms. */
  cases: readonly { id: number; title: string; dueAt: number }[];
  pauses: readonly { did: string; since: number; why: string }[];
  applications: number;
  changes: readonly { domain: string; from: string; to: string; title: string; by: string | null }[];
  incidents: readonly string[];
  heldDomains: readonly { domain: string; since: number }[];
  /** Rules that met errors, or shadow rules that spoke: sentences. */
  rules: readonly string[];
};

const MOST = 20;

/** Undefined: there is nothing that anybody should know. */
export function digestLetter(facts: DigestFacts): Letter | undefined {
  const { at, cases, pauses, applications, changes, incidents, heldDomains, rules } = facts;
  const overdue = cases.filter(({ dueAt }) => dueAt <= at);
  const parts = [
    ...section("Cases that wait for a person", cases, ({ id, title, dueAt }) =>
      dueAt <= at
        ? `${id}: ${clean(title)}. OVERDUE since ${time(dueAt)}`
        : `${id}: ${clean(title)}. Due ${time(dueAt)}`,
    ),
    ...section(
      "Sending is paused",
      pauses,
      ({ did, since, why }) => `${did} since ${time(since)}: ${clean(why)}`,
    ),
    ...(applications > 0
      ? [
          `${applications} ${applications === 1 ? "application waits" : "applications wait"}: atmos member applications`,
        ]
      : []),
    ...section("Mail servers that refuse people who exist", incidents, clean),
    ...section(
      "Domains whose mail waits",
      heldDomains,
      ({ domain, since }) => `${domain} since ${time(since)}`,
    ),
    ...section(
      "Standings that changed",
      changes,
      ({ domain, from, to, title, by }) =>
        `${domain}: ${from} to ${to}, ${clean(title)}${by === null ? "" : `, by ${clean(by)}`}`,
    ),
    ...section("Rules", rules, clean),
  ];
  if (parts.length === 0) return undefined;
  const what =
    overdue.length > 0
      ? `${overdue.length} overdue`
      : cases.length > 0
        ? `${cases.length} open ${cases.length === 1 ? "case" : "cases"}`
        : "nothing waits for a decision";
  return plainLetter(`${facts.pool}, ${new Date(at).toISOString().slice(0, 10)}: ${what}`, [
    ...parts,
    `A case is shown by\n  atmos case show ID\nand decided by\n  atmos case decide ID --help\nThe committee's page:\n${facts.page}`,
  ]);
}

function section<T>(title: string, items: readonly T[], line: (item: T) => string): string[] {
  if (items.length === 0) return [];
  const shown = items.slice(0, MOST).map((item) => `  ${line(item)}`);
  const more = items.length - shown.length;
  return [heading(title), [...shown, ...(more > 0 ? [`  and ${more} more`] : [])].join("\n")];
}
