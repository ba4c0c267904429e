import type { Limits } from "../../shaping/index.ts";
import type { Job } from "./job.ts";
import { afterOne, rateOf, waitFor } from "./pace.ts";
import { halved, mayWait, waitingRoom } from "./places.ts";

/** A provider, or one set of hosts of nobody known: what of ours is under way to it, over all lanes. */
export type Destination = {
  key: string;
  provider: string;
  connections: number;
  lanes: number;
  /** Mail that waits in memory, and of each member. */
  waiting: number;
  members: Map<string, number>;
  /** Messages that left, a second, as it was at `movedAt`. */
  perSecond: number;
  movedAt: number;
  slots: Map<string, Slot>;
};

/** One destination from one address of ours. */
export type Slot = {
  address: string;
  connections: number;
  lanes: number;
  /** Of `pace.ts`. */
  next: number;
};

/** `half`: the destination asked this address to be slower. */
export type Bounds = { limits: Limits; half: boolean };

export function newDestination(key: string, provider: string): Destination {
  const counts = { connections: 0, lanes: 0, waiting: 0, perSecond: 0, movedAt: 0 };
  return { key, provider, ...counts, members: new Map(), slots: new Map() };
}

/** A lane there, from this address. */
export function enter(destination: Destination, address: string): Slot {
  const { slots } = destination;
  let slot = slots.get(address);
  if (!slot) slots.set(address, (slot = { address, connections: 0, lanes: 0, next: 0 }));
  slot.lanes++;
  destination.lanes++;
  return slot;
}

export function leave(destination: Destination, slot: Slot): void {
  slot.lanes--;
  destination.lanes--;
}

/** Forgets the slots that no lane has and whose rate has nothing to remember. True: there is nothing left. */
export function isOver({ slots, lanes }: Destination, now: number): boolean {
  for (const [address, slot] of slots) if (slot.lanes === 0 && slot.next <= now) slots.delete(address);
  return lanes === 0 && slots.size === 0;
}

export function countWaiting(destination: Destination, { leased }: Job, change: 1 | -1): void {
  const { did } = leased.message;
  destination.waiting += change;
  const left = (destination.members.get(did) ?? 0) + change;
  if (left > 0) destination.members.set(did, left);
  else destination.members.delete(did);
}

/** How fast what was long ago is forgotten. */
const LATELY_MS = 3_000;
function rateNow({ perSecond, movedAt }: Destination): number {
  return perSecond * Math.exp((movedAt - performance.now()) / LATELY_MS);
}

/** One message has left. */
export function moved(destination: Destination): void {
  destination.perSecond = rateNow(destination) + 1_000 / LATELY_MS;
  destination.movedAt = performance.now();
}

export function hasRoom(destination: Destination, { leased }: Job): boolean {
  const { did, priority } = leased.message;
  const own = destination.members.get(did) ?? 0;
  const room = waitingRoom(rateNow(destination));
  return mayWait(own, destination.waiting, room, priority);
}

/** Ms until the next message may go from this address. */
export function paceWait(slot: Slot, { limits, half }: Bounds, now: number, isCode: boolean): number {
  const { perMinute } = limits;
  if (perMinute === undefined) return 0;
  return waitFor(slot.next, rateOf(half ? halved(perMinute) : perMinute), now, isCode);
}

export function paceTake(slot: Slot, { limits, half }: Bounds, now: number): void {
  const { perMinute } = limits;
  if (perMinute !== undefined)
    slot.next = afterOne(slot.next, rateOf(half ? halved(perMinute) : perMinute), now);
}
