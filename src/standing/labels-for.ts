import type { PublicStanding } from "../label/index.ts";
import type { Standing } from "../policy/index.ts";

/**
 * The one bridge from standing to the outside. Good, warned and probation look the same but for `clean-sender`, which
 * only good carries: a rule gives it for a week, and it lapses without a word. Suspended, ejected and left are one and the
 * same unexplained end.
 */
export function labelsFor(did: string, standing: Standing | "left", cleanSender: boolean): PublicStanding {
  const ended = standing === "suspended" || standing === "ejected" || standing === "left";
  return { did, member: !ended, ended, cleanSender: standing === "good" && cleanSender };
}
