import { canonicalName } from "../../platform/dns/index.ts";
import type { Database, Migration } from "../../platform/database.ts";
import type { Zones } from "../dns.ts";
import { KEPT_TYPES, lineOf, parseZoneLines, type KeptRecord, type ZoneFault } from "./zone-lines.ts";

export const dnsHostMigration: Migration = {
  module: "devnet_dns_host",
  steps: [
    `CREATE TABLE hosted_zone (name TEXT PRIMARY KEY, failing INTEGER NOT NULL DEFAULT 0) STRICT;
     CREATE TABLE hosted_record (
       zone TEXT NOT NULL,
       line TEXT NOT NULL,
       PRIMARY KEY (zone, line)
     ) STRICT, WITHOUT ROWID`,
  ],
};

export type HostedZone = { name: string; records: string[]; failing: boolean };

export type Changed = { ok: true } | { ok: false; faults: ZoneFault[] };

/** Where the owners of domains of the sandbox keep their records. What they write is in the DNS at once, and kept. */
export interface DnsHost {
  /** A zone that is there already stays as it is; `records` are those of a new one, as lines. */
  addZone(name: string, records?: string): void;
  /** A zone of whoever asks for it, directly below `test`; why not, in words. */
  register(name: string): { ok: true; zone: string } | { ok: false; why: string };
  zones(): HostedZone[];
  zone(name: string): HostedZone | undefined;
  /** All of the records or none of them; one that is there is no fault. */
  add(zone: string, records: readonly KeptRecord[]): Changed;
  /** By its line; what is not there is no fault. */
  remove(zone: string, line: string): void;
  /** While failing, nothing in the zone is answered (SERVFAIL). */
  fail(zone: string, failing: boolean): void;
}

const MOST_ZONES = 50;
const MOST_RECORDS = 200;

export function createDnsHost(options: { db: Database; zones: Zones }): DnsHost {
  const { db, zones } = options;

  const linesOf = (zone: string) =>
    db
      .all<{ line: string }>("SELECT line FROM hosted_record WHERE zone = ? ORDER BY line", zone)
      .map(({ line }) => line);

  function recordsOf(zone: string): KeptRecord[] {
    const read = parseZoneLines(linesOf(zone).join("\n"), zone);
    if (!read.ok) throw new Error(`${zone}: a line that was kept is none`);
    return read.records;
  }

  /** Makes the DNS say at `name` what is kept there, and nothing else. */
  function publish(zone: string, name: string): void {
    const here = recordsOf(zone).filter((record) => record.name === name);
    const types = KEPT_TYPES.toSorted((a, b) => count(here, a) - count(here, b));
    for (const type of types) {
      const data = here.flatMap((record) => (record.type === type ? [record.data] : []));
      zones.set(name, type, ...(data as never[]));
    }
  }

  function insert(zone: string, records: readonly KeptRecord[]): void {
    for (const record of records) {
      db.run("INSERT OR IGNORE INTO hosted_record (zone, line) VALUES (?, ?)", zone, lineOf(record));
    }
  }

  function addZone(name: string, text = ""): void {
    const { changes } = db.run("INSERT OR IGNORE INTO hosted_zone (name) VALUES (?)", name);
    if (changes === 0) return;
    const read = parseZoneLines(text, name);
    if (!read.ok) throw new Error(`${name}: ${read.faults.map(({ why }) => why).join("; ")}`);
    insert(name, read.records);
    show(name);
  }

  function show(zone: string): void {
    zones.addZone(zone);
    for (const name of new Set(recordsOf(zone).map((record) => record.name))) publish(zone, name);
  }

  const rows = () => db.all<{ name: string; failing: number }>("SELECT * FROM hosted_zone ORDER BY name");
  const hosted = ({ name, failing }: { name: string; failing: number }): HostedZone => ({
    name,
    records: linesOf(name),
    failing: failing === 1,
  });

  for (const { name, failing } of rows()) {
    show(name);
    zones.fail(name, failing === 1);
  }

  return {
    addZone,
    register(text) {
      const name = canonicalName(text.trim());
      if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.test$/.test(name)) {
        return { ok: false, why: "A domain here is one word of letters, digits and hyphens, and .test" };
      }
      if (zones.list(name).length > 0) return { ok: false, why: `${name} is taken` };
      if (rows().length >= MOST_ZONES) return { ok: false, why: `There are ${MOST_ZONES} zones already` };
      addZone(name);
      return { ok: true, zone: name };
    },
    zones: () => rows().map(hosted),
    zone: (name) =>
      rows()
        .filter((row) => row.name === name)
        .map(hosted)[0],
    add(zone, records) {
      const kept = linesOf(zone);
      if (new Set([...kept, ...records.map(lineOf)]).size > MOST_RECORDS) {
        return { ok: false, faults: [{ line: 0, why: `a zone here has ${MOST_RECORDS} records at most` }] };
      }
      const faults = records.flatMap((record, i) => {
        const { name } = record;
        const there = zones.list(name).filter((one) => one.name === name && one.type !== record.type);
        const beside = records.filter((one) => one.name === name && lineOf(one) !== lineOf(record));
        const types = [record, ...there, ...beside].map(({ type }) => type);
        const second = record.type === "CNAME" && kept.some((line) => isOtherAlias(line, record));
        return second || (types.length > 1 && types.includes("CNAME"))
          ? [{ line: i + 1, why: `${name}: a CNAME stands alone at its name (RFC 1034 section 3.6.2)` }]
          : [];
      });
      if (faults.length > 0) return { ok: false, faults };
      db.transaction(() => insert(zone, records));
      for (const name of new Set(records.map((record) => record.name))) publish(zone, name);
      return { ok: true };
    },
    remove(zone, line) {
      const gone = recordsOf(zone).find((record) => lineOf(record) === line);
      if (!gone) return;
      db.run("DELETE FROM hosted_record WHERE zone = ? AND line = ?", zone, line);
      publish(zone, gone.name);
    },
    fail(zone, failing) {
      db.run("UPDATE hosted_zone SET failing = ? WHERE name = ?", failing ? 1 : 0, zone);
      zones.fail(zone, failing);
    },
  };
}

function isOtherAlias(line: string, record: KeptRecord): boolean {
  return line.startsWith(`${record.name}. CNAME `) && line !== lineOf(record);
}

function count(records: readonly KeptRecord[], type: string): number {
  return records.filter((record) => record.type === type).length;
}
