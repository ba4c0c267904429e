import { allowanceAt, type Ramp } from "./ramp.ts";

/** One UTC day of one address at one provider. `taken`: messages that were let go, of which `choose` counts. */
export type DayTally = {
  taken: number;
  delivered: number;
  deferred: number;
  blocked: number;
  complaint: number;
  bounced: number;
};

export const NO_TALLY: DayTally = {
  taken: 0,
  delivered: 0,
  deferred: 0,
  blocked: 0,
  complaint: 0,
  bounced: 0,
};

export type Advance = { stage: number; change: "up" | "stay" | "back"; why: string };

/** A stage is left upward when so much of its allowance arrived. */
const ENOUGH = 0.5;

type Bound = {
  of: "deferred" | "blocked" | "complaint";
  words: string;
  /** Shares of the day's messages; `least`: with fewer of them a day is no reason to step back. */
  stay: { share: number; least: number };
  back: { share: number; least: number };
  /** After a step back a day holds so much of what this one had. */
  part: number;
};

const BOUNDS: readonly Bound[] = [
  {
    of: "complaint",
    words: "complaints",
    stay: { share: 0.001, least: 1 },
    back: { share: 0.003, least: 2 },
    part: 0.25,
  },
  {
    of: "blocked",
    words: "refused for the address",
    stay: { share: 0.02, least: 1 },
    back: { share: 0.05, least: 3 },
    part: 0.25,
  },
  {
    of: "deferred",
    words: "deferred",
    stay: { share: 0.1, least: 2 },
    back: { share: 0.2, least: 5 },
    part: 0.5,
  },
];

/**
 * The stage after a day, and why. It rises by one when enough of the allowance arrived and little was deferred, refused
 * or complained about; it stays when too little was sent to tell; it falls to where a day holds half (after refusals and
 * complaints, a quarter) of what that day had, so that a step back is felt however high the stage was.
 */
export function advance(ramp: Ramp, stage: number, day: DayTally): Advance {
  const sent = day.delivered + day.deferred + day.blocked + day.bounced;
  const share = (count: number) => (sent === 0 ? (count > 0 ? 1 : 0) : count / sent);
  const exceeds = ({ of }: Bound, bound: Bound["back"]) =>
    day[of] >= bound.least && share(day[of]) >= bound.share;
  const said = ({ of, words }: Bound) => `${day[of]} of ${sent} ${words}`;

  const bad = BOUNDS.find((bound) => exceeds(bound, bound.back));
  if (bad) {
    const most = sent * bad.part;
    const lower = ramp.slice(0, stage).findLastIndex((allowance) => allowance <= most);
    const next = Math.max(0, lower);
    if (next < stage) return { stage: next, change: "back", why: said(bad) };
    return { stage, change: "stay", why: said(bad) };
  }
  const doubtful = BOUNDS.find((bound) => exceeds(bound, bound.stay));
  if (doubtful) return { stage, change: "stay", why: said(doubtful) };

  const allowance = allowanceAt(ramp, stage);
  if (allowance === undefined) return { stage, change: "stay", why: "warm" };
  if (day.delivered < allowance * ENOUGH) {
    return { stage, change: "stay", why: `${day.delivered} of ${allowance} arrived: too few to tell` };
  }
  return { stage: stage + 1, change: "up", why: `${day.delivered} of ${allowance} arrived` };
}

/** What may be sent today: that of the stage, or less when the day itself already asks for a step back. */
export function allowanceToday(ramp: Ramp, stage: number, day: DayTally): number | undefined {
  const { stage: after, change } = advance(ramp, stage, day);
  return allowanceAt(ramp, change === "back" ? after : stage);
}
