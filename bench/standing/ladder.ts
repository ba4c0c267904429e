import type { BounceWindow } from "../../src/event/index.ts";
import { ease, transition, type StandingState } from "../../src/standing/transition.ts";

const DAY_MS = 86_400_000;
/** The committee has decided by then, in the member's favour. */
const DECIDED_AFTER_DAYS = 2;

export type Standing = StandingState["standing"];

/** The ladder of `src/standing` for one simulated member, who says at once what it has changed. Times in days. */
export function createLadder() {
  let state: StandingState = { standing: "good", since: -DAY_MS };

  return {
    /** Where a finding leads, if it leads to another standing. */
    consider(
      cause: string,
      rule: string,
      { at, sentAt, byStrangers }: { at: number; sentAt: number; byStrangers: boolean },
    ): Standing | undefined {
      const { state: next, moved } = transition(state, [
        {
          cause,
          rule,
          description: "",
          evidence: {},
          actionId: "",
          at: at * DAY_MS,
          sentAt: sentAt * DAY_MS,
          byStrangers,
        },
      ]);
      state = moved ? { ...next, remedyAt: next.since } : next;
      return moved?.to;
    },
    /** The way back; whether the standing changed. */
    review(at: number, window: () => BounceWindow): boolean {
      if (state.standing === "good") return false;
      const now = at * DAY_MS;
      const decided = state.standing === "suspended" && now - state.since >= DECIDED_AFTER_DAYS * DAY_MS;
      const to = decided ? "good" : ease(state, window(), now)?.to;
      if (!to) return false;
      state = { ...state, standing: to, since: now, easedAt: now };
      return true;
    },
  };
}
