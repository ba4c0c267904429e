import { DAY_MS } from "../lib/clock.ts";
import { advance, allowanceToday, NO_TALLY, type DayTally } from "./advance.ts";
import { rampOf, WARM_RAMP, type Ramp } from "./ramp.ts";
import type { WarmupOutcome } from "./types.ts";

/** Where one address is with one provider. `day`: days since the epoch, UTC; `since`: of the stage. */
export type LaneRow = {
  address: string;
  provider: string;
  stage: number;
  day: number;
  since: number;
  why: string;
  pausedUntil: number | null;
  pauseWhy: string | null;
};

/** `stage`: what the day began with, and keeps; `closed`: the stage of the lane has taken account of it. */
export type DayRow = DayTally & {
  address: string;
  provider: string;
  day: number;
  stage: number;
  closed: boolean;
};

export type Lane = LaneRow & { ramp: Ramp; days: Map<number, DayRow> };

/** Days of each address and provider that are remembered; a clock that comes back to one finds what it used. */
export const DAYS_KEPT = 40;
/** Providers come from the shaping file; what is past this bound is counted as `other`. */
const MOST_PROVIDERS = 200;

const keyOf = (address: string, provider: string) => `${address} ${provider}`;
const dayOf = (now: number): number => Math.floor(now / DAY_MS);

export type Ledger = ReturnType<typeof createLedger>;

/** Counters and stages in memory, for every address and provider, and which of them are to be written. */
export function createLedger(options: {
  lanes: readonly LaneRow[];
  days: readonly DayRow[];
  isWarm: (address: string) => boolean;
  onBack?: (lane: Lane, why: string, now: number) => void;
}) {
  const { isWarm, onBack } = options;
  const lanes = new Map<string, Lane>();
  const providers = new Set<string>();
  const dirtyLanes = new Set<Lane>();
  const dirtyDays = new Set<DayRow>();

  function add(row: LaneRow): Lane {
    const ramp = isWarm(row.address) ? WARM_RAMP : rampOf(row.provider);
    const lane: Lane = { ...row, stage: Math.min(row.stage, ramp.length), ramp, days: new Map() };
    lanes.set(keyOf(row.address, row.provider), lane);
    providers.add(row.provider);
    return lane;
  }

  for (const row of options.lanes) add(row);
  for (const row of options.days) lanes.get(keyOf(row.address, row.provider))?.days.set(row.day, { ...row });

  /** The lane as it is today: a day that has passed has moved its stage. */
  function lane(address: string, provider: string, now: number): Lane {
    const name = providers.has(provider) || providers.size < MOST_PROVIDERS ? provider : "other";
    const today = dayOf(now);
    const known = lanes.get(keyOf(address, name));
    if (known) {
      roll(known, today, now);
      return known;
    }
    const why = isWarm(address) ? "warm, as it was set" : "new to this provider";
    const fresh = { address, provider: name, stage: 0, day: today, since: now, why };
    return add({ ...fresh, pausedUntil: null, pauseWhy: null });
  }

  /** A clock that went back only changes which day's row is counted in: each day has one, and is judged once. */
  function roll(lane: Lane, today: number, now: number): void {
    if (lane.day === today) return;
    const ended = lane.days.get(lane.day);
    if (today > lane.day && ended && !ended.closed) close(lane, ended, now);
    lane.day = today;
    dirtyLanes.add(lane);
    const old = [...lane.days.keys()].toSorted((a, b) => b - a).slice(DAYS_KEPT);
    for (const day of old) lane.days.delete(day);
  }

  function close(lane: Lane, row: DayRow, now: number): void {
    const { stage, change, why } = advance(lane.ramp, lane.stage, row);
    row.closed = true;
    dirtyDays.add(row);
    if (change !== "stay") lane.since = now;
    lane.stage = stage;
    lane.why = why;
    if (change === "back") onBack?.(lane, why, now);
  }

  function row(lane: Lane): DayRow {
    const { address, provider, day, stage } = lane;
    let found = lane.days.get(day);
    if (!found) {
      found = { address, provider, day, stage, ...NO_TALLY, closed: false };
      lane.days.set(day, found);
      dirtyLanes.add(lane);
    }
    return found;
  }

  const tally = (lane: Lane): DayTally => lane.days.get(lane.day) ?? NO_TALLY;

  return {
    lane,
    tally,
    /** Of today; a day that goes wrong narrows itself. Undefined: no limit. */
    allowance(lane: Lane): number | undefined {
      const today = lane.days.get(lane.day);
      return allowanceToday(lane.ramp, today?.stage ?? lane.stage, today ?? NO_TALLY);
    },
    take(lane: Lane): void {
      const today = row(lane);
      today.taken++;
      dirtyDays.add(today);
    },
    /** To the day that it was taken from, which may be over. */
    giveBack(lane: Lane, takenAt: number): void {
      const then = lane.days.get(dayOf(takenAt));
      if (!then || then.taken === 0) return;
      then.taken--;
      dirtyDays.add(then);
    },
    count(lane: Lane, outcome: WarmupOutcome): void {
      const today = row(lane);
      today[outcome]++;
      dirtyDays.add(today);
    },
    pause(lane: Lane, until: number | null, why: string | null): void {
      lane.pausedUntil = until;
      lane.pauseWhy = why;
      dirtyLanes.add(lane);
    },
    of: (address: string): Lane[] => [...lanes.values()].filter((lane) => lane.address === address),
    /** What changed since the last time it was asked; `again` puts it back when it could not be written. */
    changes() {
      const changed = { lanes: [...dirtyLanes], days: [...dirtyDays] };
      dirtyLanes.clear();
      dirtyDays.clear();
      return {
        ...changed,
        again() {
          for (const lane of changed.lanes) dirtyLanes.add(lane);
          for (const day of changed.days) dirtyDays.add(day);
        },
      };
    },
  };
}
