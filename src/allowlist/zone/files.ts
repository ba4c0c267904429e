import { join } from "node:path";
import type { Logger } from "../../platform/log.ts";
import { openDraft, outdate, readLines, replaceAll, type Draft } from "../files.ts";
import { isAddressKey } from "../store.ts";
import type { ZoneCheck } from "./checkers.ts";
import { MAPS, mapHead, mapLine } from "./maps.ts";
import type { ZoneEntry, ZoneHead } from "./names.ts";
import { rbldnsdHead, rbldnsdParts, type RbldnsdPart } from "./rbldnsd.ts";
import { readZoneLine, zoneHead, zoneLines } from "./rfc1035.ts";
import { createTableReader, type ZoneTable } from "./table.ts";

/** What stands in a list. */
export type ZoneSource = {
  count(): number;
  addresses(): ZoneEntry[];
  /** Domains and addresses past a key, in order, at most `limit`. */
  linesAfter(after: string, limit: number): ZoneEntry[];
};

export type ZonePaths = { dir: string; rfc1035: string; rbldnsd: string; maps: Record<string, string> };

export function zonePaths(dir: string, zone: string): ZonePaths {
  return {
    dir,
    rfc1035: join(dir, `${zone}.zone`),
    rbldnsd: join(dir, `${zone}.rbldnsd`),
    maps: Object.fromEntries(MAPS.map((name) => [name, join(dir, name)])),
  };
}

type Order = {
  paths: ZonePaths;
  head: ZoneHead;
  source: ZoneSource;
  checks: readonly ZoneCheck[];
  /** Ms since the epoch. */
  now: number;
};

const PAGE = 1_000;

/** Domains in order, a page at a time; between pages others have their turn. */
async function* domains(source: ZoneSource): AsyncGenerator<ZoneEntry[]> {
  let after = "";
  for (;;) {
    const page = source.linesAfter(after, PAGE);
    if (page.length === 0) return;
    yield page.filter(({ key }) => !isAddressKey(key));
    after = page.at(-1)!.key;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/**
 * Writes the zone in all its forms, and puts them in place when what was written reads back as the list, and the
 * checks are content. Returns the table as it was read back. @throws with what is wrong; then all stays as it was.
 */
export async function writeZone({ paths, head, source, checks, now }: Order): Promise<ZoneTable> {
  const zoneDraft = await openDraft(paths.rfc1035);
  const mapDrafts = await Promise.all(MAPS.map((name) => openDraft(paths.maps[name]!)));
  await zoneDraft.add(zoneHead(head));
  for (const [i, name] of MAPS.entries()) await mapDrafts[i]!.add(mapHead(name, head.zone, head.serial));
  async function add(entries: readonly ZoneEntry[]): Promise<void> {
    for (const entry of entries) {
      const full = zoneDraft.add(zoneLines(entry, head.zone));
      if (full) await full;
      for (const [i, name] of MAPS.entries()) {
        const wait = mapDrafts[i]!.add(mapLine(name, entry));
        if (wait) await wait;
      }
    }
  }
  await add(source.addresses());
  for await (const page of domains(source)) await add(page);
  for (const draft of [zoneDraft, ...mapDrafts]) await draft.finish();
  await draftRbldnsd({ paths, head, source, now });

  const table = await readZone(`${paths.rfc1035}.new`, head.zone, source.count());
  if (!table.ok) throw new Error(`the new zone is faulty: ${table.why}`);
  await check(checks, paths, head.zone);
  await replaceAll(paths.dir, [paths.rfc1035, paths.rbldnsd, ...Object.values(paths.maps)]);
  return table.table;
}

/** The file for rbldnsd alone, because it ends a day after it was written. */
export async function writeRbldnsd(order: Order): Promise<void> {
  const { paths, head, checks } = order;
  await draftRbldnsd(order);
  await check(checks, paths, head.zone);
  await replaceAll(paths.dir, [paths.rbldnsd]);
}

async function draftRbldnsd({ paths, head, source, now }: Omit<Order, "checks">): Promise<void> {
  const draft = await openDraft(paths.rbldnsd);
  await draft.add(rbldnsdHead(head, now));
  for (const part of rbldnsdParts(head)) {
    await draft.add(part.head);
    await addPart(draft, part, source.addresses());
    if (part.takes("a.test")) for await (const page of domains(source)) await addPart(draft, part, page);
  }
  await draft.finish();
  await outdate(paths.rbldnsd);
}

async function addPart(draft: Draft, part: RbldnsdPart, entries: readonly ZoneEntry[]): Promise<void> {
  for (const entry of entries) {
    const full = part.takes(entry.key) ? draft.add(part.line(entry)) : undefined;
    if (full) await full;
  }
}

async function check(checks: readonly ZoneCheck[], paths: ZonePaths, zone: string): Promise<void> {
  const files = { zone, rfc1035: `${paths.rfc1035}.new`, rbldnsd: `${paths.rbldnsd}.new` };
  const faults = await Promise.all(checks.map((one) => one(files)));
  const fault = faults.find((said) => said !== undefined);
  if (fault !== undefined) throw new Error(`the new zone is not taken: ${fault}`);
}

type Read = { ok: true; table: ZoneTable } | { ok: false; why: string };

/** Reads a zone file back. `entries`: how many it must have. */
async function readZone(path: string, zone: string, entries: number): Promise<Read> {
  const reader = createTableReader(zone);
  let rest = "";
  for await (const lines of readLines(path))
    for (const line of lines) {
      if (rest !== "") return { ok: false, why: "it has an empty line" };
      if (line === "") {
        rest = "\n";
        continue;
      }
      const record = readZoneLine(line);
      if (!record) return { ok: false, why: `a line cannot be read back: ${line.slice(0, 200)}` };
      const fault = reader.add(record);
      if (fault !== undefined) return { ok: false, why: fault };
    }
  return rest === "" ? { ok: false, why: "it is cut off" } : reader.finish(entries);
}

/** The zone that was published last; undefined when there is none, or it cannot be believed. */
export async function loadZone(
  paths: ZonePaths,
  zone: string,
  entries: number,
  log: Logger,
): Promise<ZoneTable | undefined> {
  try {
    const read = await readZone(paths.rfc1035, zone, entries);
    if (read.ok) return read.table;
    log.error({ why: read.why }, "the last zone cannot be believed; it is made anew");
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== "ENOENT")
      log.error({ err }, "the last zone cannot be read; it is made anew");
  }
  return undefined;
}
