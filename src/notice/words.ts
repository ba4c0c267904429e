import { MOST_BY_STRANGERS } from "./allowance.ts";
import { clean, heading, letter, time, type Letter } from "./letter.ts";

/** What every letter needs. Texts of persons are cleaned here; no address of a recipient is ever among the facts. */
export type LetterFacts = {
  did: string;
  /** Of the member, with the pause that it is about. */
  page: string;
  /** Of the people of the pool. */
  writeTo: string;
  /** Name and id of the credential; null: the whole member. */
  credential: { name: string; id: string } | null;
  /** Ms since the epoch. */
  at: number;
  /** No more mails for a while. */
  last: boolean;
};

export type PausedFacts = LetterFacts & {
  cause: string;
  /** The cause in words. */
  why: string;
  /** Counts of the breaker. */
  facts: Record<string, unknown>;
  /** The person who began it, and why; null: the breaker or a rule. */
  person: { by: string; reason: string } | null;
  /** Recipients that may wait. */
  heldMost: number;
};

const DAY = 86_400_000;
/** As long as mail waits in the spool. */
const HELD_DAYS = 5;

/** A pause has begun. */
export function pausedLetter(facts: PausedFacts): Letter {
  const { person, heldMost, at } = facts;
  const until = time(at + HELD_DAYS * DAY);
  return letter("Your mail is paused", facts, [
    `At ${time(at)} ${person ? `${clean(person.by)} stopped` : "our relay stopped"} ${what(facts)}.`,
    heading("What was seen"),
    person ? clean(person.reason) : [`${clean(facts.why)}.`, seen(facts)].filter(Boolean).join(" "),
    heading("What is held"),
    `Nothing of it leaves. What is handed in is taken and waits, up to ${heldMost} recipients; then it is answered 451, try again later. What has waited for ${HELD_DAYS} days goes back to its sender: the first of it after ${until}. The pause itself has no end before somebody answers.`,
    heading("What to do"),
    ...(person
      ? [
          `Answer the committee, at ${facts.writeTo}; it ends the pause.`,
          `Your page has what is known:\n${facts.page}`,
        ]
      : [
          "Say whether it was you who sent this. Your page asks it, with two buttons:",
          facts.page,
          `"This was me": what waits leaves, and the credential is replaced all the same. "This was not me": what waits is dropped for good, and the credential is replaced.`,
        ]),
    ...commands(facts),
  ]);
}

/** A pause was ended by somebody else than the member. */
export function resumedLetter(
  facts: LetterFacts & {
    by: string;
    reason: string;
    mail: "release" | "drop";
    replaced: boolean;
  },
): Letter {
  const { by, reason, mail, replaced } = facts;
  return letter("Your mail goes on", facts, [
    `At ${time(facts.at)} ${clean(by)} ended the pause of ${what(facts)}.`,
    ...(reason ? [`The reason: ${clean(reason)}`] : []),
    mail === "release"
      ? "What waited leaves now, no faster than your hourly limit, unless something else on your page holds it."
      : "What waited was dropped for good.",
    replaced
      ? "The credential was replaced. The old one logs in no more; ask the committee for the new secret."
      : "You need not do anything.",
    `Your page:\n${facts.page}`,
  ]);
}

/** First contacts leave slowly, because too many of them do not exist. */
export function slowedLetter(facts: LetterFacts & { hard: number; among: number; hourly: number }): Letter {
  const { hard, among, hourly } = facts;
  const [day, month] = MOST_BY_STRANGERS;
  return letter("New addresses at your sign-up form do not exist", facts, [
    `At ${time(facts.at)}, ${hard} of the last ${among} people that ${what(facts)} wrote to for the first time did not exist. All of them got mail of a kind that you often send.`,
    heading("What is held"),
    `Nothing is paused. Mail to everybody you have written to before, login codes too, leaves as ever. New people are written to slowly: ${hourly} in an hour. What does not fit is answered 451, try again later. It ends by itself, six hours after the last of these addresses at the latest, unless more follow.`,
    heading("What to do"),
    "Somebody may be typing such addresses into your sign-up form: put a captcha, an invite code or a limit on sign-ups from one network there.",
    "If it was not your server that sent this, somebody has your credential: revoke it on your page.",
    facts.page,
    ...(facts.credential
      ? [`Or, by whoever runs the pool:\n  atmos member revoke ${facts.did} ${facts.credential.id}`]
      : []),
    `Of this you get ${day.count} mail a day and ${month.count} in thirty days at most, whatever strangers do. Your page says it each time.`,
  ]);
}

/** What the breaker counted. */
function seen({ cause, facts }: PausedFacts): string {
  const { reached, hard, among } = facts;
  if (cause === "content" && typeof reached === "number")
    return `${reached} such people were written to before it was stopped.`;
  if (cause === "first-contact" && typeof hard === "number" && typeof among === "number")
    return `It was ${hard} of the last ${among}, within six hours.`;
  return "";
}

function commands({ did, credential }: LetterFacts): string[] {
  const of = credential ? ` --credential ${credential.id}` : "";
  return [
    "The page wants to know who you are: whoever runs the pool makes the link that opens it, and can also let the mail go, by",
    `  atmos link ${did}\n  atmos member resume ${did}${of} --reason TEXT`,
  ];
}

const what = ({ credential }: LetterFacts) =>
  credential ? `the credential "${clean(credential.name)}"` : "all your mail";
