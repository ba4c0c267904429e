import { DAY_MS, type Clock } from "../../lib/clock.ts";
import type { SafeFetch } from "../../platform/fetch.ts";
import type { Logger } from "../../platform/log.ts";
import type { HostRests } from "../host-rests.ts";
import type { ResolveIdentity } from "../identity.ts";
import type { Progress } from "../progress.ts";
import { hintUri, type AttestationStore, type Hint } from "../store.ts";
import { inParallel } from "../parallel.ts";
import { listAccounts, listRecordKeys } from "./listing.ts";

export type SweepParts = {
  store: AttestationStore;
  progress: Progress;
  resolveIdentity: ResolveIdentity;
  fetch: SafeFetch;
  rests: HostRests;
  clock: Clock;
  log: Logger;
  collections: readonly string[];
  /** Records that are looked at of one account and collection. */
  maxPerDid: number;
  follow: (hint: Hint) => Promise<unknown>;
};

const PAGE = 500;
/** Accounts that one sweep of one collection at one host looks at. */
const MAX_ACCOUNTS = 100_000;
/** Pages of one sweep, whatever is on them. */
const MAX_PAGES = 400;
const PARALLEL = 8;

/**
 * Finds what the streams did not tell: once a day, and at the first start, the accounts that a host lists for each
 * collection, and what the own host of each holds of it. It goes on where it was broken off. Returns how many accounts
 * were looked at.
 */
export async function sweep(
  hosts: readonly string[],
  parts: SweepParts,
  signal: AbortSignal,
): Promise<number> {
  let looked = 0;
  for (const host of hosts) {
    for (const collection of parts.collections) {
      const { finishedAt, cursor } = parts.progress.sweep(host, collection);
      const rested = finishedAt !== null && parts.clock.now() - finishedAt < DAY_MS;
      if (rested && cursor === null) continue;
      looked += await sweepHost(host, collection, cursor, parts, signal);
    }
  }
  return looked;
}

async function sweepHost(
  host: string,
  collection: string,
  from: string | null,
  parts: SweepParts,
  signal: AbortSignal,
): Promise<number> {
  const { progress, clock, log, fetch } = parts;
  let cursor = from;
  const seen = new Set<string>();
  let pages = 0;
  let byCollection = true;
  for (;;) {
    if (signal.aborted) return seen.size;
    const page = await (byCollection
      ? listAccounts(fetch, host, "com.atproto.sync.listReposByCollection", {
          collection,
          cursor,
          limit: PAGE,
        })
      : listAccounts(fetch, host, "com.atproto.sync.listRepos", { cursor, limit: PAGE }));
    if (page.status === "unsupported" && byCollection) {
      // Relays know who has which records; a PDS lists only its accounts.
      byCollection = false;
      continue;
    }
    if (page.status !== "page") {
      const detail = page.status === "failed" ? page.detail : "it lists no accounts";
      log.warn({ host, collection, detail }, "sweep: broken off; it goes on later");
      return seen.size;
    }
    const fresh = page.items.filter((did) => !seen.has(did));
    await inParallel(fresh, PARALLEL, async (did) => {
      if (!signal.aborted) await sweepAccount(did, collection, parts);
    });
    if (signal.aborted) return seen.size;
    for (const did of fresh) seen.add(did);
    cursor = page.cursor;
    const done = cursor === null || seen.size >= MAX_ACCOUNTS || ++pages >= MAX_PAGES;
    progress.saveSweep(host, collection, {
      cursor: done ? null : cursor,
      finishedAt: done ? clock.now() : null,
    });
    if (done) {
      log.info({ host, collection, accounts: seen.size }, "sweep: done");
      return seen.size;
    }
  }
}

async function sweepAccount(did: string, collection: string, parts: SweepParts): Promise<void> {
  const { store, fetch, rests, clock, maxPerDid, follow } = parts;
  const identity = await parts.resolveIdentity(did);
  if (identity.status === "unresolvable" || rests.isResting(identity.pds)) return;
  const limit = Math.min(100, maxPerDid);
  const page = await listRecordKeys(fetch, identity.pds, { repo: did, collection, limit });
  if (page.status === "failed") rests.rest(identity.pds);
  if (page.status !== "page") return;
  for (const { rkey, cid } of page.items) {
    const hint = { did, collection, rkey };
    const held = store.get(hintUri(hint))?.facts;
    const fresh = held?.cid === cid && held.endedAt === null && clock.now() - held.provedAt < DAY_MS;
    if (!fresh) await follow(hint);
  }
}
