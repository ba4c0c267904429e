import { DAY_MS } from "../lib/clock.ts";
import type { DkimKeyRow } from "./schema.ts";

/** How long the next pair stands in the DNS before it signs: secondaries and caches have it by then. */
export const PROPAGATION_MS = 3_600_000;
/** How long the old pair stays published after its last signature: signatures hold for 14 days (`x=`), and a day more. */
export const OVERLAP_MS = 15 * DAY_MS;

export type RotationInput = {
  keys: readonly Pick<DkimKeyRow, "state" | "state_at" | "seen_at">[];
  /** Whether every record of the next pair is in the DNS; undefined when the DNS gave no answer. */
  seen: boolean | undefined;
  now: number;
  /** A person asked for it: the next pair signs as soon as it is seen. */
  hurry: boolean;
};

/**
 * `saw`: begin to count. `lost`: count anew. `activate`: the next pair signs, the old one retires. `retire`: private
 * keys whose signatures have all lapsed are destroyed.
 */
export type RotationStep = "saw" | "lost" | "activate" | "retire";

/** What is to be done with a domain's keys now. Nothing happens without an answer from the DNS but `retire`. */
export function rotationSteps({ keys, seen, now, hurry }: RotationInput): RotationStep[] {
  const steps: RotationStep[] = [];
  const next = keys.filter((key) => key.state === "next");
  if (next.length > 0 && seen === true) {
    const since = Math.max(...next.map((key) => key.seen_at ?? now));
    const unsigned = !keys.some((key) => key.state === "active");
    if (hurry || unsigned || now - since >= PROPAGATION_MS) steps.push("activate");
    else if (next.some((key) => key.seen_at === null)) steps.push("saw");
  }
  if (next.some((key) => key.seen_at !== null) && seen === false) steps.push("lost");
  if (keys.some((key) => key.state === "retiring" && now - key.state_at >= OVERLAP_MS)) steps.push("retire");
  return steps;
}
