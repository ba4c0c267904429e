import type { AskAuthority } from "../member/index.ts";
import { createResolver } from "../platform/dns/index.ts";
import { isPublicAddress, type Resolver } from "../protocol/dns/index.ts";

const MOST_SERVERS = 2;

/**
 * Asks a zone's own servers, which have what was published at once; null where they cannot be found. Only servers at public
 * addresses are asked, whatever a zone says of its own.
 */
export function createAuthority(resolver: Resolver): AskAuthority {
  return async (name, type) => {
    const hosts = await serversOf(name);
    const addresses: string[] = [];
    for (const host of hosts) {
      const answer = await resolver.resolve(host, "A");
      if (answer.status !== "ok") continue;
      addresses.push(
        ...answer.records.map(({ address }) => address).filter((address) => isPublicAddress(address)),
      );
      if (addresses.length >= MOST_SERVERS) break;
    }
    if (addresses.length === 0) return null;
    const servers = addresses.slice(0, MOST_SERVERS).map((address) => `${address}:53`);
    return createResolver({ servers }).resolve(name, type);
  };

  /** Of the nearest zone above the name that is a delegated one. */
  async function serversOf(name: string): Promise<string[]> {
    const labels = name.split(".");
    for (let i = 1; i < labels.length - 1; i++) {
      const answer = await resolver.resolve(labels.slice(i).join("."), "NS");
      if (answer.status === "ok") return answer.records.map(({ target }) => target).slice(0, MOST_SERVERS);
      if (answer.status === "temperror") return [];
    }
    return [];
  }
}
