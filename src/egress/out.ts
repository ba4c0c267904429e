import { isIP } from "node:net";
import { shownList } from "./blocklist.ts";
import type { AddressRow } from "./store.ts";
import type { OutOfUse } from "./types.ts";

/** What becomes of the last address of a family when a blocklist has it. */
export type LastListed = "stop" | "codes" | "keep";

/** One address, as far as its use is decided by it. */
export type Standing = AddressRow & { unbound: { code: string; since: number } | undefined };

/**
 * Which addresses are out of use, and why. A person's word comes first, then whether it is bound at all, then listings:
 * while another address of the family is in use, a listed one is not; of the last ones `lastListed` says what they do:
 * nothing (`stop`), login codes only (`codes`), or as before (`keep`).
 */
export function outOfUse(
  addresses: readonly Standing[],
  lastListed: LastListed,
): ReadonlyMap<string, OutOfUse> {
  const out = new Map<string, OutOfUse>();
  const able = addresses.filter(({ address, held, unbound }) => {
    if (held) {
      const { by, why, at } = held;
      out.set(address, { reason: "by-hand", why: `${by}: ${why}`, since: at, codes: false });
    } else if (unbound) {
      const why = `${address} is not bound on this host (${unbound.code})`;
      out.set(address, { reason: "unbound", why, since: unbound.since, codes: false });
    }
    return !held && !unbound;
  });
  for (const family of [0, 4, 6]) {
    const ours = able.filter(({ address }) => isIP(address) === family);
    const free = ours.some((one) => listingsOf(one).length === 0);
    for (const one of ours) {
      const listings = listingsOf(one);
      if (listings.length === 0 || (!free && lastListed === "keep")) continue;
      out.set(one.address, {
        reason: "listed",
        why: `${one.address} is on ${listings.map(({ list }) => shownList(list)).join(", ")}`,
        since: Math.min(...listings.map(({ listed }) => listed!.since)),
        codes: !free && lastListed === "codes",
      });
    }
  }
  return out;
}

function listingsOf({ listings }: Standing) {
  return listings.filter(({ listed }) => listed !== undefined);
}
