import { gcra, gcraSettled, type Bucket, type GcraResult } from "./gcra.ts";

/** One bucket for each key, of at most `maxKeys` keys: the one that was used longest ago is forgotten first. */
export type RateTable = {
  /** May `cost` units pass for `key` at `now` (ms since the epoch)? A refusal uses nothing up. */
  take(key: string, now: number, cost?: number): GcraResult;
  /** The same question, without taking anything. */
  ask(key: string, now: number, cost?: number): GcraResult;
  readonly size: number;
};

export function createRateTable(bucket: Bucket, maxKeys: number): RateTable {
  const times = new Map<string, number>();
  return {
    take(key, now, cost = 1) {
      const kept = times.get(key);
      const before = kept === undefined ? undefined : gcraSettled(bucket, kept, now);
      const result = gcra(bucket, before, now, cost);
      const after = result.ok ? result.tat : before;
      times.delete(key);
      if (after !== undefined) times.set(key, after);
      if (times.size > maxKeys) times.delete(times.keys().next().value!);
      return result;
    },
    ask(key, now, cost = 1) {
      const kept = times.get(key);
      return gcra(bucket, kept === undefined ? undefined : gcraSettled(bucket, kept, now), now, cost);
    },
    get size() {
      return times.size;
    },
  };
}
