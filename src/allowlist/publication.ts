import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Keypair } from "@atproto/crypto";
import type { Clock } from "../lib/clock.ts";
import type { DnsQuestion, DnsReply } from "../platform/dns/index.ts";
import type { Logger } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import { replaceAll } from "./files.ts";
import { guardGrowth, guardShrink, LONGEST_HOLD_MS } from "./guard.ts";
import type { List } from "./list.ts";
import {
  draftSnapshot,
  keepSnapshot,
  readTail,
  type SnapshotFile,
  type SnapshotSource,
} from "./snapshot-file.ts";
import type { AllowlistStore } from "./store.ts";
import { answerFrom } from "./zone/answers.ts";
import type { ZoneCheck } from "./zone/checkers.ts";
import { draftZone, loadZone, writeRbldnsd, zonePaths, type ZoneSource } from "./zone/files.ts";
import type { ZoneHead } from "./zone/names.ts";
import { testOnly, type ZoneTable } from "./zone/table.ts";
import { wireAnswers } from "./zone/wire-answers.ts";

export type PublicationOptions = {
  store: AllowlistStore;
  list: List;
  zone: string;
  /** The first is named in the SOA. */
  nameServers: readonly string[];
  /** Where the files are written. */
  dir: string;
  /** Signs snapshots. */
  keypair: Keypair;
  /** Where the newest snapshot is to be had. */
  snapshotUrl: string;
  /** What must be content with a zone before it replaces another. */
  checks: readonly ZoneCheck[];
  clock: Clock;
  log: Logger;
  metrics?: Metrics | undefined;
};

export type PublishOutcome =
  | { outcome: "published"; serial: number; entries: number }
  | { outcome: "unchanged"; serial: number }
  /** Some or all of it: what was good before stays. */
  | { outcome: "refused"; why: string };

type Served = {
  table: ZoneTable;
  isEmptied: boolean;
  answer: (question: DnsQuestion) => DnsReply;
  wire: (query: Buffer) => Buffer | undefined;
};

export type Publication = Awaited<ReturnType<typeof openPublication>>;

/** The last good list is served for so long when nothing newer can be published; then test entries only. */
const GOOD_FOR_MS = 24 * 3_600_000;
/** Labels that were only said again are published no more often than this. */
const RENEWALS_EVERY_MS = 10 * 60_000;
/** rbldnsd's file carries the time at which it ends, and is written anew long before. */
const RBLDNSD_EVERY_MS = 3_600_000;
const NOTE_EVERY_MS = 60_000;
/** Changes that are taken over in one turn. */
const PAGE = 1_000;
const HISTORY_MS = 366 * 24 * 3_600_000;

/** The serial after `last`: seconds since 1970, one more when the clock stands still or goes back (RFC 1982 order). */
function nextSerial(last: number, nowMs: number): number {
  return Math.max(last + 1, Math.floor(nowMs / 1000));
}

/**
 * Publishes the list: changes -> guard -> snapshot and zones, written aside, synced, read back, checked, renamed.
 * Whatever fails on the way, the last good list goes on being served, also after a restart, for a day.
 */
