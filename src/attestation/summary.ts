import type { CheckName, CheckResult, Summary } from "./types.ts";

/** The others inform: what they find is told, and decides nothing. `ptr` is there only where addresses are claimed. */
const DECIDING: ReadonlySet<CheckName> = new Set(["domain-control", "mx", "spf", "dkim", "dmarc", "ptr"]);

/**
 * What the checks of one moment say together: one failure with an answer breaks, one missing answer leaves it open.
 */
export function summarize(all: readonly CheckResult[]): Summary {
  const results = all.filter(({ check }) => DECIDING.has(check));
  if (results.some((r) => r.status === "fail")) return "broken";
  if (results.length === 0 || results.some((r) => r.status === "temperror")) return "unknown";
  return "verified";
}

export type CheckState = {
  /** What is believed of the domain. */
  summary: Summary;
  /** Failed checks in a row that had an answer. */
  failures: number;
  /** When the first of them was, in ms. */
  failingSince: number | null;
  nextCheckAt: number;
};

export type CheckTimes = {
  /** Between checks of a domain in order. */
  intervalMs: number;
  /** Between checks of one that is not. */
  retryMs: number;
  /** A domain is broken by a second failure, at least this long after the first. */
  confirmMs: number;
};

export const CHECK_TIMES: CheckTimes = { intervalMs: 6 * 3_600_000, retryMs: 600_000, confirmMs: 3_600_000 };

/** So many quick checks a broken domain gets before it is asked as rarely as any other. */
const QUICK_RETRIES = 144;

/**
 * The state after a check at `now` that came to `seen`. Silence of the DNS changes nothing, and a failure counts
 * only once it is confirmed: until then a verified domain stays verified, and a new one is not verified yet.
 */
export function nextState(prev: CheckState, seen: Summary, now: number, times: CheckTimes): CheckState {
  if (seen === "unknown") return { ...prev, nextCheckAt: now + times.retryMs };
  if (seen === "verified") {
    return { summary: "verified", failures: 0, failingSince: null, nextCheckAt: now + times.intervalMs };
  }
  const failures = prev.failures + 1;
  const failingSince = prev.failingSince ?? now;
  const confirmed = failures >= 2 && now - failingSince >= times.confirmMs;
  return {
    summary: confirmed ? "broken" : prev.summary,
    failures,
    failingSince,
    nextCheckAt: now + (failures <= QUICK_RETRIES ? times.retryMs : times.intervalMs),
  };
}
