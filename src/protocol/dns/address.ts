import { isIP } from "node:net";

/**
 * Networks that no host on the internet answers from: IANA's special-purpose registries (RFC 6890), multicast, and
 * the IPv6 forms that carry an IPv4 address. The documentation networks (RFC 5737, RFC 3849) are among them.
 */
const SPECIAL: readonly (readonly [network: string, prefix: number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

/** 2000::/3 (RFC 4291 section 2.4, IANA). */
const GLOBAL_IPV6 = "001";
const SPECIAL_BITS = SPECIAL.map(([network, prefix]) => {
  const bits = bitsOf(network)!;
  return { length: bits.length, bits: bits.slice(0, prefix) };
});

/** An IPv4 address behind a NAT64 (RFC 6052), as a DNS64 gives it to hosts that have IPv6 only. */
const NAT64_BITS = bitsOf("64:ff9b::")!.slice(0, 96);

/** Whether an IPv4 or IPv6 address is one of the public internet. Text that is no address is not. */
export function isPublicAddress(address: string): boolean {
  const whole = bitsOf(address);
  const bits = whole?.length === 128 && whole.startsWith(NAT64_BITS) ? whole.slice(96) : whole;
  if (bits === undefined || (bits.length === 128 && !bits.startsWith(GLOBAL_IPV6))) return false;
  return !SPECIAL_BITS.some((start) => start.length === bits.length && bits.startsWith(start.bits));
}

/**
 * The address in an address literal: `[192.0.2.1]`, `[IPv6:2001:db8::1]` (RFC 5321 section 4.1.3); undefined for
 * what is none.
 */
export function literalAddress(domain: string): string | undefined {
  const [, six, four] = /^\[(?:IPv6:([0-9a-f:.]{2,45})|([0-9.]{7,15}))\]$/i.exec(domain) ?? [];
  if (six !== undefined) return isIP(six) === 6 ? six.toLowerCase() : undefined;
  return four !== undefined && isIP(four) === 4 ? four : undefined;
}

/** The name under which the DNS holds the PTR record of an address (RFC 1035 section 3.5, RFC 3596 section 2.5). */
export function reverseName(address: string): string | undefined {
  const family = isIP(address);
  if (family === 4) return `${address.split(".").toReversed().join(".")}.in-addr.arpa`;
  const groups = family === 6 ? groupsOf(address) : undefined;
  if (!groups) return undefined;
  const nibbles = groups.map((group) => group.toString(16).padStart(4, "0")).join("");
  return `${[...nibbles].toReversed().join(".")}.ip6.arpa`;
}

/** 32 or 128 characters 0 and 1; undefined for what is no address. */
function bitsOf(address: string): string | undefined {
  const family = isIP(address);
  const parts = family === 4 ? address.split(".").map(Number) : family === 6 ? groupsOf(address) : undefined;
  return parts?.map((part) => part.toString(2).padStart(family === 4 ? 8 : 16, "0")).join("");
}

function read(part: string): number[] {
  return part === "" ? [] : part.split(":").map((group) => parseInt(group, 16));
}

/** The eight groups of an IPv6 address; undefined for one with a zone. */
function groupsOf(address: string): number[] | undefined {
  if (address.includes("%")) return undefined;
  const hex = address.replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_, a: string, b: string, c: string, d: string) =>
      [(+a << 8) | +b, (+c << 8) | +d].map((n) => n.toString(16)).join(":"),
  );
  const [head = "", tail] = hex.split("::");
  const [front, back] = [read(head), read(tail ?? "")];
  return tail === undefined
    ? front
    : [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back];
}
