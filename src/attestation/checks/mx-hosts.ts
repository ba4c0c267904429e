import { isPublicAddress, type DnsAnswer, type Resolver } from "../../protocol/dns/index.ts";
import { normalizeHost } from "../domain.ts";

const MAX_HOSTS = 20;

/** Hosts that receive mail for a domain, best first, without a null MX; or the answer that hides them. */
export async function mxHosts(
  domain: string,
  resolver: Resolver,
): Promise<{ answer: DnsAnswer<"MX">; isNull: boolean; hosts: string[] }> {
  const answer = await resolver.resolve(domain, "MX");
  const records =
    answer.status === "ok" ? answer.records.toSorted((a, b) => a.preference - b.preference) : [];
  const names = [...new Set(records.map((record) => normalizeHost(record.exchange)))];
  return {
    answer,
    isNull: names.includes(""),
    hosts: names.filter((name) => name !== "").slice(0, MAX_HOSTS),
  };
}

export type Addresses =
  | { status: "some"; addresses: string[]; authentic: boolean }
  | { status: "none"; nxdomain: boolean }
  | Extract<DnsAnswer<"A">, { status: "temperror" }>;

/** The addresses of a host; those that are there even when one family gives no answer. */
export async function addressesOf(host: string, resolver: Resolver): Promise<Addresses> {
  const answers = await Promise.all([resolver.resolve(host, "A"), resolver.resolve(host, "AAAA")]);
  const found = answers.flatMap((a) => (a.status === "ok" ? [a] : []));
  const addresses = found.flatMap((a) => a.records.map((record) => record.address));
  if (addresses.length > 0) return { status: "some", addresses, authentic: found.every((a) => a.authentic) };
  const silent = answers.find((a) => a.status === "temperror");
  return silent ?? { status: "none", nxdomain: answers.some((a) => a.status === "nxdomain") };
}

/** Those that no host on the internet can reach. */
export function privateOf(addresses: readonly string[]): string[] {
  return addresses.filter((address) => !isPublicAddress(address));
}
