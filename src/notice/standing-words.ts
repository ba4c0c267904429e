import { clean, heading, letter, time, type Letter } from "./letter.ts";

/** What each letter is given. Times in ms since the epoch. */
type Frame = {
  did: string;
  /** Of the member, with what it is about. */
  page: string;
  writeTo: string;
  /** No more mails for a while. */
  last: boolean;
  at: number;
};

export type StandingFacts = Frame & {
  from: string;
  to: string;
  /** The cause in a few words. */
  title: string;
  /** What decided, with its values. */
  description: string;
  remedy: string;
  wayBack: { text: string; at: number | null };
  /** The person who decided it; null: a rule or time did. */
  by: string | null;
  /** By which it is appealed: a number of the change. */
  change: number;
};

const RANK = ["good", "warned", "probation", "suspended", "ejected"];

const EFFECT: Readonly<Record<string, string>> = {
  good: "Your mail leaves with the limits of your tier.",
  warned: "Your mail leaves as before, with the same limits.",
  probation: "Your mail leaves with a quarter of your limits, and only transactional mail is taken.",
  suspended:
    "Nothing of yours is sent. What is handed in is refused with 550 and a link to your page; what waits in our queue is kept for the decision.",
  ejected: "Your membership has ended; nothing is sent.",
};

/** A standing has changed. */
export function standingLetter(facts: StandingFacts): Letter {
  const { to, from, by, description, remedy, wayBack, change, page, at } = facts;
  const better = RANK.indexOf(to) < RANK.indexOf(from);
  const who = by === null ? "" : ` ${clean(by)} of the committee decided it.`;
  const until = wayBack.at === null ? "" : ` The date is ${time(wayBack.at)}.`;
  return letter(better ? `Your standing is better: ${to}` : `Your standing is now ${to}`, facts, [
    `At ${time(at)} your standing at our pool changed from ${from} to ${to}.${who}`,
    EFFECT[to] ?? "",
    heading("Why"),
    // A person's reason says it all.
    ...(by === null || description === "" ? [`${clean(facts.title)}.`] : []),
    ...(description === "" ? [] : [clean(description)]),
    ...(remedy === "" ? [] : [heading("What to do"), clean(remedy)]),
    ...(to === "good" ? [] : [heading("The way back"), `${clean(wayBack.text)}${until}`]),
    `What was measured, and every value that decided, is on your page:\n${page}`,
    ...(better ? [] : [heading("If it is wrong"), appeal(change, facts.writeTo)]),
  ]);
}

const appeal = (change: number, writeTo: string) =>
  `Say so on your page, in the form at change ${change}; or answer to ${writeTo} and name that number. People of the committee then look at it.`;

export type DomainFacts = Frame & {
  domain: string;
  /** What was found, in a sentence. */
  found: string;
  /** The exact record to publish, a line of a zone file; empty when none is known. */
  record: string;
};

/** Mail of one domain waits, because its authentication is broken. */
export function domainHeldLetter(facts: DomainFacts): Letter {
  const { domain, found, record, page, at } = facts;
  return letter(`Mail of ${domain} waits: its DNS records do not pass`, facts, [
    `At ${time(at)} we stopped sending mail of ${clean(domain)}: other mail servers would not believe that it is yours. Mail of your other domains leaves as before.`,
    heading("What was found"),
    clean(found),
    ...(record === "" ? [] : [heading("What to publish"), `  ${clean(record)}`]),
    heading("What happens then"),
    "Nothing is asked of you beyond that. We look again every hour at the latest; as soon as the records pass, what waits leaves by itself. What has waited for five days goes back to its sender.",
    `To see it at once:\n  atmos check ${clean(domain)}\nYour page:\n${page}`,
  ]);
}

/** Its records pass again. */
export function domainReleasedLetter(facts: Omit<DomainFacts, "found" | "record">): Letter {
  return letter(`Mail of ${facts.domain} leaves again`, facts, [
    `At ${time(facts.at)} the DNS records of ${clean(facts.domain)} passed our check again. What waited leaves now.`,
    `Your page:\n${facts.page}`,
  ]);
}

/** A person has decided what the member had asked, or what waited for a person. */
export function caseLetter(
  facts: Frame & {
    id: number;
    title: string;
    verdict: string;
    reason: string;
    by: string;
    /** When a suspension that stands is looked at again; null: nothing is. */
    again: number | null;
  },
): Letter {
  const { id, title, verdict, reason, by, again, at, page, writeTo } = facts;
  const what: Record<string, string> = {
    uphold: "What was done stands.",
    lift: "What was done is taken back.",
    standing: "It ends with another standing.",
  };
  return letter(
    `Decided: ${verdict === "lift" ? "taken back" : verdict === "uphold" ? "it stands" : "another standing"}`,
    facts,
    [
      `At ${time(at)} ${clean(by)} of the committee decided case ${id} (${clean(title)}).`,
      `${what[verdict] ?? ""}${again === null ? "" : ` The committee looks at it again by ${time(again)}.`}`,
      heading("The reason"),
      clean(reason),
      `Your page:\n${page}`,
      ...(verdict === "lift"
        ? []
        : [`If it is wrong, say so to ${writeTo}; people who have not decided it look at it then.`]),
    ],
  );
}
