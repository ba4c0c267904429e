import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";
import type { Config } from "../platform/config/index.ts";

type Listening = Pick<Config, "INBOUND_ADDRESS" | "DELIVERY_PORT" | "EGRESS_ADDRESSES" | "NAT_ADDRESSES">;

/**
 * Whether the port that mail is delivered to leads to ourselves at an address: where we listen on it, at that address or,
 * listening on all, at each of this host (`local`) and of those that mail leaves from; and at the addresses that a NAT
 * gives us in the world.
 */
export function ownAddresses(config: Listening, local: readonly string[]): (address: string) => boolean {
  const { host, port } = config.INBOUND_ADDRESS;
  const all = /^(?:0\.0\.0\.0|[0:]+)$/.test(host);
  const here = all ? [...local, ...config.EGRESS_ADDRESSES.map(({ address }) => address)] : [host];
  const own = new BlockList();
  for (const address of [...config.NAT_ADDRESSES, ...(port === config.DELIVERY_PORT ? here : [])]) {
    const bare = address.replace(/%.*/, "");
    if (isIP(bare) !== 0) own.addAddress(bare, familyOf(bare));
  }
  return (address) => isIP(address) !== 0 && own.check(address, familyOf(address));
}

/** Addresses that the world sees the pool's mail come from; where none are named, those of this host. */
export function poolAddresses({
  EGRESS_ADDRESSES: named,
  NAT_ADDRESSES,
}: Pick<Config, "EGRESS_ADDRESSES" | "NAT_ADDRESSES">): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => address),
  );
  return [...NAT_ADDRESSES, ...(named.length > 0 ? named.map(({ address }) => address) : all)];
}

const familyOf = (address: string) => (isIP(address) === 6 ? "ipv6" : "ipv4");
