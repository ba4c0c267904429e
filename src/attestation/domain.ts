import { domainToASCII } from "node:url";

const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/**
 * A mail domain in lower-case A-label form without a final dot, or undefined when `name` cannot be one: at least two
 * labels of letters, digits and hyphens, at most 253 octets (RFC 1035, RFC 5890), not an address.
 */
export function normalizeDomain(name: string): string | undefined {
  if (name.length > 1000) return undefined;
  const ascii = domainToASCII(name.trim().replace(/\.$/, "")).toLowerCase();
  const labels = ascii.split(".");
  if (ascii.length > 253 || labels.length < 2 || !labels.every((label) => LABEL.test(label)))
    return undefined;
  return /^\d+$/.test(labels.at(-1)!) ? undefined : ascii;
}

/** A host name as records and the DNS may write it: lower case, A-labels, no final dot. */
export function normalizeHost(name: string): string {
  const trimmed = name.trim().replace(/\.$/, "");
  return (domainToASCII(trimmed) || trimmed).toLowerCase();
}
