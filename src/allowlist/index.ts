import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Clock } from "../lib/clock.ts";
import type { DnsQuestion, DnsReply } from "../platform/dns/index.ts";
import type { Logger } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import { answerFrom } from "./answers.ts";
import { entriesFor, type AttestedRecord, type Entry, type LabelInForce } from "./entries.ts";
import { guardShrink, makeSnapshot, nextSerial, sameEntries, type Snapshot } from "./snapshot.ts";
import { readZoneFile, writeZoneFile, zoneFault, zoneRecords, type ZoneRecord } from "./zone-file.ts";

export type { AttestedRecord, Entry, LabelInForce } from "./entries.ts";
export type { Snapshot } from "./snapshot.ts";

export type PublishOutcome =
  | { outcome: "published"; snapshot: Snapshot }
  | { outcome: "unchanged"; snapshot: Snapshot }
  /** The last good list stays. */
  | { outcome: "refused"; why: string };

export type AllowlistOptions = {
  zone: string;
  /** Name in SOA and NS. */
  nameServer: string;
  poolDomain: string;
  /** Holds `snapshot.json` and `<zone>.zone`. */
  dir: string;
  source: {
    labels(): LabelInForce[];
    records(): AttestedRecord[];
    /** Whether a label that carried the entry was negated: such entries may go in any number. */
    wasNegated(entry: Entry): boolean;
  };
  clock: Clock;
  log: Logger;
  metrics: Metrics;
};

export type Allowlist = ReturnType<typeof createAllowlist>;

/**
 * Publishes the allowlist: entries -> snapshot -> zone file, written aside, synced, read back, validated, renamed.
 * Whatever fails on the way, the last good list goes on being served, also after a restart.
 */
export function createAllowlist(options: AllowlistOptions) {
  const { zone, dir, source, clock, log, metrics } = options;
  const snapshotPath = join(dir, "snapshot.json");
  const zonePath = join(dir, `${zone}.zone`);
  mkdirSync(dir, { recursive: true });

  let current = load(snapshotPath, zonePath, zone, log);
  let answer = answerFrom(current?.records ?? [], zone);

  function publish(): PublishOutcome {
    const wanted = entriesFor(source.labels(), source.records(), { zone, poolDomain: options.poolDomain });
    const before = current?.snapshot;
    const guard = guardShrink(before?.entries ?? [], wanted, (entry) => source.wasNegated(entry));
    if (!guard.ok)
      log.error({ why: guard.why }, "the allowlist keeps entries that lapsed without a negation");
    const entries = guard.ok ? wanted : guard.entries;
    if (current && sameEntries(current.snapshot.entries, entries)) {
      return guard.ok
        ? { outcome: "unchanged", snapshot: current.snapshot }
        : { outcome: "refused", why: guard.why };
    }
    const now = clock.now();
    const snapshot = makeSnapshot(
      zone,
      nextSerial(before?.serial ?? 0, now),
      new Date(now).toISOString(),
      entries,
    );
    const text = writeZoneFile(zoneRecords(snapshot, options.nameServer));
    writeAside(zonePath, text);
    const records = readZoneFile(readFileSync(`${zonePath}.new`, "utf8"));
    const fault = zoneFault(records, zone);
    if (fault || !records) {
      log.error({ fault }, "allowlist not published: the new zone is faulty");
      return { outcome: "refused", why: fault ?? "unreadable" };
    }
    writeAside(snapshotPath, `${JSON.stringify(snapshot, null, 1)}\n`);
    renameSync(`${zonePath}.new`, zonePath);
    renameSync(`${snapshotPath}.new`, snapshotPath);
    syncDirectory(dir);
    current = { snapshot, records };
    answer = answerFrom(records, zone);
    metrics.zoneEntries.set(entries.length);
    metrics.zonePublished.set(now / 1000);
    log.info({ serial: snapshot.serial, entries: entries.length, id: snapshot.id }, "allowlist published");
    return { outcome: "published", snapshot };
  }

  return {
    publish,
    snapshot: () => current?.snapshot,
    /** For the embedded name server. Until there is a list, the zone says SERVFAIL rather than "not listed". */
    answer: (question: DnsQuestion): DnsReply =>
      current ? answer(question) : { status: "servfail", answers: [], authoritative: false },
  };
}

function load(snapshotPath: string, zonePath: string, zone: string, log: Logger) {
  try {
    const snapshot = JSON.parse(readFileSync(snapshotPath, "utf8")) as Snapshot;
    const records: ZoneRecord[] | undefined = readZoneFile(readFileSync(zonePath, "utf8"));
    const fault = zoneFault(records, zone);
    if (fault || !records) throw new Error(fault);
    return { snapshot, records };
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== "ENOENT")
      log.error({ err }, "the last allowlist cannot be read; it is made anew");
    return undefined;
  }
}

function writeAside(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(`${path}.new`, "w", 0o644);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncDirectory(dir: string): void {
  const handle = openSync(dir, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
