import { DAY_MS } from "../lib/clock.ts";
import { keptForCodes, retryMargin } from "./ramp.ts";
import type { Family } from "./types.ts";

/** One address as the choice sees it, for one provider, now. */
export type Candidate = {
  address: string;
  /** Undefined: the system chooses, either will do. */
  family: Family | undefined;
  /** `codes`: only login codes leave from it. */
  out: "all" | "codes" | undefined;
  outWhy: string | undefined;
  pausedUntil: number | undefined;
  pauseWhy: string | undefined;
  /** Of today; undefined: warm. */
  allowance: number | undefined;
  taken: number;
};

export type PickRequest = {
  provider: string;
  families: ReadonlySet<Family>;
  last: string | undefined;
  priority: number;
  now: number;
};

export type Pick = { ok: true; address: string } | { ok: false; at: number; why: string };

/** Login codes. */
const URGENT = 0;
/** When an address that is out of use is looked at again. */
const LOOK_AGAIN_MS = 900_000;
/** So much of a day's allowance may leave at its beginning; the rest comes with the hours, while warm addresses help out. */
const AT_ONCE = 0.1;

export const nextDay = (now: number): number => (Math.floor(now / DAY_MS) + 1) * DAY_MS;

/**
 * Which address a message leaves from, by these rules in turn:
 * 1. the address of its last attempt, which may go a quarter over its allowance for it; a login code goes elsewhere
 *    rather than wait there;
 * 2. of the cold addresses that are behind the share of their allowance that the hour is worth, the one that is furthest
 *    behind: so that each of them has regular mail;
 * 3. the warm address that sent least today;
 * 4. the cold address with most of its allowance left.
 */
export function pick(candidates: readonly Candidate[], request: PickRequest): Pick {
  const { families, last, priority, now } = request;
  const fit = candidates.filter(({ family }) => family === undefined || families.has(family));
  const inUse = fit.filter(({ out }) => out === undefined || (out === "codes" && priority === URGENT));
  const open = inUse.filter(({ pausedUntil }) => pausedUntil === undefined || pausedUntil <= now);

  const known = inUse.find(({ address }) => address === last);
  if (known) {
    const waits = !open.includes(known) || roomForRetry(known, priority) <= 0;
    if (!waits) return { ok: true, address: known.address };
    if (priority !== URGENT) return wait([known], request);
  }

  const withRoom = open.filter((one) => room(one, priority) > 0);
  const cold = withRoom.filter(({ allowance }) => allowance !== undefined);
  const warm = withRoom.filter(({ allowance }) => allowance === undefined);
  const chosen =
    most(cold, (one) => behind(one, now), 1) ??
    most(warm, ({ taken }) => -taken) ??
    most(cold, (one) => room(one, priority));
  if (chosen) return { ok: true, address: chosen.address };
  if (inUse.length > 0) return wait(inUse, request);
  return { ok: false, at: now + LOOK_AGAIN_MS, why: whyNone(candidates, fit, request) };
}

/** Messages that may still leave today. */
export function room({ allowance, taken }: Room, priority: number): number {
  if (allowance === undefined) return Infinity;
  return allowance - (priority === URGENT ? 0 : keptForCodes(allowance)) - taken;
}
type Room = { allowance: number | undefined; taken: number };

function roomForRetry(one: Candidate, priority: number): number {
  return room(one, priority) + (one.allowance === undefined ? 0 : retryMargin(one.allowance));
}

/** How far an address is behind the part of its allowance that this time of the day is worth. */
function behind({ allowance = 0, taken }: Candidate, now: number): number {
  const passed = (now % DAY_MS) / DAY_MS;
  return allowance * (AT_ONCE + (1 - AT_ONCE) * passed) - taken;
}

function most<T>(all: readonly T[], value: (one: T) => number, least = -Infinity): T | undefined {
  let best: T | undefined;
  for (const one of all) {
    if (value(one) >= least && (best === undefined || value(one) > value(best))) best = one;
  }
  return best;
}

function wait(candidates: readonly Candidate[], { provider, now }: PickRequest): Pick {
  const waits = candidates.map((one) => {
    const paused = one.pausedUntil !== undefined && one.pausedUntil > now ? one.pausedUntil : 0;
    return { one, paused, at: paused || nextDay(now) };
  });
  const first = waits.reduce((a, b) => (b.at < a.at ? b : a));
  if (first.paused > 0) {
    return {
      ok: false,
      at: first.at,
      why: `Paused to ${provider}: ${first.one.pauseWhy ?? "it asked for it"}`,
    };
  }
  const today = candidates.reduce((sum, { allowance = 0 }) => sum + allowance, 0);
  return {
    ok: false,
    at: first.at,
    why: `Our sending addresses are new to ${provider} and have sent today's ${today} messages there; the next may go after midnight UTC`,
  };
}

function whyNone(all: readonly Candidate[], fit: readonly Candidate[], { families }: PickRequest): string {
  if (fit.length === 0 && all.length > 0) {
    const names = [...families].map((family) => (family === "ipv4" ? "IPv4" : "IPv6")).join(" or ");
    return `Its mail hosts are reached by ${names || "no address"}, and no sending address of ours is of that kind`;
  }
  const why = fit.find(({ outWhy }) => outWhy !== undefined)?.outWhy;
  return `No sending address of ours is in use: ${why ?? "there is none"}`;
}
