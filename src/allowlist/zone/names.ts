import { reverseName } from "../../protocol/dns/index.ts";

/** Lifetimes in seconds: an entry that is taken back is believed for as long. */
export const TTL = 300;
export const NEGATIVE_TTL = 300;

/** What every zone of a list says of itself. */
export type ZoneHead = {
  /** Such as `wl.coop.example`; below it `dwl`, `ip` and `_vouch`. */
  zone: string;
  nameServers: readonly string[];
  serial: number;
  /** The did:key with which snapshots are signed, and where they are: TXT at `_list`. */
  key: string;
  snapshotUrl: string;
};

/** One line of the list, as zones need it. */
export type ZoneEntry = { key: string; code: string; text: string };

/** RFC 5782 section 5: always there, so that a consumer can tell a list that works from one that is gone. */
export const TEST_TEXT = "test entry (RFC 5782)";
export const TEST_CODE = "127.0.0.2";
export const TEST_ADDRESSES = ["127.0.0.2", "::ffff:7f00:2"];
export const TEST_DOMAIN = "test";
/** RFC 5782 section 5: never there. */
export const NEVER_LISTED = ["invalid.dwl", "1.0.0.127.ip", ipName("::ffff:7f00:1")];

/** The name of an address in the list, relative to the zone (RFC 5782 sections 2.1 and 2.4). */
export function ipName(address: string): string {
  const name = reverseName(address);
  if (name === undefined) throw new Error(`${address} is no address`);
  return name.replace(/\.(in-addr|ip6)\.arpa$/, ".ip");
}

export const listText = ({ key, snapshotUrl }: ZoneHead): string =>
  `v=atmoslist1; key=${key}; url=${snapshotUrl}`;

/** The timers of the SOA, in seconds. A secondary that hears nothing for a day stops answering (RFC 1912 section 2.2). */
export const SOA = { refresh: 900, retry: 300, expire: 86_400 } as const;
