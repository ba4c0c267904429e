import type { Context } from "hono";
import type { Clock } from "../lib/clock.ts";
import { createRateTable } from "../lib/rate-table.ts";
import type { Labeler } from "./labeler.ts";
import { clientOf } from "./xrpc-client.ts";
import { createExaminer, type ExaminerOptions } from "./xrpc-examine.ts";

export type PublicChecksOptions = {
  labeler: Pick<Labeler, "attestations">;
  clock: Clock;
  /** Reverse proxies whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[];
  examiner?: Omit<ExaminerOptions, "clock">;
};

/** Per client: a question of the DNS costs as much as `CHECK_COST` of what we have at hand. */
const RATE = { limit: 120, periodMs: 60_000, burst: 120 };
const MAX_CLIENTS = 20_000;
export const CHECK_COST = 6;

export type PublicChecks = ReturnType<typeof createPublicChecks>;

/** What anybody may have looked at, by XRPC or on a page, within the same bounds. */
export function createPublicChecks({ labeler, clock, trustedProxies, examiner }: PublicChecksOptions) {
  const proxies = new Set(trustedProxies);
  const rate = createRateTable(RATE, MAX_CLIENTS);
  return {
    /** Takes `cost` from the client's share. */
    take: (c: Context, cost: number) => rate.take(clientOf(c, proxies), clock.now(), cost),
    examine: createExaminer(
      async ({ domain, did, selectors }: { domain: string; did?: string; selectors?: readonly string[] }) =>
        labeler.attestations.examine(domain, { did, selectors }),
      { clock, ...examiner },
    ),
  };
}
