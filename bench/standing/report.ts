import type { Outcome } from "./breaker.ts";
import type { Incident } from "./incident.ts";
import type { Abuse, Found, Honest } from "./scenarios.ts";
import type { SignUps } from "./strangers.ts";
import type { Run } from "./thief.ts";

export type Results = {
  seed: number;
  scale: number;
  honest: Honest[];
  bounces: Abuse[];
  complaints: Abuse[];
  thief: Run[];
  breaker: Outcome[];
  strangers: SignUps[];
  incident: Incident[];
};

/** In per cent, without needless places. */
export const percent = (share: number, places = 2) => `${Number((share * 100).toFixed(places))} %`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, i) => Math.max(3, name.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** Of a Poisson count over years: how many in so many years; when none came, the upper bound at 95 %. */
export function expected(count: number, years: number, inYears: number): string {
  if (count === 0) return `< ${rounded((3 / years) * inYears)}`;
  return rounded((count / years) * inYears);
}

function rounded(value: number): string {
  if (value === 0) return "0";
  if (value >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(2)));
}

/** A length of time, from days. */
export function span(days: number | null): string {
  if (days === null) return "-";
  if (days >= 60) return `${Math.round(days / 30.44)} months`;
  if (days >= 2) return `${Math.round(days)} days`;
  if (days >= 2 / 24) return `${Math.round(days * 24)} hours`;
  return `${Math.max(1, Math.round(days * 24 * 60))} minutes`;
}

const mails = (n: number | null) => (n === null ? "-" : n.toLocaleString("en-GB"));

const when = ({ share, days, mails: sent }: Found): string[] => [
  percent(share, 0),
  `${span(days.half)}, ${span(days.most)}`,
  `${mails(sent.half)}, ${mails(sent.most)}`,
];

function honestTable(rows: readonly Honest[]): string {
  const sorted = rows.toSorted((a, b) => a.complaint - b.complaint);
  return table(
    [
      "Mails a day",
      "Bounce",
      "Complain",
      "Years",
      "Warnings a month",
      "Warnings, 10 years",
      "Probations, 10 years",
      "Suspensions, 100 years",
      "Credential stopped, 10 years",
    ],
    sorted.map((one) => [
      String(one.perDay),
      percent(one.bounce),
      percent(one.complaint),
      String(one.years),
      expected(one.warned, one.years, 1 / 12),
      expected(one.warned, one.years, 10),
      expected(one.probation, one.years, 10),
      expected(one.suspended, one.years, 100),
      expected(one.paused, one.years, 10),
    ]),
  );
}

/** At which rates the table by rules looks at each. */
const SEEN_AT = {
  BounceWarning: { bounce: 0.08 },
  BounceProbation: { bounce: 0.15 },
  ComplaintProbation: { complaint: 0.01 },
  ComplaintProbationSlow: { complaint: 0.01 },
  ComplaintBurst: { complaint: 0.02 },
} as const;
const HARD_BUT_HONEST = { bounce: 0.03, complaint: 0.0005 };

/** What each rule costs honest members a month, and how soon it speaks of others: half, nine in ten. */
function ruleTable({ honest, bounces, complaints }: Results): string {
  const volumes = [...new Set(honest.map(({ perDay }) => perDay))];
  const rows = Object.entries(SEEN_AT).flatMap(([rule, rate]) => {
    const [what, value] = Object.entries(rate)[0] as ["bounce" | "complaint", number];
    const cost = volumes.map((perDay) => {
      const life = honest.find(
        (one) =>
          one.perDay === perDay &&
          one.bounce === HARD_BUT_HONEST.bounce &&
          one.complaint === HARD_BUT_HONEST.complaint,
      );
      return life ? expected(life.byRule[rule] ?? 0, life.years, 1 / 12) : "-";
    });
    const speed = volumes.map((perDay) => {
      const found = (what === "bounce" ? bounces : complaints).find(
        (one) => one.perDay === perDay && one[what] === value,
      )?.byRule[rule];
      return found ? `${span(found.days.half)}, ${span(found.days.most)}` : "-";
    });
    return [
      [rule, "honest, a month", ...cost],
      ["", `${percent(value)} ${what === "bounce" ? "bounce" : "complain"}, after`, ...speed],
    ];
  });
  return table(["Rule", "", ...volumes.map((perDay) => `${mails(perDay)} a day`)], rows);
}

const abuseTable = (rows: readonly Abuse[], what: "bounce" | "complaint", first: "warned" | "probation") =>
  table(
    [
      "Mails a day",
      what === "bounce" ? "Bounce" : "Complain",
      ...(first === "warned" ? ["Warned", "after", "mails"] : []),
      "Probation",
      "after ",
      "mails ",
      "Suspended",
      "after  ",
      ...(what === "complaint" ? ["Credential stopped", "after   ", "mails   "] : []),
    ],
    rows.map((one) => [
      String(one.perDay),
      percent(one[what]),
      ...(first === "warned" ? when(one.warned) : []),
      ...when(one.probation),
      ...when(one.suspended).slice(0, 2),
      ...(what === "complaint" ? when(one.paused) : []),
    ]),
  );

const thiefTable = (rows: readonly Run[]) =>
  table(
    ["Text", "A minute", "Of his list dead", "Stopped after", "Reached in a minute", "an hour", "a day"],
    rows.map((run) => [
      run.text,
      mails(run.perMinute),
      percent(run.dead),
      run.stoppedAfter === null ? "not stopped, slowed" : `${rounded(run.stoppedAfter)} s`,
      ...[run.firstMinute, run.firstHour, run.firstDay].map(mails),
    ]),
  );

const breakerTable = (rows: readonly Outcome[]) =>
  table(
    ["Who", "Confirmed", "Lifted", "Stays, for a person"],
    rows.map((one) => [one.who, percent(one.confirmed), percent(one.lifted), percent(one.stays)]),
  );

const strangersTable = (rows: readonly SignUps[]) =>
  table(
    ["Dead sign-ups a day", "Warned", "after", "Probation", "after ", "Suspended"],
    rows.map((one) => [
      String(one.aDay),
      ...when(one.warned).slice(0, 2),
      ...when(one.probation).slice(0, 2),
      percent(one.suspended.share, 0),
    ]),
  );

const incidentTable = (rows: readonly Incident[]) =>
  table(
    ["Hours", "Refused of people who are there", "Warned or worse, with the guard", "without it"],
    rows.map(({ hours, refused, members, guarded, unguarded }) => [
      String(hours),
      mails(refused),
      ...[guarded, unguarded].map((one) => `${one.warned + one.probation} of ${members}`),
    ]),
  );

/** Markdown by the name of its place in the page. */
export const tables = (results: Results): Record<string, string> => ({
  honest: honestTable(results.honest),
  rules: ruleTable(results),
  bounces: abuseTable(results.bounces, "bounce", "warned"),
  complaints: abuseTable(results.complaints, "complaint", "probation"),
  thief: thiefTable(results.thief),
  breaker: breakerTable(results.breaker),
  strangers: strangersTable(results.strangers),
  incident: incidentTable(results.incident),
});

/** The page with each table between `<!-- name -->` and `<!-- /name -->` put in anew. */
export function withTables(page: string, made: Record<string, string>): string {
  return Object.entries(made).reduce((text, [name, rows]) => {
    const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [from, to] = [text.indexOf(open), text.indexOf(close)];
    if (from < 0 || to < from) throw new Error(`docs/rules-measured.md has no ${open} ... ${close}`);
    return `${text.slice(0, from)}${open}\n\n${rows}\n\n${text.slice(to)}`;
  }, page);
}
