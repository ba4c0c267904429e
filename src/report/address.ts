import { isIP } from "node:net";

/** One way to write an address: reporters write those of IPv6 in many. Empty for what is none. */
export function canonicalAddress(text: string): string {
  const address = text.trim().replace(/^\[|\]$/g, "");
  const family = isIP(address);
  if (family === 4) return address;
  if (family === 0 || address.includes("%")) return "";
  const written = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(written) ?? [];
  if (high === undefined || low === undefined) return written;
  const [a, b] = [parseInt(high, 16), parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join(".");
}
