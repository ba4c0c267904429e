import type { Condition } from "../rules/index.ts";
import type { RuleAsks } from "./rules-view.ts";
import { formatCount, formatShare } from "./words.ts";

const percent = (value: number) => formatShare(value).replace(/\.0(?=\s)/, "");
const days = (value: number) => `${formatCount(value)} days`;
const hours = (value: number) => (value === 1 ? "1 hour" : `${formatCount(value)} hours`);
const times = (value: number) => `${formatCount(value)} times`;

type Named = readonly [words: string, format?: (value: number) => string];

/** What rules read (`rules/models`), as people say it. */
const FEATURES: Readonly<Record<string, Named>> = {
  BounceOver5: ["how sure we are that more than 5 % of the member's recipients do not exist", percent],
  BounceOver10: ["how sure we are that more than 10 % of the member's recipients do not exist", percent],
  BounceRecipients: ["different recipients who do not exist, of the last 200 in 90 days"],
  BounceEligible: ["recipients that count, of the last 200 in 90 days"],
  Complaints: ["complaints in 30 days"],
  Complainants: ["different people who called the member's mail spam in 30 days"],
  ComplaintOver01: ["how sure we are that more than 0.1 % of recipients complain, by 30 days", percent],
  Complaints90: ["complaints in 90 days"],
  Complainants90: ["different people who called the member's mail spam in 90 days"],
  ComplaintOver01In90: ["how sure we are that more than 0.1 % of recipients complain, by 90 days", percent],
  BurstComplainants: ["different people who called mail of one credential spam within 24 hours"],
  BurstOver01: ["how sure we are that more than 0.1 % of that day's recipients complain", percent],
  ProviderSpamRate: ["mean share of the mail that Gmail's people reported as spam, in a week", percent],
  ProviderDays: ["days of the last seven for which Gmail gives a figure"],
  ProviderDaysOver: ["days of them on which the share was above Gmail's line"],
  MemberAgeDays: ["how long the member has been one", days],
  BreakerDead: ["of the last 20 first contacts with this text, those who do not exist"],
  BreakerComplainants: ["different people who called this very mail spam"],
  BreakerRecipients: ["people whom this mail was meant for"],
  BreakerTemplates: ["texts of this mail that are known"],
  BreakerTemplateDeliveries: ["deliveries that each of its texts had until the day before"],
  BreakerKnownShare: ["share of these people to whom the member had written before", percent],
  BreakerStrangers: ["people among them to whom it had never written"],
  HabitRatio: ["the last 24 hours against the member's usual day", times],
  ChecksFailed: ["checks of the domain's records that failed in a row"],
  ChecksFailedHours: ["time between the first of them and the last", hours],
  ChecksFailedBefore: ["checks that had failed in a row before"],
  ChecksPassedHours: ["time since the check that passed", hours],
  GoodDays: ["time in good standing", days],
  GoodEligible: ["recipients in that time"],
};

const COMPARISONS: Readonly<Record<string, string>> = {
  ">=": "at least",
  ">": "more than",
  "<=": "at most",
  "<": "fewer than",
  "==": "exactly",
  "!=": "not",
  in: "one of",
  "not in": "none of",
};

/** What is no number has a sentence of its own. */
const SENTENCES: Readonly<Record<string, string>> = {
  "IncidentActive == False": "the provider is not refusing people whom it knows, at several members at once",
  "BreakerPauseOpen == True": "a relay node has stopped a credential by itself, and it still stands",
  'BreakerCause == "content"': "it was stopped for a new text to many people who were not known",
  'BreakerCause == "first-contact"': "it was stopped because too many first contacts do not exist",
  "SmtpClass in BouncesThatCount": "the reply says that the address or its domain does not exist",
  "MemberStanding in StandingsJudged": "the member is not suspended already",
  'MemberStanding == "good"': "the member is in good standing",
  "BreakerComplainants >= _complainants_needed":
    "and they are at least the share that is asked for, of all whom it was meant for",
};

/** A condition in words. One that has none is shown as it is written, for the rules belong to the members. */
export function asksOf({ feature, op, operand, source }: Condition): RuleAsks {
  const why = operand?.why ?? "";
  const sentence = SENTENCES[source];
  if (sentence !== undefined) return { words: sentence, number: null, why };
  const [words, format = formatCount] = FEATURES[feature] ?? [];
  const comparison = COMPARISONS[op];
  if (words === undefined || comparison === undefined || typeof operand?.value !== "number")
    return { words: source, number: operand === null ? null : String(operand.value), why };
  const below = op === "<" && format !== formatCount ? "less than" : comparison;
  return {
    words,
    number: operand.value === 0 && op === "==" ? "none" : `${below} ${format(operand.value)}`,
    why,
  };
}

export const isSpoken = (condition: Condition): boolean =>
  SENTENCES[condition.source] !== undefined || FEATURES[condition.feature] !== undefined;
