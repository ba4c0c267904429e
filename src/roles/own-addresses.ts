import { BlockList, isIP } from "node:net";
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

const familyOf = (address: string) => (isIP(address) === 6 ? "ipv6" : "ipv4");
