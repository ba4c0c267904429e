import { join } from "node:path";
import type { Logger } from "../../platform/log.ts";
import { openDraft, outdate, readLines, replaceAll } from "../files.ts";
import { isAddressKey } from "../store.ts";
import type { ZoneCheck } from "./checkers.ts";
import { MAPS, mapHead, mapLine } from "./maps.ts";
import type { ZoneEntry, ZoneHead } from "./names.ts";
import { rbldnsdHead, rbldnsdParts } from "./rbldnsd.ts";
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
 * Writes the zone aside in all its forms; `replaceAll` of the paths that it gives puts them in place. What was written reads
 * back as the list, and the checks are content: the table is as it was read back. @throws with what is wrong.
 */
export async function draftZone(order: Order): Promise<{ table: ZoneTable; written: string[] }> {
  const { paths, head, source, checks, now } = order;
  await draftForms(formsOf(paths, head, now), source);
  await outdate(paths.rbldnsd);
  const table = await readZone(`${paths.rfc1035}.new`, head.zone, source.count());
  if (!table.ok) throw new Error(`the new zone is faulty: ${table.why}`);
  await check(checks, paths, head.zone);
  return { table: table.table, written: [paths.rfc1035, paths.rbldnsd, ...Object.values(paths.maps)] };
}

/** The file for rbldnsd alone, because it ends a day after it was written. */
export async function writeRbldnsd({ paths, head, source, checks, now }: Order): Promise<void> {
  await draftForms([rbldnsdForm(paths.rbldnsd, head, now)], source);
  await outdate(paths.rbldnsd);
  await check(checks, paths, head.zone);
  await replaceAll(paths.dir, [paths.rbldnsd]);
}

/** A file as it grows: how it begins, what each domain adds to it, and what their names add afterwards. */
type Form = {
  path: string;
  begin: (addresses: readonly ZoneEntry[]) => string;
  line: (domain: ZoneEntry) => string;
  afterwards?: { head: string; line: (name: string) => string };
};

function formsOf(paths: ZonePaths, head: ZoneHead, now: number): Form[] {
  const zoneFile: Form = {
    path: paths.rfc1035,
    begin: (addresses) => zoneHead(head) + addresses.map((entry) => zoneLines(entry, head.zone)).join(""),
    line: (entry) => zoneLines(entry, head.zone),
  };
  const maps = MAPS.map((name): Form => ({
    path: paths.maps[name]!,
    begin: (addresses) =>
      mapHead(name, head.zone, head.serial) + addresses.map((entry) => mapLine(name, entry)).join(""),
    line: (entry) => mapLine(name, entry),
  }));
  return [zoneFile, ...maps, rbldnsdForm(paths.rbldnsd, head, now)];
}

function rbldnsdForm(path: string, head: ZoneHead, now: number): Form {
  const { addresses: parts, domains: listed, vouched } = rbldnsdParts(head);
  return {
    path,
    begin: (addresses) =>
      rbldnsdHead(head, now) +
      parts.map((part) => part.head + addresses.filter(part.takes).map(part.line).join("")).join("") +
      listed.head,
    line: listed.line,
    afterwards: vouched,
  };
}

async function draftForms(forms: readonly Form[], source: ZoneSource): Promise<void> {
  const growing = await Promise.all(
    forms.map(async (form) => ({ ...form, draft: await openDraft(form.path) })),
  );
  const addresses = source.addresses();
  for (const { draft, begin } of growing) await draft.add(begin(addresses));
  // Each page as one text, which takes a third of the memory.
  const names: string[] = [];
  for await (const page of domains(source)) {
    names.push(page.map(({ key }) => key).join("\n"));
    for (const { draft, line } of growing) await draft.add(page.map(line).join(""));
  }
  for (const { draft, afterwards } of growing) {
    if (!afterwards) continue;
    await draft.add(afterwards.head);
    for (const page of names)
      if (page !== "") await draft.add(page.split("\n").map(afterwards.line).join(""));
  }
  await Promise.all(growing.map(({ draft }) => draft.finish()));
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
