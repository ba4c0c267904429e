import type { Database } from "../platform/database.ts";
import type { PersonRole } from "./identity.ts";

/** Somebody who acts for a member with an account of its own. */
export type Person = { person: string; role: PersonRole; addedAt: number; addedBy: string };
export type People = ReturnType<typeof createPeople>;

type Row = { person: string; role: PersonRole; added_at: number; added_by: string };

const MOST_PEOPLE = 50;

/** Who acts for which member, beside the member's own account, which is always its owner. */
export function createPeople(db: Database) {
  const of = (did: string): Person[] =>
    db
      .all<Row>("SELECT * FROM member_person WHERE did = ? ORDER BY added_at, person", did)
      .map(({ person, role, added_at, added_by }) => ({
        person,
        role,
        addedAt: added_at,
        addedBy: added_by,
      }));
  return {
    of,
    roleOf: (did: string, person: string): PersonRole | null =>
      db.get<{ role: PersonRole }>("SELECT role FROM member_person WHERE did = ? AND person = ?", did, person)
        ?.role ?? null,
    /** The members for which a person acts, beside its own account. */
    membersOf: (person: string): { did: string; role: PersonRole }[] =>
      db.all("SELECT did, role FROM member_person WHERE person = ? ORDER BY did LIMIT 100", person),
    /** Adds a person, or gives it another role. */
    put(
      did: string,
      person: string,
      role: PersonRole,
      by: string,
      now: number,
    ): { error: "own" | "too-many" } | null {
      if (person === did) return { error: "own" };
      const present = of(did);
      if (present.length >= MOST_PEOPLE && !present.some((one) => one.person === person))
        return { error: "too-many" };
      db.run(
        `INSERT INTO member_person (did, person, role, added_at, added_by) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (did, person) DO UPDATE SET role = excluded.role, added_by = excluded.added_by`,
        did,
        person,
        role,
        now,
        by,
      );
      return null;
    },
    /** False: there was no such person. */
    remove: (did: string, person: string): boolean =>
      db.run("DELETE FROM member_person WHERE did = ? AND person = ?", did, person).changes > 0,
    /** Of a member that left. */
    clear: (did: string): void => void db.run("DELETE FROM member_person WHERE did = ?", did),
  };
}
