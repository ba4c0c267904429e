import type { Database, Migration } from "../platform/database.ts";
import type { Standing } from "../policy/index.ts";
import type { StandingState } from "./transition.ts";

export const standingMigration: Migration = {
  module: "standing",
  steps: [
    `CREATE TABLE standing (
       did TEXT PRIMARY KEY, standing TEXT NOT NULL, since INTEGER NOT NULL,
       last_cause_at INTEGER, last_probation_at INTEGER
     ) STRICT;
     CREATE TABLE standing_change (
       id INTEGER PRIMARY KEY AUTOINCREMENT, did TEXT NOT NULL, from_standing TEXT NOT NULL, to_standing TEXT NOT NULL,
       at INTEGER NOT NULL, cause TEXT NOT NULL, rule TEXT, description TEXT NOT NULL, evidence TEXT NOT NULL,
       remedy TEXT NOT NULL, way_back TEXT NOT NULL, way_back_at INTEGER, action_id TEXT
     ) STRICT;
     CREATE INDEX standing_change_did ON standing_change (did, id);`,
    "ALTER TABLE standing_change ADD COLUMN decided_by TEXT",
    `ALTER TABLE standing ADD COLUMN eased_at INTEGER;
     ALTER TABLE standing ADD COLUMN judged_at INTEGER;
     ALTER TABLE standing ADD COLUMN probations TEXT NOT NULL DEFAULT '[]';
     UPDATE standing SET probations = json_array(last_probation_at) WHERE last_probation_at IS NOT NULL;
     ALTER TABLE standing DROP COLUMN last_probation_at;
     ALTER TABLE standing ADD COLUMN remedy_at INTEGER;
     ALTER TABLE standing ADD COLUMN remedy TEXT NOT NULL DEFAULT '';
     ALTER TABLE standing ADD COLUMN upheld INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE standing ADD COLUMN clean_until INTEGER;
     CREATE TABLE domain_hold (
       domain TEXT PRIMARY KEY, did TEXT NOT NULL, since INTEGER NOT NULL, found TEXT NOT NULL, record TEXT NOT NULL
     ) STRICT;`,
    // What people had decided before there were columns for it.
    `UPDATE standing SET
       judged_at = coalesce(judged_at, (SELECT max(at) FROM standing_change c WHERE c.did = standing.did
         AND (decided_by IS NOT NULL OR (rule IS NULL AND from_standing = 'suspended')))),
       eased_at = coalesce(eased_at, (SELECT max(at) FROM standing_change c WHERE c.did = standing.did AND rule IS NULL));
     UPDATE standing SET upheld = 1 WHERE standing = 'suspended' AND (SELECT decided_by FROM standing_change c
       WHERE c.did = standing.did ORDER BY id DESC LIMIT 1) IS NOT NULL;`,
  ],
};

/** A change of standing, with everything that the member is told of it. Times in ms since the epoch. */
export type StandingChange = {
  id: number;
  did: string;
  from: Standing;
  to: Standing;
  at: number;
  cause: string;
  rule: string | null;
  /** The person who decided it; null when a rule or time did. */
  by: string | null;
  description: string;
  evidence: Record<string, unknown>;
  remedy: string;
  wayBack: { text: string; at: number | null };
  /** Event of which the rule concluded it. */
  actionId: string | null;
};

type StateRow = {
  standing: Standing;
  since: number;
  last_cause_at: number | null;
  probations: string;
  eased_at: number | null;
  judged_at: number | null;
  remedy_at: number | null;
  remedy: string;
  upheld: number;
};

type ChangeRow = {
  id: number;
  did: string;
  from_standing: Standing;
  to_standing: Standing;
  at: number;
  cause: string;
  rule: string | null;
  description: string;
  evidence: string;
  remedy: string;
  way_back: string;
  way_back_at: number | null;
  decided_by: string | null;
  action_id: string | null;
};

/** Mail of a domain that waits because its records do not pass. */
export type DomainHold = { domain: string; did: string; since: number; found: string; record: string };

