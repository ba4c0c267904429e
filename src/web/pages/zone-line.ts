import type { DnsRecord } from "../view.ts";

/** One line of a zone file; text is quoted, in strings of 255 octets at most (RFC 1035, 3.3.14). */
export function zoneLine({ name, type, value }: DnsRecord): string {
  const strings = value.match(/[^]{1,255}/g) ?? [""];
  const data = type === "TXT" && !value.startsWith('"') ? strings.map(quoted).join(" ") : value;
  return `${name.replace(/\.?$/, ".")} ${type} ${data}`;
}

/** A character string of a zone file: `"`, `\\` and control characters escaped (RFC 1035, 5.1). */
function quoted(text: string): string {
  const escaped = text
    .replace(/["\\]/g, "\\$&")
    .replace(/\p{Cc}/gu, (c) => `\\${String(c.charCodeAt(0)).padStart(3, "0")}`);
  return `"${escaped}"`;
}
