import { clientNetwork } from "../../lib/client-network.ts";
import type { Bucket } from "../../lib/gcra.ts";
import { createRateTable } from "../../lib/rate-table.ts";

/** Failed log-ins from one IPv4 address or IPv6 network of 64 bits: ten at once, then one a minute. */
const BUCKET: Bucket = { limit: 10, periodMs: 600_000, burst: 10 };
const MAX_CLIENTS = 10_000;

/** Slows down whoever guesses secrets. Members behind the same address who know theirs are not asked. */
export function createLoginGuard(now: () => number) {
  const failures = createRateTable(BUCKET, MAX_CLIENTS);
  return {
    /** Notes a failure; true when there have been too many. */
    failed: (address: string): boolean => !failures.take(clientNetwork(address), now()).ok,
  };
}
