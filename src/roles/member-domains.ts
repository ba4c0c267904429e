import type { MemberDomain } from "../web/index.ts";
import type { DeskDomain } from "./member-desk.ts";

/** A domain of a member with what is to be published, its keys, and what the last check found. */
export type ListedDomain = MemberDomain & Pick<DeskDomain, "addedAt" | "records" | "keys">;

/** Joins what the desk has of each domain with what was found of it. */
export function listedDomains(
  domains: readonly DeskDomain[],
  found: readonly MemberDomain[],
): ListedDomain[] {
  const byName = new Map(found.map((one) => [one.name, one]));
  return domains.flatMap(({ domain, addedAt, records, keys }) => {
    const known = byName.get(domain);
    return known ? [{ ...known, addedAt, records, keys }] : [];
  });
}
