const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Waits after each failed try, ms: about 31 hours in all, the usual schedule of Standard Webhooks. */
const WAITS = [5_000, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR] as const;

/** Every try has failed for so long, and a message was given up: the receiver is asked no more until the member says so. */
export const GIVE_UP_MS = 5 * 24 * HOUR;

/** When a message is tried again that has failed `tries` times; null: it is given up. */
export function nextTry(tries: number, at: number): number | null {
  const wait = WAITS[tries - 1];
  return wait === undefined ? null : at + wait;
}

export type Answer = { ok: true; status: number } | { ok: false; status: number | null; why: string };

/**
 * What becomes of a receiver after an answer. `gone`: it says that it wants no more (410), or nothing has worked for five
 * days and this was the last try of a message (`isGivenUp`): one of which little is told may fail, and much later once more.
 * Times in ms.
 */
export function receiverAfter(
  failingSince: number | null,
  answer: Answer,
  at: number,
  isGivenUp: boolean,
): { failingSince: number | null; gone: boolean } {
  if (answer.ok) return { failingSince: null, gone: false };
  const since = failingSince ?? at;
  return { failingSince: since, gone: answer.status === 410 || (isGivenUp && at - since >= GIVE_UP_MS) };
}