export function createStandingStore(db: Database) {
  return {
    state(did: string): StandingState {
      const row = db.get<StateRow>("SELECT * FROM standing WHERE did = ?", did);
      if (!row) return { standing: "good", since: 0 };
      return {
        standing: row.standing,
        since: row.since,
        ...(row.last_cause_at !== null && { lastCauseAt: row.last_cause_at }),
        ...(row.probations !== "[]" && { probations: JSON.parse(row.probations) as number[] }),
        ...(row.eased_at !== null && { easedAt: row.eased_at }),
        ...(row.judged_at !== null && { judgedAt: row.judged_at }),
        ...(row.remedy_at !== null && { remedyAt: row.remedy_at }),
        ...(row.upheld === 1 && { upheld: true }),
      };
    },

    /** Who has a way back that time, the member or a person goes. */
    withWayBack: (): string[] =>
      db
        .all<{ did: string }>(
          "SELECT did FROM standing WHERE standing NOT IN ('good', 'ejected') ORDER BY did",
        )
        .map(({ did }) => did),

    save(did: string, state: StandingState): void {
      db.run(
        `INSERT INTO standing (did, standing, since, last_cause_at, probations, eased_at, judged_at, remedy_at, upheld)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (did) DO UPDATE SET standing = excluded.standing, since = excluded.since,
           last_cause_at = excluded.last_cause_at, probations = excluded.probations,
           eased_at = excluded.eased_at, judged_at = excluded.judged_at, remedy_at = excluded.remedy_at, upheld = excluded.upheld`,
        did,
        state.standing,
        state.since,
        state.lastCauseAt ?? null,
        JSON.stringify(state.probations ?? []),
        state.easedAt ?? null,
        state.judgedAt ?? null,
        state.remedyAt ?? null,
        state.upheld === true ? 1 : 0,
      );
    },

    /** Begins a member's record, unless there is one. */
    begin: (did: string, at: number): void =>
      void db.run(
        "INSERT INTO standing (did, standing, since) VALUES (?, 'good', ?) ON CONFLICT DO NOTHING",
        did,
        at,
      ),

    /** What the member says it has changed. */
    remedy: (did: string): string =>
      db.get<{ remedy: string }>("SELECT remedy FROM standing WHERE did = ?", did)?.remedy ?? "",
    setRemedy: (did: string, text: string): void =>
      void db.run("UPDATE standing SET remedy = ? WHERE did = ?", text, did),

    /** Until when the member is a clean sender. */
    cleanUntil: (did: string): number | null =>
      db.get<{ clean_until: number | null }>("SELECT clean_until FROM standing WHERE did = ?", did)
        ?.clean_until ?? null,
    setCleanUntil: (did: string, until: number): void =>
      void db.run("UPDATE standing SET clean_until = ? WHERE did = ?", until, did),

    addChange(change: Omit<StandingChange, "id">): StandingChange {
      const { lastInsertRowid: id } = db.run(
        `INSERT INTO standing_change
           (did, from_standing, to_standing, at, cause, rule, description, evidence, remedy, way_back, way_back_at, action_id, decided_by)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        change.did,
        change.from,
        change.to,
        change.at,
        change.cause,
        change.rule,
        change.description,
        JSON.stringify(change.evidence),
        change.remedy,
        change.wayBack.text,
        change.wayBack.at,
        change.actionId,
        change.by,
      );
      return { ...change, id };
    },

    change: (id: number): StandingChange | undefined => {
      const row = db.get<ChangeRow>("SELECT * FROM standing_change WHERE id = ?", id);
      return row && toChange(row);
    },
    changesOf: (did: string, limit: number): StandingChange[] =>
      db
        .all<ChangeRow>("SELECT * FROM standing_change WHERE did = ? ORDER BY id DESC LIMIT ?", did, limit)
        .map(toChange),
    recentChanges: (limit: number): StandingChange[] =>
      db.all<ChangeRow>("SELECT * FROM standing_change ORDER BY id DESC LIMIT ?", limit).map(toChange),
    changesSince: (at: number, limit: number): StandingChange[] =>
      db
        .all<ChangeRow>("SELECT * FROM standing_change WHERE at > ? ORDER BY id DESC LIMIT ?", at, limit)
        .map(toChange),

    holds: (): DomainHold[] =>
      db.all<DomainHold>("SELECT domain, did, since, found, record FROM domain_hold ORDER BY since, domain"),
    hold: (domain: string): DomainHold | undefined =>
      db.get<DomainHold>(
        "SELECT domain, did, since, found, record FROM domain_hold WHERE domain = ?",
        domain,
      ),
    /** False: it is held already; what was found is brought up to date. */
    beginHold({ domain, did, since, found, record }: DomainHold): boolean {
      const known = db.run(
        "UPDATE domain_hold SET found = ?, record = ? WHERE domain = ? AND did = ?",
        found,
        record,
        domain,
        did,
      );
      if (known.changes > 0) return false;
      db.run(
        "INSERT OR REPLACE INTO domain_hold (domain, did, since, found, record) VALUES (?, ?, ?, ?, ?)",
        domain,
        did,
        since,
        found,
        record,
      );
      return true;
    },
    endHold: (domain: string): boolean =>
      db.run("DELETE FROM domain_hold WHERE domain = ?", domain).changes > 0,
  };
}

function toChange(row: ChangeRow): StandingChange {
  return {
    id: row.id,
    did: row.did,
    from: row.from_standing,
    to: row.to_standing,
    at: row.at,
    cause: row.cause,
    rule: row.rule,
    by: row.decided_by,
    description: row.description,
    evidence: JSON.parse(row.evidence) as Record<string, unknown>,
    remedy: row.remedy,
    wayBack: { text: row.way_back, at: row.way_back_at },
    actionId: row.action_id,
  };
}
