import type { Clock } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import type { Membership, Standing } from "../policy/index.ts";

/** A member speaks for an applicant. Times in ms since the epoch. */
export type Vouch = {
  id: number;
  /** DID of who speaks, and its name. */
  by: string;
  name: string;
  did: string;
  words: string;
  at: number;
};

/** As its member sees it: with what became of it. `decided`: the application was. */
export type OwnVouch = Vouch & { applicant: string; end: { at: number; how: VouchEnd } | null };
export type VouchEnd = "withdrawn" | "decided" | "left";

export type VouchRefusal = "not-good" | "own" | "no-applicant" | "again" | "too-many";

export const MOST_VOUCHES = 5;
const SHOWN = 50;

export type VouchFacts = {
  member: { membership: Membership; standing: Standing } | undefined;
  isSelf: boolean;
  applicant: Membership | undefined;
  /** It speaks for this applicant already. */
  again: boolean;
  /** How many of its vouches wait for a decision. */
  open: number;
};

/** Why a member may not vouch; undefined: it may. */
export function vouchRefusal({
  member,
  isSelf,
  applicant,
  again,
  open,
}: VouchFacts): VouchRefusal | undefined {
  if (member?.membership !== "member" || member.standing !== "good") return "not-good";
  if (isSelf) return "own";
  if (applicant !== "applicant") return "no-applicant";
  if (again) return "again";
  return open >= MOST_VOUCHES ? "too-many" : undefined;
}

/** The migration of `member` has its table. An ended one stays: who vouched for whom can be read later. */
export function createVouches(db: Database, clock: Clock) {
  const columns = `v.id, v.member AS by, m.name AS name, v.applicant AS did, v.words, v.at`;
  const openOf = (member: string): { did: string }[] =>
    db.all("SELECT applicant AS did FROM vouch WHERE member = ? AND ended_at IS NULL", member);

  return {
    /** Those that wait with an application, the oldest first. */
    ofApplicant: (did: string): Vouch[] =>
      db.all(
        `SELECT ${columns} FROM vouch v JOIN member m ON m.did = v.member
         WHERE v.applicant = ? AND v.ended_at IS NULL ORDER BY v.id LIMIT ?`,
        did,
        SHOWN,
      ),
    /** Those of a member, the newest first. */
    ofMember: (did: string): OwnVouch[] =>
      db
        .all<Vouch & { applicant: string; ended_at: number | null; ended_how: VouchEnd }>(
          `SELECT ${columns}, a.name AS applicant, v.ended_at, v.ended_how FROM vouch v
           JOIN member m ON m.did = v.member JOIN member a ON a.did = v.applicant
           WHERE v.member = ? ORDER BY v.id DESC LIMIT ?`,
          did,
          SHOWN,
        )
        .map(({ ended_at: at, ended_how: how, ...vouch }) => ({
          ...vouch,
          end: at === null ? null : { at, how },
        })),
    openOf,
    add: (member: string, applicant: string, words: string): number =>
      db.run(
        "INSERT INTO vouch (member, applicant, words, at) VALUES (?, ?, ?, ?)",
        member,
        applicant,
        words,
        clock.now(),
      ).lastInsertRowid,
    /** False: it is not this member's, or has ended. */
    withdraw: (member: string, id: number): boolean =>
      db.run(
        "UPDATE vouch SET ended_at = ?, ended_how = 'withdrawn' WHERE id = ? AND member = ? AND ended_at IS NULL",
        clock.now(),
        id,
        member,
      ).changes > 0,
    /** An application was decided. */
    decided: (applicant: string): void =>
      void db.run(
        "UPDATE vouch SET ended_at = ?, ended_how = 'decided' WHERE applicant = ? AND ended_at IS NULL",
        clock.now(),
        applicant,
      ),
    /** Either has left: what it says of others, and others of it, ends. */
    left: (did: string): void =>
      void db.run(
        "UPDATE vouch SET ended_at = ?1, ended_how = 'left' WHERE (applicant = ?2 OR member = ?2) AND ended_at IS NULL",
        clock.now(),
        did,
      ),
    /** All that it said, and that was said of it. */
    forget: (did: string): void =>
      void db.run("DELETE FROM vouch WHERE applicant = ? OR member = ?", did, did),
  };
}
