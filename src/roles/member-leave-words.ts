import { DAY_MS } from "../lib/clock.ts";
import type { Membership } from "../policy/index.ts";
import { KEPT_MS } from "./core/retention.ts";

/** What leaving does to a member's things. */
export type LeavingFacts = {
  membership: Membership;
  standing: string;
  domains: readonly string[];
  /** In use. */
  credentials: number;
  /** Recipients to whom mail still waits; null: no relay runs in this process. */
  waiting: number | null;
  labels: number;
  people: number;
  /** Tokens of its programs in use. */
  tokens: number;
  hasWebhook: boolean;
};

export type Consequence = { what: string; outcome: string };
export type Kept = { what: string; why: string; howLong: string };

const count = (n: number, one: string, more = `${one}s`) => `${n} ${n === 1 ? one : more}`;
const days = (ms: number) => `${Math.round(ms / DAY_MS)} days`;

/** What happens to what, in the order in which it matters. */
export function consequencesOf(facts: LeavingFacts): Consequence[] {
  const { domains, credentials, waiting, labels, people, tokens, hasWebhook, standing } = facts;
  return [
    {
      what: "Sending",
      outcome: "Ends at once: what is submitted is answered 550. Nobody lets it go on but a new application.",
    },
    {
      what: "Mail under way",
      outcome:
        waiting === null
          ? "Mail that still waits is held and does not leave any more."
          : waiting === 0
            ? "None waits."
            : `To ${count(waiting, "recipient")} mail still waits: it is held and does not leave any more. Let it go out before you leave, if it matters.`,
    },
    {
      what: domains.length === 1 ? "Domain" : "Domains",
      outcome:
        domains.length === 0
          ? "There is none."
          : `${domains.join(", ")}: free at once for any member, and the private keys are destroyed. Take the records of the pool out of your DNS (SPF include, DKIM, return path, TLS-RPT and DMARC addresses).`,
    },
    {
      what: "Credentials",
      outcome:
        credentials === 0 ? "None is in use." : `${count(credentials, "credential")} revoked, for good.`,
    },
    {
      what: "Labels",
      outcome:
        labels === 0
          ? "None is in force."
          : `Those of a member are negated in public, within a minute. Of ${count(labels, "label")} in force, one that rests on your own attestation alone ends with that record.`,
    },
    {
      what: "Attestation",
      outcome:
        "It is a record of your own repository: delete it there (collection community.email.attestation).",
    },
    {
      what: "People",
      outcome:
        people === 0
          ? "Nobody else acts for you."
          : `${count(people, "person", "people")} can act for you no more. Your own account can.`,
    },
    ...(tokens > 0
      ? [{ what: "API tokens", outcome: `${count(tokens, "token")} deleted: your programs are refused.` }]
      : []),
    ...(hasWebhook
      ? [{ what: "Webhook", outcome: "It is asked no more, and what waited for it is dropped." }]
      : []),
    {
      what: "Standing",
      outcome: `${standing === "good" ? "It stays good" : `It stays "${standing}"`}: who comes back comes back to it.`,
    },
    {
      what: "What is kept",
      outcome: "You can still log in, take everything along and have it deleted.",
    },
  ];
}

/** What deletion leaves, why and until when. */
export function keptParts(): Kept[] {
  return [
    {
      what: "DID, dates of membership, standing with its changes and pauses",
      why: "Otherwise who was ejected comes back by deleting itself.",
      howLong: "for good",
    },
    {
      what: "Decisions of the committee with what was said in the case",
      why: "Who decided over whom can be looked into.",
      howLong: days(KEPT_MS.cases),
    },
    {
      what: "Verdicts of rules with the values that they saw",
      why: "Decisions that rest on them can be explained.",
      howLong: days(KEPT_MS.verdicts),
    },
    {
      what: "Events and counts, recipients by keyed hash",
      why: "Faults of providers are told from those of members by all of them together.",
      howLong: days(KEPT_MS.events),
    },
    {
      what: "Suppressed recipients, by keyed hash",
      why: "Who unsubscribed or complained stays unbothered, should you come back.",
      howLong: "each its own end, or 400 days after",
    },
    {
      what: "Labels that were said, and attestations that were seen",
      why: "They are public, and others have them.",
      howLong: "7 days after they ended; attestations until the record is gone",
    },
    {
      what: "Mail that is being delivered at the moment of deletion",
      why: "It cannot be called back; its entry in the log goes with the log.",
      howLong: "30 days",
    },
    {
      what: "Backups and the log of the server",
      why: "They are the operator's: it says how long.",
      howLong: "as the operator says",
    },
  ];
}
