import { CAUSES } from "../../src/standing/causes.ts";
import { ease, worsen, type StandingState } from "../../src/standing/transition.ts";
import type { BounceWindow } from "../../src/event/index.ts";

const DAY_MS = 86_400_000;
/** The committee has decided by then; simulated members are let back in. */
const DECIDED_AFTER_DAYS = 2;

const MISSING = {
  "complaint-probation": { grade: "probation" },
  "breaker-confirmed": { grade: "suspended" },
} as const;

/** The ladder of `src/standing` for one simulated member. Times in days. */
export function createLadder() {
  let state: StandingState = { standing: "good", since: -DAY_MS };

  return {
    get standing() {
      return state.standing;
    },
    /** Where a finding leads, if it leads to another standing. */
    consider(label: string, at: number, sentAt: number): StandingState["standing"] | undefined {
      const cause = { ...MISSING, ...CAUSES }[label];
      if (!cause || sentAt * DAY_MS <= state.since) return undefined;
      const to = worsen(state, cause, at * DAY_MS);
      state = { ...state, lastCauseAt: at * DAY_MS };
      if (!to) return undefined;
      state = {
        ...state,
        standing: to,
        since: at * DAY_MS,
        ...(cause.grade === "probation" && { lastProbationAt: at * DAY_MS }),
      };
      return to;
    },
    /** The way back; whether the standing changed. */
    review(at: number, window: () => BounceWindow): boolean {
      if (state.standing === "good") return false;
      const now = at * DAY_MS;
      const decided = state.standing === "suspended" && now - state.since >= DECIDED_AFTER_DAYS * DAY_MS;
      const to = decided ? "good" : ease(state, window(), now)?.to;
      if (!to) return false;
      state = { ...state, standing: to, since: now };
      return true;
    },
  };
}
