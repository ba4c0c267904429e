import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context } from "hono";
import { clientNetwork } from "../lib/client-network.ts";

/** Who asks: the peer's address or, when the peer is a reverse proxy of ours, the last one in `X-Forwarded-For` that is none. */
export function addressOf(c: Context, trustedProxies: ReadonlySet<string>): string {
  const forwarded = (c.req.header("x-forwarded-for") ?? "")
    .split(",")
    .map((part) => plainAddress(part.trim()));
  const hops = [
    ...forwarded.filter((part) => part !== ""),
    plainAddress(getConnInfo(c).remote.address ?? ""),
  ];
  let client = hops.pop() ?? "";
  while (hops.length > 0 && trustedProxies.has(client)) client = hops.pop()!;
  return client.slice(0, 64);
}

/** Who asks, for rate limits: one IPv6 network of 64 bits counts as one client. */
export function clientOf(c: Context, trustedProxies: ReadonlySet<string>): string {
  return clientNetwork(addressOf(c, trustedProxies));
}

/** `::ffff:192.0.2.1` is an IPv4 address. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}
