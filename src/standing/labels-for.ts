import type { PublicStanding } from "../label/index.ts";
import type { Standing } from "../policy/index.ts";

/** What the rule `CleanSender` asks for, for who looks between two of its verdicts. */
export const CLEAN_SENDER = { days: 30, eligible: 50, pOver5Below: 0.05 };

/**
 * The one bridge from standing to the outside. Good, warned and probation look the same but for `clean-sender`, which
 * only good carries: it lapses without a word. Suspended, ejected and left are one and the
 * same unexplained end.
 */
export function labelsFor(did: string, standing: Standing | "left", cleanSender: boolean): PublicStanding {
  const ended = standing === "suspended" || standing === "ejected" || standing === "left";
  return { did, member: !ended, ended, cleanSender: standing === "good" && cleanSender };
}
