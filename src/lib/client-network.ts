import { isIPv6 } from "node:net";

/**
 * What counts as one client for rate limits: an IPv4 address (also when it is mapped into IPv6), or the first 64 bits of
 * an IPv6 address, all of which one subscriber has (RFC 6177). What is no address is itself.
 */
export function clientNetwork(address: string): string {
  const plain = address.replace(/%.*$/, "").toLowerCase();
  if (!isIPv6(plain)) return address;
  // Canonical: at most one `::`, no leading zeros, and hexadecimal groups only.
  const canonical = new URL(`http://[${plain}]`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const left = groupsOf(head);
  const right = groupsOf(tail ?? "");
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right];
  if (groups.slice(0, 6).join(":") === "0:0:0:0:0:ffff") return mapped(groups[6]!, groups[7]!);
  return `${groups.slice(0, 4).join(":")}::/64`;
}

function groupsOf(part: string): string[] {
  return part === "" ? [] : part.split(":");
}

function mapped(...groups: string[]): string {
  return groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]).join(".");
}
