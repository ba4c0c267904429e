import type { Snapshot } from "./snapshot.ts";

/** Lifetimes in seconds: a revocation is no faster than these. */
const TTL = 300;
const NEGATIVE_TTL = 300;

export type ZoneRecord = { name: string; ttl: number; type: "SOA" | "NS" | "A" | "TXT"; data: string };

/** The zone's records. Below `dwl`: DKIM domains, RFC 5782; below `_vouch`: RFC 5518; `test` is there, `invalid` never. */
export function zoneRecords(snapshot: Snapshot, nameServer: string): ZoneRecord[] {
  const { zone, serial } = snapshot;
  const records: ZoneRecord[] = [
    {
      name: zone,
      ttl: TTL,
      type: "SOA",
      data: `${nameServer}. hostmaster.${zone}. ${serial} 3600 600 604800 ${NEGATIVE_TTL}`,
    },
    { name: zone, ttl: TTL, type: "NS", data: `${nameServer}.` },
    { name: `test.dwl.${zone}`, ttl: TTL, type: "A", data: "127.0.0.2" },
    { name: `test.dwl.${zone}`, ttl: TTL, type: "TXT", data: quoted("test entry (RFC 5782)") },
  ];
  for (const { domain, code, uri, labels } of snapshot.entries) {
    records.push({ name: `${domain}.dwl.${zone}`, ttl: TTL, type: "A", data: code });
    records.push({
      name: `${domain}.dwl.${zone}`,
      ttl: TTL,
      type: "TXT",
      data: quoted(`${labels.join(" ")} ${uri}`),
    });
    records.push({ name: `${domain}._vouch.${zone}`, ttl: TTL, type: "TXT", data: quoted("transaction") });
  }
  return records;
}

/** RFC 1035 section 5 text, one record a line, absolute names: any name server reads it. */
export function writeZoneFile(records: readonly ZoneRecord[]): string {
  return `${records.map((r) => `${r.name}. ${r.ttl} IN ${r.type} ${r.data}`).join("\n")}\n`;
}

/** Reads back what `writeZoneFile` wrote, and nothing else. Undefined where a line is not of that form. */
export function readZoneFile(text: string): ZoneRecord[] | undefined {
  const records: ZoneRecord[] = [];
  if (!text.endsWith("\n")) return undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const match = /^([a-z0-9._-]{1,254})\. (\d{1,9}) IN (SOA|NS|A|TXT) (.+)$/.exec(line);
    if (!match) return undefined;
    records.push({
      name: match[1]!,
      ttl: Number(match[2]),
      type: match[3] as ZoneRecord["type"],
      data: match[4]!,
    });
  }
  return records;
}

/** What a zone must show before it may replace another. Names the first fault. */
export function zoneFault(records: readonly ZoneRecord[] | undefined, zone: string): string | undefined {
  if (!records) return "a line of the zone file cannot be read back";
  if (records[0]?.type !== "SOA" || records[0].name !== zone) return "the zone does not begin with its SOA";
  if (!records.some((r) => r.type === "NS" && r.name === zone)) return "the zone has no NS";
  const at = (name: string) => records.filter((r) => r.type === "A" && r.name === name).map((r) => r.data);
  if (at(`test.dwl.${zone}`)[0] !== "127.0.0.2") return "the test entry is missing";
  if (at(`invalid.dwl.${zone}`).length > 0) return "`invalid` is listed, which RFC 5782 forbids";
  for (const record of records) {
    if (record.name !== zone && !record.name.endsWith(`.${zone}`))
      return `${record.name} is outside the zone`;
    if (record.name.includes("*")) return `${record.name} is a wildcard`;
    if (record.type === "A" && !/^127\.0\.(0\.2|6\.[12])$/.test(record.data))
      return `${record.name} has the code ${record.data}`;
  }
  return undefined;
}

function quoted(text: string): string {
  const safe = text.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "\\$&");
  return (safe.match(/(?:\\.|[^\\]){1,250}/g) ?? [""]).map((part) => `"${part}"`).join(" ");
}

export function unquote(data: string): string {
  return [...data.matchAll(/"((?:\\.|[^"\\])*)"/g)].map((m) => m[1]!.replace(/\\(.)/g, "$1")).join("");
}
