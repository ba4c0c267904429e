import { MOST_BY_STRANGERS } from "./allowance.ts";
import { heading, letter, time, type Letter } from "./letter.ts";

export type CodeFacts = {
  did: string;
  /** Where the times of delivery are. */
  page: string;
  writeTo: string;
  last: boolean;
  at: number;
  provider: string;
  known: number;
  slow: number;
  waiting: number;
  longestMs: number;
};

const minutes = (ms: number) => `${Math.max(1, Math.round(ms / 60_000))} minutes`;
const where = (provider: string) => (provider === "other" ? "several mail hosts" : provider);

/** Login codes are late at a provider. */
export function codesSlowLetter(facts: CodeFacts): Letter {
  const { at, provider, known, slow, waiting, longestMs, page } = facts;
  const [day, month] = MOST_BY_STRANGERS;
  return letter(`Login codes for ${where(provider)} are late`, facts, [
    `At ${time(at)}, ${slow} of your last ${known} login codes for ${where(provider)} had taken more than five minutes; ${waiting === 0 ? "none of them waits any more" : `${waiting} of them still ${waiting === 1 ? "waits" : "wait"}`}. The longest took ${minutes(longestMs)}. Most codes are worth nothing after fifteen.`,
    heading("What this means"),
    "Somebody who asks for a code now may not get it in time, and may ask again: the second one waits behind the same door.",
    heading("What to do"),
    "If you can, tell people at your log-in that mail to this provider is slow, and let a code live longer. What the provider says is on your page, beside each message. The committee sees this too; the relay tries codes before everything else, and again every few minutes.",
    `Your page:\n${page}`,
    `You are told when it is over. Of this you get ${day.count} mail a day and ${month.count} in thirty days at most; your page says it each time.`,
  ]);
}

/** That has ended. */
export function codesInTimeLetter(facts: CodeFacts & { since: number }): Letter {
  const { at, since, provider, page } = facts;
  return letter(`Login codes for ${where(provider)} arrive in time again`, facts, [
    `Login codes for ${where(provider)}, late since ${time(since)}, are in time again, or none is under way any more, as of ${time(at)}.`,
    `How long they took is on your page:\n${page}`,
  ]);
}
