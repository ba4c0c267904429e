import type { Destination } from "./destination.ts";
import type { Lane } from "./lane.ts";
import type { Place } from "./places.ts";

/** With each connection that ends so many lanes that wait for any place are asked, at most. */
const ASKED_AT_ONCE = 32;

/** Lanes with mail that wait for a place or for their rate, in the order in which they came; login codes first. */
export function createWaitingLanes(offer: (lane: Lane) => void, hasPlace: () => boolean) {
  /** For any place. */
  const codes = new Set<Lane>();
  const others = new Set<Lane>();
  /** For a place of their destination. */
  const ofDestination = new Map<Destination, Set<Lane>>();
  const timers = new Map<Lane, { timer: NodeJS.Timeout; at: number }>();

  function ask(lanes: Set<Lane>, most: number): void {
    let left = Math.min(most, lanes.size);
    // Those that still find no place come behind the others.
    for (const lane of lanes) {
      if (left-- === 0 || !hasPlace()) return;
      lanes.delete(lane);
      offer(lane);
    }
  }

  return {
    add(lane: Lane, place: Exclude<Place, "open">): void {
      if (place === "full") {
        if (lane.queue.codes > 0) codes.add(lane);
        else others.add(lane);
        return;
      }
      const { destination } = lane;
      const lanes = ofDestination.get(destination) ?? new Set();
      ofDestination.set(destination, lanes.add(lane));
    },
    /** A connection of the lane has ended. */
    freed({ destination }: Lane): void {
      const lanes = ofDestination.get(destination);
      if (lanes) {
        ofDestination.delete(destination);
        for (const lane of lanes) offer(lane);
      }
      ask(codes, ASKED_AT_ONCE);
      ask(others, ASKED_AT_ONCE);
    },
    /** Asks again after `ms`, or sooner when it was to be asked sooner. */
    until(lane: Lane, ms: number): void {
      const at = performance.now() + ms;
      const before = timers.get(lane);
      if (before && before.at <= at) return;
      clearTimeout(before?.timer);
      const again = () => {
        timers.delete(lane);
        offer(lane);
      };
      timers.set(lane, { at, timer: setTimeout(again, Math.ceil(ms)) });
    },
    /** Is there a lane that any place would help? */
    anybody: () => codes.size > 0 || others.size > 0,
    forget(lane: Lane): void {
      codes.delete(lane);
      others.delete(lane);
      const lanes = ofDestination.get(lane.destination);
      if (lanes?.delete(lane) && lanes.size === 0) ofDestination.delete(lane.destination);
      clearTimeout(timers.get(lane)?.timer);
      timers.delete(lane);
    },
    close(): void {
      for (const { timer } of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
