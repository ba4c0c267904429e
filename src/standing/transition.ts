import { DAY_MS } from "../lib/clock.ts";
import { STANDINGS, type Standing } from "../policy/index.ts";
import type { Cause } from "./causes.ts";

/** Days without a new cause after which a standing eases by one rung. */
const CLEAN_DAYS = 14;
/** Newer sends that show a warned member clean sooner. */
const CLEAN_SENDS = 50;
/** A second cause of grade probation within this time suspends. */
const REPEAT_DAYS = 30;

export type StandingState = {
  standing: Standing;
  since: number;
  /** The latest adverse event that counted, ms; undefined when there was none. */
  lastCauseAt?: number;
  /** When a cause of grade probation last led to a change, ms. */
  lastProbationAt?: number;
};

export type WayBack = {
  text: string;
  /** When the standing eases by itself if nothing new happens, ms; null when a person decides. */
  at: number | null;
};

const rank = (standing: Standing) => STANDINGS.indexOf(standing);

/**
 * Where a cause leads. Undefined when it changes nothing. A second cause of grade probation within 30 days, on mail
 * sent after the first change, suspends.
 */
export function worsen(state: StandingState, cause: Pick<Cause, "grade">, at: number): Standing | undefined {
  if (state.standing === "ejected" || state.standing === "suspended") return undefined;
  const repeated =
    cause.grade === "probation" &&
    state.standing === "probation" &&
    state.lastProbationAt !== undefined &&
    at > state.since &&
    at - state.lastProbationAt <= REPEAT_DAYS * DAY_MS;
  const to: Standing = repeated ? "suspended" : cause.grade;
  return rank(to) > rank(state.standing) ? to : undefined;
}

/** Whether the standing eases by itself at `now`, and to what. `newer` is the window since the last change. */
export function ease(
  state: StandingState,
  newer: { eligible: number; p_over_5: number },
  now: number,
): { to: Standing; why: string } | undefined {
  const clean = now - Math.max(state.since, state.lastCauseAt ?? 0) >= CLEAN_DAYS * DAY_MS;
  if (state.standing === "warned") {
    if (clean) return { to: "good", why: `${CLEAN_DAYS} days passed without a new cause` };
    if (newer.eligible >= CLEAN_SENDS && newer.p_over_5 < 0.1) {
      return { to: "good", why: `the last ${newer.eligible} messages show a bounce rate below 5 %` };
    }
  }
  if (state.standing === "probation" && clean)
    return { to: "warned", why: `${CLEAN_DAYS} clean days passed` };
  return undefined;
}

/** The way back from a standing that began at `since`. */
export function wayBack(standing: Standing, since: number): WayBack {
  switch (standing) {
    case "good":
      return { text: "Nothing is asked of you.", at: null };
    case "warned":
      return {
        text:
          `You return to good after ${CLEAN_DAYS} days without a new cause, or sooner: once ${CLEAN_SENDS} newer ` +
          "messages show that your bounce rate is below 5 %.",
        at: since + CLEAN_DAYS * DAY_MS,
      };
    case "probation":
      return {
        text: `After ${CLEAN_DAYS} clean days you are moved up to warned. Until then a quarter of your limits applies.`,
        at: since + CLEAN_DAYS * DAY_MS,
      };
    case "suspended":
      return {
        text: "The committee decides within 48 hours. Answer to the committee with what you changed.",
        at: since + 2 * DAY_MS,
      };
    case "ejected":
      return { text: "A new application is open to you.", at: null };
  }
}
