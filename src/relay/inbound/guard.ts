import { isIPv4 } from "node:net";
import { clientNetwork } from "../../lib/client-network.ts";
import type { Bucket } from "../../lib/gcra.ts";
import { createRateTable } from "../../lib/rate-table.ts";

/** How much one address (of IPv6 a network of 64 bits) may do, and all of a `/24` or `/48` together. */
export type InboundRates = Record<
  "connections" | "messages" | "strangers" | "letters",
  { address: Bucket; network: Bucket }
>;

const MINUTE = 60_000;
const HOUR = 3_600_000;
const MAX_KEYS = 20_000;

/**
 * `strangers`: recipients that are not here, which is what a search for addresses asks for. `letters`: mail that people are
 * to read; nobody fills the committee's inbox alone.
 */
export const INBOUND_RATES: InboundRates = {
  connections: {
    address: { limit: 60, periodMs: MINUTE, burst: 120 },
    network: { limit: 180, periodMs: MINUTE, burst: 360 },
  },
  messages: {
    address: { limit: 600, periodMs: HOUR, burst: 200 },
    network: { limit: 1_800, periodMs: HOUR, burst: 600 },
  },
  strangers: {
    address: { limit: 30, periodMs: HOUR, burst: 30 },
    network: { limit: 120, periodMs: HOUR, burst: 120 },
  },
  letters: {
    address: { limit: 30, periodMs: HOUR, burst: 30 },
    network: { limit: 60, periodMs: HOUR, burst: 60 },
  },
};

/** Counts what each address and its neighbours do; forgets the ones that were quiet longest. */
export function createInboundGuard(now: () => number, rates: InboundRates = INBOUND_RATES) {
  const tables = Object.fromEntries(
    Object.entries(rates).map(([what, { address, network }]) => [
      what,
      { address: createRateTable(address, MAX_KEYS), network: createRateTable(network, MAX_KEYS) },
    ]),
  ) as Record<keyof InboundRates, Record<"address" | "network", ReturnType<typeof createRateTable>>>;

  return {
    /** Notes one; false: there have been too many, and this one is not noted. */
    take(what: keyof InboundRates, ip: string): boolean {
      const { address, network } = tables[what];
      const at = now();
      const around = neighbourhood(ip);
      if (!network.ask(around, at).ok || !address.take(clientNetwork(ip), at).ok) return false;
      return network.take(around, at).ok;
    },
    /** Would one more pass? */
    mayTake(what: keyof InboundRates, ip: string): boolean {
      const { address, network } = tables[what];
      return network.ask(neighbourhood(ip), now()).ok && address.ask(clientNetwork(ip), now()).ok;
    },
  };
}

/** The `/24` of an IPv4 address, the `/48` of an IPv6 address: what one customer of a hosting company often has. */
export function neighbourhood(ip: string): string {
  const client = clientNetwork(ip);
  if (isIPv4(client)) return `${client.split(".").slice(0, 3).join(".")}.0/24`;
  return client.endsWith("::/64") ? `${client.slice(0, -5).split(":").slice(0, 3).join(":")}::/48` : client;
}
