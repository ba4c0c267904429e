import type { Clock } from "../../lib/clock.ts";
import { clientNetwork } from "../../lib/client-network.ts";
import { createRateTable } from "../../lib/rate-table.ts";

/** What becomes of one answer over UDP. `truncate`: a stub without records, so that who really asked comes by TCP. */
export type Passage = "answer" | "truncate" | "drop";

const MOST_NETWORKS = 20_000;

/**
 * Limits what a forged sender can have us send to others: so many answers a second to one network (an IPv4 /24, an IPv6
 * /64), twice as many in one go. Beyond that every second answer goes out truncated, and the others not at all. The
 * table is bounded, whoever asks; this host itself is not limited.
 */
export function responseLimit({ perSecond, clock }: { perSecond: number; clock: Pick<Clock, "now"> }) {
  const table = createRateTable({ limit: perSecond, periodMs: 1_000, burst: perSecond * 2 }, MOST_NETWORKS);
  let slips = 0;
  return (address: string): Passage => {
    if (address.startsWith("127.") || address === "::1") return "answer";
    if (table.take(networkOf(address), clock.now()).ok) return "answer";
    return slips++ % 2 === 0 ? "truncate" : "drop";
  };
}

function networkOf(address: string): string {
  const plain = address.includes(":") ? clientNetwork(address) : address;
  return plain.includes(":") ? plain : plain.slice(0, plain.lastIndexOf("."));
}
