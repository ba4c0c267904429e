import { isIPv6 } from "node:net";
import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context } from "hono";

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
  const address = addressOf(c, trustedProxies);
  return isIPv6(address) ? network(address) : address;
}

/** `::ffff:192.0.2.1` is an IPv4 address. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

/** The first 64 bits. */
function network(address: string): string {
  const [head = "", tail] = address.replace(/%.*$/, "").toLowerCase().split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups =
    tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill("0"), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
