/** How many connections there are, and may be, where one more is wanted. */
export type Load = {
  /** Over all. */
  total: number;
  most: number;
  /** To the provider, or to one set of hosts of nobody known. */
  ofProvider: number;
  mostOfProvider: number;
  /** Of those, from the same address of ours. */
  ofAddress: number;
  mostOfAddress: number;
};

export type Place = "open" | "full" | "provider" | "address";

export function placeFor(load: Load): Place {
  if (load.total >= load.most) return "full";
  if (load.ofProvider >= load.mostOfProvider) return "provider";
  if (load.ofAddress >= load.mostOfAddress) return "address";
  return "open";
}

/** How many times what is free a member may have. */
const FACTOR = 2;
const CODES_FACTOR = 8;

/**
 * May a member take one more of `most` places? As long as it has less than twice what is free (Choudhury and Hahne's dynamic
 * threshold): one alone gets two thirds of them, of two each two fifths, and there is always a place for who comes next.
 * Login codes get up to eight ninths.
 */
export function hasShare(own: number, taken: number, most: number, isCode: boolean): boolean {
  const free = most - taken;
  return free > 0 && own < free * (isCode ? CODES_FACTOR : FACTOR);
}

/** Mail that waits in memory for one destination: what leaves in so many seconds, and a little where nothing does. */
const SECONDS_WAITING = 10;
const LEAST_WAITING = 120;
const MOST_WAITING = 2_000;

/** `perSecond`: what left lately. */
export function waitingRoom(perSecond: number): number {
  return Math.max(LEAST_WAITING, Math.min(MOST_WAITING, Math.round(perSecond * SECONDS_WAITING)));
}

/**
 * May mail wait in memory for its destination, or does it go back to the queue? A member may have as much as is free.
 * Login codes have room of their own: twice as much for each member.
 */
export function mayWait(own: number, waiting: number, room: number, priority: number): boolean {
  if (priority === 0) return own < 2 * room;
  return own < room - waiting;
}

/** A slowed provider gets half, and at least one. */
export function halved(n: number): number {
  return Math.max(1, Math.floor(n / 2));
}
