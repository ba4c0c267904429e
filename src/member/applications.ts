import type { Database } from "../platform/database.ts";
import type { Vouch } from "./vouches.ts";
import type { Tier } from "../policy/index.ts";

/** What an applicant says of itself. */
export type ApplicationForm = {
  name: string;
  /** Where people reach it: a mail address or another. */
  contact: string;
  domains: string[];
  /** Messages that it expects to send a day. */
  daily: number | null;
  /** What it sends, and to whom. */
  purpose: string;
  /** Host name of its PDS. */
  pds: string;
  words: string;
};

export type Application = ApplicationForm & {
  id: number;
  did: string;
  appliedAt: number;
  appliedBy: string;
  state: "open" | "approved" | "declined";
  /** While it is open: members who speak for it. */
  vouches?: Vouch[];
  /** Null while it is open. */
  decision: { at: number; by: string; tier: Tier | null; note: string } | null;
};

type Row = {
  id: number;
  did: string;
  form: string;
  applied_at: number;
  applied_by: string;
  state: Application["state"];
  decided_at: number | null;
  decided_by: string | null;
  tier: Tier | null;
  note: string | null;
};

export type Applications = ReturnType<typeof createApplications>;

/** Every application with its decision; nothing is ever overwritten. At most one of a DID is open. */
export function createApplications(db: Database, vouches: { ofApplicant(did: string): Vouch[] }) {
  const read = (row: Row | undefined): Application | undefined =>
    row && { ...applicationOf(row), ...(row.state === "open" && { vouches: vouches.ofApplicant(row.did) }) };

  return {
    open: (did: string) =>
      read(db.get<Row>("SELECT * FROM application WHERE did = ? AND state = 'open'", did)),
    /** The newest first. */
    of: (did: string): Application[] =>
      db
        .all<Row>("SELECT * FROM application WHERE did = ? ORDER BY id DESC LIMIT 20", did)
        .map((row) => read(row)!),
    /** Open ones, those that wait longest first; or the latest decided ones. */
    list: (state: Application["state"] | "all", limit: number): Application[] =>
      db
        .all<Row>(
          `SELECT * FROM application WHERE ?1 = 'all' OR state = ?1
           ORDER BY CASE WHEN state = 'open' THEN 0 ELSE 1 END, CASE WHEN state = 'open' THEN id ELSE -id END LIMIT ?2`,
          state,
          limit,
        )
        .map((row) => read(row)!),
    insert(did: string, form: ApplicationForm, at: number, by: string): void {
      db.run(
        "INSERT INTO application (did, form, applied_at, applied_by, state) VALUES (?, ?, ?, ?, 'open')",
        did,
        JSON.stringify(form),
        at,
        by,
      );
    },
    /** What was said in them; that there were some, and what was decided when, stays. */
    forget: (did: string) =>
      db.run(
        `UPDATE application SET form = ?, applied_by = '', decided_by = NULL, note = NULL WHERE did = ?`,
        JSON.stringify({ name: "", contact: "", domains: [], daily: null, purpose: "", pds: "", words: "" }),
        did,
      ),
    decide(
      did: string,
      state: "approved" | "declined",
      decision: { at: number; by: string; tier: Tier | null; note: string },
    ): void {
      db.run(
        `UPDATE application SET state = ?, decided_at = ?, decided_by = ?, tier = ?, note = ?
         WHERE did = ? AND state = 'open'`,
        state,
        decision.at,
        decision.by,
        decision.tier,
        decision.note,
        did,
      );
    },
  };
}

function applicationOf(row: Row): Application {
  return {
    ...(JSON.parse(row.form) as ApplicationForm),
    id: row.id,
    did: row.did,
    appliedAt: row.applied_at,
    appliedBy: row.applied_by,
    state: row.state,
    decision:
      row.decided_at === null
        ? null
        : { at: row.decided_at, by: row.decided_by ?? "", tier: row.tier, note: row.note ?? "" },
  };
}
