import { isAddressKey } from "../store.ts";
import type { ZoneEntry } from "./names.ts";

/** What rspamd and others fetch over HTTPS: one name or address a line. Comments begin with `#`. */
export const MAPS = ["dkim-domains.map", "addresses.map"] as const;
export type MapName = (typeof MAPS)[number];

export function mapHead(name: MapName, zone: string, serial: number): string {
  const what =
    name === "dkim-domains.map"
      ? "domains whose valid, aligned DKIM signature vouches for a mail"
      : "addresses by which mail of members leaves; each vouches for everybody behind it";
  return `# ${zone}, serial ${serial}: ${what}\n`;
}

/** The line of an entry; empty where it does not stand in this map. */
export function mapLine(name: MapName, { key }: ZoneEntry): string {
  if (name === "addresses.map") return isAddressKey(key) ? `${key.slice(1, -1)}\n` : "";
  return isAddressKey(key) ? "" : `${key}\n`;
}
