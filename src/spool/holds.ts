import type { Database } from "../platform/database.ts";
import { LONGEST_PACE_MS } from "./lease.ts";
import type { Hold } from "./types.ts";

/** Waiting mail of one member that is judged alike: of one sender domain and one credential. */
export type Kind = { fromDomain: string; credential: string | null };

/** Why mail of a kind may not leave; null: it may. `perHour`: what is freed leaves at this pace, in recipients an hour. */
export type KindDecision = Kind & { hold: Hold | null; perHour: number };

export type HoldDecisions = { did: string; now: number; perHour: number; kinds: KindDecision[] };

export function kindsOf(db: Database, did: string): Kind[] {
  return db.all<Kind>(
    `SELECT DISTINCT from_domain AS fromDomain, credential FROM message INDEXED BY message_open
     WHERE did = ? AND open > 0 AND kind = 'mail'`,
    did,
  );
}

const OF_KIND = `message IN (SELECT seq FROM message INDEXED BY message_open
  WHERE did = ? AND from_domain = ? AND credential IS ? AND open > 0 AND kind = 'mail')`;

/**
 * Holds what of a member's waiting mail may not leave, and frees the rest of what policy or breaker held. What a person
 * holds, or what waits for its signature, stays as it is.
 */
export function setHolds(db: Database, { did, now, perHour, kinds }: HoldDecisions): void {
  const freed: Paced[] = [];
  const overDomain: Paced[] = [];
  for (const { fromDomain, credential, hold, perHour: ofKind } of kinds) {
    if (hold) {
      if (hold.reason === WITHIN_LIMITS) {
        overDomain.push(...heldOf(db, { did, fromDomain, credential, perHour: ofKind }, WITHIN_LIMITS));
      }
      db.run(
        `UPDATE recipient SET state = 'held', updated_at = ?, hold_reason = ?, hold_owner = ?, hold_note = NULL
         WHERE state IN ('queued', 'deferred') AND ${OF_KIND}`,
        now,
        hold.reason,
        hold.owner,
        did,
        fromDomain,
        credential,
      );
      db.run(
        `UPDATE recipient SET hold_reason = ?, hold_owner = ?
         WHERE state = 'held' AND hold_owner IN ('policy', 'breaker') AND hold_reason <> ? AND ${OF_KIND}`,
        hold.reason,
        hold.owner,
        hold.reason,
        did,
        fromDomain,
        credential,
      );
      continue;
    }
    freed.push(...heldOf(db, { did, fromDomain, credential, perHour: ofKind }));
  }
  for (const { seq, nextAt } of pace(freed, now, perHour)) free(db, seq, nextAt, now);
  // Still held, but no longer by its pause: its place is kept for when the domain's records are sound.
  for (const { seq, nextAt } of pace(overDomain, now, perHour)) {
    db.run("UPDATE recipient SET next_at = ? WHERE seq = ?", nextAt, seq);
  }
}

/** What policy or breaker hold of a kind, but for those held for the reason `but`. */
function heldOf(
  db: Database,
  { did, fromDomain, credential, perHour }: Kind & { did: string; perHour: number },
  but = "",
): Paced[] {
  return db
    .all<Omit<Paced, "kind" | "perHour">>(
      `SELECT seq, priority, hold_reason AS reason, next_at AS nextAt FROM recipient INDEXED BY recipient_held
       WHERE did = ? AND state = 'held' AND hold_owner IN ('policy', 'breaker') AND hold_reason <> ? AND ${OF_KIND}`,
      did,
      but,
      did,
      fromDomain,
      credential,
    )
    .map((row) => ({ ...row, kind: credential ?? "", perHour }));
}

/** Back into the queue, due at `nextAt`. */
export function free(db: Database, seq: number, nextAt: number, now: number): void {
  db.run(
    `UPDATE recipient SET state = 'queued', next_at = ?, updated_at = ?, hold_reason = NULL, hold_owner = NULL,
       hold_note = NULL WHERE seq = ?`,
    nextAt,
    now,
    seq,
  );
}

type Paced = { seq: number; priority: number; reason: string; nextAt: number; kind: string; perHour: number };

/** Mail that was held for its domain's records was within the limits, or has its place; what a pause kept back was not. */
const WITHIN_LIMITS = "domain-held";
const HOUR_MS = 3_600_000;

/**
 * When each leaves: login codes first, then in the order of arrival, no faster than the member and the credential
 * (`kind`) may send in an hour. `perHour` of 0 or less: at once.
 */
export function pace(
  freed: readonly Paced[],
  now: number,
  perHour: number,
): { seq: number; nextAt: number }[] {
  let n = 0;
  const ofKind = new Map<string, number>();
  return freed
    .toSorted((a, b) => a.priority - b.priority || a.seq - b.seq)
    .map((one) => {
      if (one.reason === WITHIN_LIMITS) return { seq: one.seq, nextAt: Math.max(now, one.nextAt) };
      const k = ofKind.get(one.kind) ?? 0;
      ofKind.set(one.kind, k + 1);
      const wait = Math.max(step(n++, perHour), step(k, one.perHour));
      return { seq: one.seq, nextAt: now + Math.min(wait, LONGEST_PACE_MS) };
    });
}

function step(places: number, rate: number): number {
  return rate > 0 ? Math.floor((places * HOUR_MS) / rate) : 0;
}
