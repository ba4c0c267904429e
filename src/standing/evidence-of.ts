import type { EventWindows } from "../event/index.ts";
import type { Cause } from "./causes.ts";

/** What decided, kept with a change: the window, the lines that the rule drew, and all that it read. */
export type CauseEvidence = {
  window?: Record<string, unknown>;
  thresholds: Record<string, unknown>;
  read: Record<string, unknown>;
};

/** Of a verdict that led to a cause, from what the rule saw and `read`. */
export function evidenceOf(
  { window: name, thresholds: features }: Cause,
  windows: EventWindows,
  read: Record<string, unknown>,
): CauseEvidence {
  const used = Object.entries(features).map(([field, feature]) => [field, read[feature]]);
  const thresholds = Object.fromEntries(used) as Record<string, unknown>;
  const seen = windows[name];
  // Two rules have one line there: what 30 days do not show, 90 do.
  const isSlow = name === "complaint" && seen !== undefined && !stillHolds({ thresholds, read }, seen);
  const window = isSlow ? (windows.complaint_90 ?? seen) : seen;
  return { ...(window && { window }), thresholds, read };
}

/**
 * Would the rule have spoken that found `evidence`, had it seen this window? All its lines are least values. Where they are
 * not known: as long as nothing of what it counted is gone.
 */
export function stillHolds(evidence: Record<string, unknown>, window: Record<string, unknown>): boolean {
  const { thresholds = {}, window: seen = {} } = evidence as Partial<CauseEvidence>;
  const lines = Object.entries(thresholds).filter(([, line]) => typeof line === "number");
  const least = lines.length > 0 ? lines : Object.entries({ hard: seen["hard"] ?? Infinity });
  return least.every(([field, line]) => Number(window[field]) >= Number(line));
}

/** Strangers brought about more than half of what was counted. */
export function isByStrangers(evidence: Record<string, unknown>): boolean {
  return (evidence as Partial<CauseEvidence>).window?.["by_strangers"] === true;
}
