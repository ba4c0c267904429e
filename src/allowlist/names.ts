import { domainToASCII, domainToUnicode } from "node:url";
import { getPublicSuffix } from "tldts";

/** Octets of a domain name as text (RFC 1035 section 2.3.4). */
const LONGEST_NAME = 253;
const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/** Where a list stands, and whose domain vouches for everybody at once. */
export type ListPlace = { zone: string; poolDomain: string };

/**
 * Why a domain can never stand in the list, in words; undefined when it can. A name that is no host name in A-label
 * form, that many share (a public suffix, RFC 9091 section 1.2), or that is the pool's or the list's own would say of
 * others' mail what was proved of none.
 */
export function unlistable(domain: string, { zone, poolDomain }: ListPlace): string | undefined {
  const labels = domain.split(".");
  if (domain.includes("*")) return "a wildcard would list every name below it";
  if (labels.length < 2 || !labels.every((label) => LABEL.test(label)))
    return "it is no domain name of two labels or more in lower-case A-label form";
  const unicode = domainToUnicode(domain);
  if (/(^|\.)xn--/.test(unicode) || domainToASCII(unicode) !== domain)
    return "its A-labels are not valid (RFC 5891)";
  if (/^\d+$/.test(labels.at(-1)!)) return "it is an address, not a domain";
  if (isBelow(domain, poolDomain)) return "it is the pool's own signing domain, which signs everybody's mail";
  if (isBelow(domain, zone)) return "it is a name of the list itself";
  if (getPublicSuffix(domain, { allowPrivateDomains: true }) === domain)
    return "it is a public suffix: many registrants share it";
  if (`${domain}._vouch.${zone}`.length > LONGEST_NAME) return "it is too long to stand below the zone";
  return undefined;
}

function isBelow(name: string, parent: string): boolean {
  return name === parent || name.endsWith(`.${parent}`);
}