export async function openPublication(options: PublicationOptions) {
  const { store, list, zone, dir, keypair, checks, clock, log, metrics } = options;
  const paths = zonePaths(dir, zone);
  const snapshotPath = join(dir, "snapshot.json");
  await mkdir(dir, { recursive: true });

  let table: ZoneTable | undefined = await loadZone(paths, zone, store.countListed(), log);
  let snapshot: SnapshotFile | undefined = await readTail(snapshotPath);
  let goodAt = store.publication().goodAt;
  let rbldnsdAt = 0;
  let served: Served | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const headOf = (serial: number): ZoneHead => ({
    zone,
    nameServers: options.nameServers,
    serial,
    key: keypair.did(),
    snapshotUrl: options.snapshotUrl,
  });
  const listed: ZoneSource & SnapshotSource = {
    count: () => store.countListed(),
    addresses: () => store.listedAddresses(),
    linesAfter: (after, limit) => store.linesAfter(after, limit),
    entriesAfter: (after, limit) => store.entriesAfter(after, limit),
  };
  const nothing: ZoneSource = { count: () => 0, addresses: () => [], linesAfter: () => [] };

  function isGood(now: number): void {
    goodAt = now;
    const noted = store.publication();
    if (now - noted.goodAt >= NOTE_EVERY_MS) store.putPublication({ ...noted, goodAt: now });
  }

  /** Holds what guards do not let pass. Returns why; undefined when all may pass. */
  function guard(now: number): string | undefined {
    return store.transaction(() => {
      const listed = store.countListed();
      const dayAgo = now - LONGEST_HOLD_MS;
      const shrinks = guardShrink(store.countLapsed(dayAgo), listed);
      // What is there before the first list was ever published is what it begins with.
      if (store.publication().serial === 0) store.release(now);
      const { room, next, why: grows } = guardGrowth(store.countAdditions(), store.growth(), listed, now);
      store.putGrowth(next);
      store.hold({
        lapsedAfter: shrinks === undefined ? null : dayAgo,
        additionsBeyond: grows === undefined ? null : room,
      });
      return [shrinks, grows].filter((why) => why !== undefined).join("; ") || undefined;
    });
  }

  /** Takes the changes into the list, some at a time. Returns which files are behind it now. */
  async function accept(now: number): Promise<{ zone: boolean; snapshot: boolean }> {
    const before = store.publication();
    const isFirst = before.serial === 0;
    const shows = isFirst || store.shows();
    const serial = nextSerial(before.serial, now);
    // In the transaction of the changes: after a crash the files are seen to be behind.
    const note = () => {
      const zoneSerial = shows ? serial : before.zoneSerial;
      store.putPublication({ ...store.publication(), serial, issuedAt: now, zoneSerial });
    };
    if (isFirst) note();
    // Labels that were said again go with whatever else is published, or alone now and then.
    if (shows || now - before.issuedAt >= RENEWALS_EVERY_MS) {
      const page = (after: string) => () => {
        const last = store.acceptAfter(after, PAGE, serial, now);
        if (last !== undefined) note();
        return last;
      };
      for (let after: string | undefined = ""; after !== undefined;) {
        after = store.transaction(page(after));
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    store.forgetHistory(now - HISTORY_MS);
    const published = store.publication();
    return {
      zone: table?.serial !== published.zoneSerial || table.key !== keypair.did(),
      snapshot: snapshot?.head.serial !== published.serial || snapshot.head.key !== keypair.did(),
    };
  }

  async function write(behind: { zone: boolean; snapshot: boolean }, now: number): Promise<void> {
    const { serial, issuedAt, zoneSerial } = store.publication();
    const order = { paths, head: headOf(zoneSerial), source: listed, checks, now };
    const head = { zone, serial, issuedAt: new Date(issuedAt).toISOString(), key: keypair.did() };
    // One waits for the disk while the other works. Both must have ended before anything is written again.
    const [newZone, newSnapshot] = await Promise.allSettled([
      behind.zone ? draftZone(order) : undefined,
      behind.snapshot ? draftSnapshot(snapshotPath, head, listed, keypair) : undefined,
    ]);
    if (newZone.status === "rejected") throw newZone.reason;
    if (newZone.value) {
      await replaceAll(dir, newZone.value.written);
      table = newZone.value.table;
      rbldnsdAt = now;
    } else if (now - rbldnsdAt >= RBLDNSD_EVERY_MS) {
      await writeRbldnsd(order);
      rbldnsdAt = now;
    }
    if (newSnapshot.status === "rejected") throw newSnapshot.reason;
    if (newSnapshot.value) {
      await replaceAll(dir, [snapshotPath]);
      snapshot = newSnapshot.value;
      await keepSnapshot(dir, snapshot);
    }
  }

  /** Nothing could be published for a day: test entries only, in the files too where they can be written. */
  async function empty(now: number): Promise<void> {
    if (!table || table.domains.size <= 1) return;
    const before = store.publication();
    const serial = nextSerial(before.serial, now);
    store.putPublication({ ...before, serial, zoneSerial: serial });
    const order = { paths, head: headOf(serial), source: nothing, checks: [], now };
    const { table: emptied, written } = await draftZone(order);
    await replaceAll(dir, written);
    // Of no serial that is ever published, so that the list is written anew as soon as it can be.
    table = { ...emptied, serial: 0 };
    log.error("nothing could be published for a day: the list has test entries only until it can");
  }

  async function publishNow(): Promise<PublishOutcome> {
    const now = clock.now();
    try {
      while (!list.settle()) await new Promise((resolve) => setImmediate(resolve));
      const held = guard(now);
      if (held !== undefined) log.error({ why: held }, "some changes of the allowlist are held up");
      const behind = await accept(now);
      await write(behind, now);
      isGood(now);
      metrics?.zoneEntries.set(store.countListed());
      metrics?.zonePublished.set(now / 1000);
      const { serial } = store.publication();
      if (held !== undefined) return { outcome: "refused", why: held };
      if (!behind.zone && !behind.snapshot) return { outcome: "unchanged", serial };
      const entries = store.countListed();
      log.info({ serial, entries, id: snapshot?.tail.id }, "allowlist published");
      return { outcome: "published", serial, entries };
    } catch (err) {
      const why = err instanceof Error ? err.message : String(err);
      log.error({ err }, "the allowlist could not be published; the last good one stays for a day");
      if (now - goodAt > GOOD_FOR_MS)
        await empty(now).catch((error: unknown) => log.error({ err: error }, "nor could an empty one"));
      return { outcome: "refused", why };
    }
  }

  /** What is served now: the last good zone, or after a day without one its test entries. */
  function serving() {
    if (!table) return undefined;
    const isEmptied = clock.now() - goodAt > GOOD_FOR_MS;
    if (served?.table !== table || served.isEmptied !== isEmptied) {
      const shown = isEmptied ? testOnly(table) : table;
      served = { table, isEmptied, answer: answerFrom(shown), wire: wireAnswers(shown) };
    }
    return served;
  }

  return {
    /** One at a time. Never rejects. */
    publish(): Promise<PublishOutcome> {
      const next = last.then(publishNow);
      last = next;
      return next;
    },
    /** New entries that the guard holds back. */
    waiting: (): number => store.countWaiting(),
    /** All new entries that wait now may come: a person has looked at them. */
    release: (): void => store.release(clock.now()),
    /** For the embedded name server. Until there is a list, the zone says SERVFAIL rather than "not listed". */
    answer: (question: DnsQuestion): DnsReply =>
      serving()?.answer(question) ?? { status: "servfail", answers: [], authoritative: false },
    /** The same for the questions that nearly all are, from octets to octets. */
    answerWire: (query: Buffer): Buffer | undefined => serving()?.wire(query),
    /** The newest snapshot as it is on the disk; undefined before there is one. */
    snapshot: (): SnapshotFile | undefined => snapshot,
    /** Where the files are: snapshot, zones, maps. */
    dir,
    /** When the list was last known to say what is true, ms since the epoch; 0 for never. */
    goodAt: (): number => goodAt,
    close: async () => void (await last),
  };
}
