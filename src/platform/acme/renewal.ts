const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Pauses after the first, second, ... failure: four tries in the first hour, fewer than authorities count as too many. */
const PAUSES_MS = [2, 10, 30, 60, 120, 240, 480].map((minutes) => minutes * MINUTE_MS);
const LONGEST_PAUSE_MS = 12 * HOUR_MS;
/** What an authority may ask us to wait at most. */
const LONGEST_RETRY_AFTER_MS = 7 * 24 * HOUR_MS;

export type RenewalFacts = {
  now: number;
  /** The certificate that serves; `covers`: it is for all names that are wanted, and from the directory that is set. */
  held: { notBefore: number; notAfter: number; covers: boolean } | undefined;
  /** Failures since the last success. */
  failures: number;
  lastFailureAt: number;
  /** What the authority asked for with the last failure; 0: nothing. */
  retryAfterMs: number;
  /** A person asked for it: a pause of our own is cut to a minute, the authority's is not. */
  asked: boolean;
  /** 0 to 1, drawn once: nodes of a pool do not come all at the same minute. */
  spread: number;
};

export type Renewal = {
  /** To be done when this time has come, ms since the epoch. */
  at: number;
  why: "first" | "names" | "life" | "retry";
};

/** When is a certificate to be asked for? At two thirds of its life; at once when there is none that fits. Pure. */
export function renewal(facts: RenewalFacts): Renewal {
  const wanted = wish(facts);
  if (facts.failures === 0) return wanted;
  const failedAt = Math.min(facts.lastFailureAt, facts.now);
  const own = facts.asked ? MINUTE_MS : pauseAfter(facts.failures) * (1 + facts.spread / 4);
  const at = failedAt + Math.max(own, Math.min(facts.retryAfterMs, LONGEST_RETRY_AFTER_MS));
  return at > wanted.at ? { at, why: "retry" } : wanted;
}

function wish({ held, now, spread }: RenewalFacts): Renewal {
  if (held === undefined) return { at: now, why: "first" };
  if (!held.covers) return { at: now, why: "names" };
  const life = held.notAfter - held.notBefore;
  return { at: Math.floor(held.notBefore + life * (2 / 3 - spread / 50)), why: "life" };
}

function pauseAfter(failures: number): number {
  return PAUSES_MS[failures - 1] ?? LONGEST_PAUSE_MS;
}
