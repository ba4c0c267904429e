import type { DomainPolicy, MemberPolicy } from "./types.ts";

/** The entry of `names` that `name` is, or is a subdomain of; the longest one. */
export function coveringDomain(names: readonly string[], name: string): string | undefined {
  const lower = name.toLowerCase();
  return names
    .filter((entry) => lower === entry || lower.endsWith("." + entry))
    .sort((a, b) => b.length - a.length)[0];
}

/**
 * The most specific domain of the member that `name` is, or is a subdomain of. A subdomain that is a domain of its own
 * has its own keys, checks and credentials: those of its parent do not reach into it.
 */
export function domainOf(member: Pick<MemberPolicy, "domains">, name: string): DomainPolicy | undefined {
  const covering = coveringDomain(
    member.domains.map((d) => d.name),
    name,
  );
  return member.domains.find((d) => d.name === covering);
}
