import { createHash } from "node:crypto";
import type { Entry } from "./entries.ts";

/** Everything that the zones say, with the proof of each entry. `id` is the SHA-256 of the canonical rest. */
export type Snapshot = { id: string; zone: string; serial: number; issuedAt: string; entries: Entry[] };

/** Canonical: keys in a fixed order, entries sorted by domain, no white space. */
export function makeSnapshot(
  zone: string,
  serial: number,
  issuedAt: string,
  entries: readonly Entry[],
): Snapshot {
  const body = { zone, serial, issuedAt, entries: entries.map(canonicalEntry) };
  return { id: createHash("sha256").update(JSON.stringify(body)).digest("hex"), ...body };
}

/** Whether the two say the same of the same domains. */
export function sameEntries(a: readonly Entry[], b: readonly Entry[]): boolean {
  return JSON.stringify(a.map(canonicalEntry)) === JSON.stringify(b.map(canonicalEntry));
}

function canonicalEntry({ domain, did, uri, cid, labels, since, code }: Entry): Entry {
  return { domain, did, uri, cid, labels, since, code };
}

/** The serial after `last`: seconds since 1970, one more when the clock stands still or goes back (RFC 1982 order). */
export function nextSerial(last: number, nowMs: number): number {
  return Math.max(last + 1, Math.floor(nowMs / 1000));
}

const SHRINK_GUARD = { smallest: 10, share: 0.2 };

export type GuardResult = { ok: true } | { ok: false; why: string; entries: Entry[] };

/**
 * Stops a list that shrinks for no reason that was stated: more than a fifth of the entries (and more than ten) gone
 * without a negation. Then `entries` is what may be published all the same: the new list
 * with the entries that lapsed, so that a stated removal is never held up.
 */
export function guardShrink(
  before: readonly Entry[],
  after: readonly Entry[],
  wasNegated: (entry: Entry) => boolean,
): GuardResult {
  const kept = new Set(after.map((entry) => entry.domain));
  const gone = before.filter((entry) => !kept.has(entry.domain));
  const lapsed = gone.filter((entry) => !wasNegated(entry));
  const limit = Math.max(SHRINK_GUARD.smallest, before.length * SHRINK_GUARD.share);
  if (lapsed.length <= limit) return { ok: true };
  return {
    ok: false,
    why: `${lapsed.length} of ${before.length} entries would vanish without a negation (at most ${Math.floor(limit)} may)`,
    entries: [...after, ...lapsed].sort((a, b) => (a.domain < b.domain ? -1 : 1)),
  };
}
