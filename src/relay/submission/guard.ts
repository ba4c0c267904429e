import { gcra, type Bucket } from "../../lib/gcra.ts";

/** Failed log-ins from one address: ten at once, then one a minute. */
const BUCKET: Bucket = { limit: 10, periodMs: 600_000, burst: 10 };
const MAX_ADDRESSES = 10_000;

/** Slows down whoever guesses secrets. Members behind the same address who know theirs are not asked. */
export function createLoginGuard(now: () => number) {
  const failures = new Map<string, number>();
  return {
    /** Notes a failure; true when there have been too many. */
    failed(address: string): boolean {
      const result = gcra(BUCKET, failures.get(address), now());
      if (!result.ok) return true;
      failures.delete(address);
      failures.set(address, result.tat);
      if (failures.size > MAX_ADDRESSES) failures.delete(failures.keys().next().value!);
      return false;
    },
  };
}
