export type TxtRecord = { name: string; text: string };

const TEXT = "v=DMARC1";

/**
 * The records by which the pool takes DMARC reports about members' domains (RFC 9990 section 4): without them reporters do not
 * follow a `rua` that leads to another organisation. A domain within the pool's needs none. Each once, in order.
 */
export function authorisationRecords(domains: Iterable<string>, poolDomain: string): TxtRecord[] {
  const pool = plain(poolDomain);
  const foreign = [...new Set([...domains].map(plain))].filter(
    (domain) => domain !== "" && domain !== pool && !domain.endsWith(`.${pool}`),
  );
  return foreign.toSorted().map((domain) => ({ name: `${domain}._report._dmarc.${pool}`, text: TEXT }));
}

/** One record for all domains. It also lets strangers have their reports sent here, which are then counted for nobody. */
export function authorisationOfAll(poolDomain: string): TxtRecord {
  return { name: `*._report._dmarc.${plain(poolDomain)}`, text: TEXT };
}

const plain = (domain: string) => domain.trim().toLowerCase().replace(/\.$/, "");
