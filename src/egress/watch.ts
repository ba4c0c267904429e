import { isIP } from "node:net";
import { isPublicAddress, type Resolver } from "../protocol/dns/index.ts";
import { afterLook, askList, faultOfList, faultOfListing, shownList, type Said } from "./blocklist.ts";
import { askReverse, judgeReverse } from "./reverse.ts";
import type { EgressAddress, Listing, Reverse } from "./types.ts";

export type WatchOptions = {
  resolver: Resolver;
  /** Zones of blocklists. */
  blocklists: readonly string[];
  /** Look at private addresses too: in a sandbox, whose DNS knows them. */
  allowPrivate: boolean;
};

/** One look at one address, for the doctor. Undefined: it is no address that others could see. */
export async function judgeAddress(
  address: EgressAddress,
  options: WatchOptions,
  now: number,
): Promise<{ reverse: Reverse | undefined; listings: Listing[] } | undefined> {
  if (!canBeSeen(address, options)) return undefined;
  const watch = createWatch(options);
  const [reverse, listings] = await Promise.all([
    watch.reverse(address, now),
    watch.listings([address], () => [], now),
  ]);
  const shown = listings.get(address.address)!.map((one) => ({ ...one, list: shownList(one.list) }));
  return { reverse, listings: shown };
}

function canBeSeen(
  { address }: EgressAddress,
  { allowPrivate }: Pick<WatchOptions, "allowPrivate">,
): boolean {
  return isIP(address) !== 0 && (allowPrivate || isPublicAddress(address));
}

/** Looks from outside at addresses that mail leaves from; what comes of it is for others to decide. */
export function createWatch(options: WatchOptions) {
  const { resolver, blocklists } = options;

  async function lookAtList(list: string, addresses: readonly EgressAddress[]) {
    const families = [4, 6] as const;
    const perFamily = await Promise.all(
      families.map(async (family) => {
        const ours = addresses.filter(({ address }) => (isIP(address) === 6 ? 6 : 4) === family);
        return ours.length === 0 ? [] : lookAtFamily(list, family, ours);
      }),
    );
    return perFamily.flat();
  }

  async function lookAtFamily(list: string, family: 4 | 6, ours: readonly EgressAddress[]) {
    const fault = await faultOfList(resolver, list, family);
    const all = (said: Said) => ours.map(({ address }) => ({ address, list, said }));
    if (fault) return all(fault);
    const looks = await Promise.all(
      ours.map(async ({ address }) => ({ address, list, said: await askList(resolver, list, address) })),
    );
    if (!looks.some(({ said }) => said.state === "listed")) return looks;
    const doubt = await faultOfListing(resolver, list, family);
    return doubt ? all(doubt) : looks;
  }

  return {
    /** Each address's listings after one more look at each list; lists that are not watched any more are left out. */
    async listings(
      addresses: readonly EgressAddress[],
      before: (address: string) => readonly Listing[],
      now: number,
    ): Promise<Map<string, Listing[]>> {
      const seen = addresses.filter((one) => canBeSeen(one, options));
      const looks = (await Promise.all(blocklists.map((list) => lookAtList(list, seen)))).flat();
      const found = new Map<string, Listing[]>(addresses.map(({ address }) => [address, []]));
      for (const { address, list, said } of looks) {
        const known = before(address).find((one) => one.list === list);
        found.get(address)!.push(afterLook(known, said, { list, now }));
      }
      return found;
    },
    /** Undefined: it could not be seen, and what was known stays. */
    async reverse(address: EgressAddress, now: number): Promise<Reverse | undefined> {
      if (!canBeSeen(address, options)) return undefined;
      return judgeReverse(address, await askReverse(resolver, address), now);
    },
  };
}
