import type { NodeState } from "../policy/index.ts";

export type CutOffLimits = {
  /** So long without a word of core, and the node is cut off. */
  afterMs: number;
  /** So long, and it sends nothing more. */
  mostMs: number;
};

/** `silentFor`: ms since core was heard; null: never. Pure. */
export function nodeState(
  { silentFor, draining }: { silentFor: number | null; draining: boolean },
  { afterMs, mostMs }: CutOffLimits,
): NodeState {
  if (silentFor === null || silentFor >= mostMs) return "silent";
  if (draining) return "draining";
  return silentFor >= afterMs ? "cut-off" : "serving";
}

export type Ear = {
  /** Core was heard, by its own clock at `at` (ms since the epoch); heard again after a restart it is as old as it was. */
  heard(at: number): void;
  /** Ms since then; null: never. */
  silentFor(): number | null;
};

/** How long core has been silent. A clock that is set back makes it no shorter; core's own may be a little ahead of ours. */
export function createEar(now: () => number): Ear {
  let lastAt = -Infinity;
  let heardAt: number | undefined;
  let longest = 0;
  return {
    heard(at) {
      if (at <= lastAt) return;
      // The first may be old: it waited on our disk, or at the brokers.
      heardAt = lastAt === -Infinity ? Math.min(at, now()) : now();
      lastAt = at;
      longest = 0;
    },
    silentFor() {
      if (heardAt === undefined) return null;
      longest = Math.max(longest, now() - heardAt, 0);
      return longest;
    },
  };
}
