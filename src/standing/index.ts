import type { Clock } from "../lib/clock.ts";
import type { Database, Migration } from "../platform/database.ts";
import { STANDINGS, type Standing } from "../policy/index.ts";
import { CAUSES } from "./causes.ts";
import { createNotes, noteMigration } from "./notes.ts";
import { pauseMigration } from "./pauses.ts";
import { ease, wayBack, worsen, type StandingState } from "./transition.ts";

export { CAUSES, type Cause } from "./causes.ts";
export { labelsFor, CLEAN_SENDER } from "./labels-for.ts";
export { canRead, type Note, type Viewer } from "./notes.ts";
export { pauseWords } from "./pause-causes.ts";
export { createPauses, resumption, type Ending, type Pause, type Pauses } from "./pauses.ts";

export const standingMigrations: Migration[] = [
  {
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
    ],
  },
  noteMigration,
  pauseMigration,
];

/** Why a standing is to change: what a rule, a check or a person concluded. */
export type Finding = {
  /** Key of `CAUSES`. */
  cause: string;
  rule: string;
  /** The rule's own sentence with the values that decided. */
  description: string;
  /** The evidence that it saw. */
  evidence: Record<string, unknown>;
  actionId: string;
  at: number;
  /** When the mail that it is about was handed in, ms since the epoch. */
  sentAt: number;
};

/** One event is one cause: of several findings the one that leads furthest down counts. */
export function gravestOf(findings: readonly Finding[]): Finding | undefined {
  const depth = ({ cause }: Finding) => STANDINGS.indexOf(CAUSES[cause]?.grade ?? "good");
  return findings.reduce<Finding | undefined>(
    (worst, f) => (worst && depth(worst) >= depth(f) ? worst : f),
    undefined,
  );
}

/** What a person decided: `why` in words for the member. */
export type PersonsDecision = { by: string; why: string; remedy?: string };

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
};

export type Standings = ReturnType<typeof createStandings>;

/** The ladder: every change names its cause, the evidence, the remedy and the way back, and is told to the member. */
export function createStandings({ db, clock, authority }: { db: Database; clock: Clock; authority: string }) {
  const notes = createNotes(db, authority);

  function state(did: string): StandingState {
    const row = db.get<{
      standing: Standing;
      since: number;
      last_cause_at: number | null;
      last_probation_at: number | null;
    }>("SELECT standing, since, last_cause_at, last_probation_at FROM standing WHERE did = ?", did);
    if (!row) return { standing: "good", since: 0 };
    return {
      standing: row.standing,
      since: row.since,
      ...(row.last_cause_at !== null && { lastCauseAt: row.last_cause_at }),
      ...(row.last_probation_at !== null && { lastProbationAt: row.last_probation_at }),
    };
  }

  function change(
    did: string,
    to: Standing,
    reason: { cause: string; title: string; rule: string | null; description: string; remedy: string },
    evidence: Record<string, unknown>,
    at: number,
    actionId: string | null,
    { grade, by = null }: { grade?: Standing; by?: string | null } = {},
  ): StandingChange {
    const before = state(did);
    const back = wayBack(to, at);
    db.run(
      `INSERT INTO standing (did, standing, since, last_cause_at, last_probation_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (did) DO UPDATE SET standing = excluded.standing, since = excluded.since,
         last_cause_at = coalesce(excluded.last_cause_at, last_cause_at),
         last_probation_at = coalesce(excluded.last_probation_at, last_probation_at)`,
      did,
      to,
      at,
      grade ? at : null,
      grade === "probation" ? at : null,
    );
    const { lastInsertRowid } = db.run(
      `INSERT INTO standing_change
         (did, from_standing, to_standing, at, cause, rule, description, evidence, remedy, way_back, way_back_at, action_id, decided_by)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      did,
      before.standing,
      to,
      at,
      reason.cause,
      reason.rule,
      reason.description,
      JSON.stringify(evidence),
      reason.remedy,
      back.text,
      back.at,
      actionId,
      by,
    );
    const decidedBy = by === null ? "" : `Decided by ${by}.`;
    notes.put(did, {
      rkey: `standing-${lastInsertRowid}`,
      at,
      kind: "standing",
      title: `Your standing is now ${to}: ${reason.title}`,
      body: [reason.description, decidedBy, reason.remedy, back.text]
        .filter((part) => part !== "")
        .join("\n\n"),
    });
    return {
      id: lastInsertRowid,
      did,
      from: before.standing,
      to,
      at,
      cause: reason.cause,
      rule: reason.rule,
      by,
      description: reason.description,
      evidence,
      remedy: reason.remedy,
      wayBack: back,
    };
  }

  return {
    state,
    notes,

    /** Begins a member's record. Idempotent. */
    begin(did: string): void {
      db.run(
        "INSERT INTO standing (did, standing, since) VALUES (?, 'good', ?) ON CONFLICT DO NOTHING",
        did,
        clock.now(),
      );
    },

    /** Weighs a finding. Undefined when the member stands there already, or lower, or the cause is unknown. */
    consider(did: string, finding: Finding): StandingChange | undefined {
      const cause = CAUSES[finding.cause];
      if (!cause) return undefined;
      const before = state(did);
      // A change restarts the window: what was sent before it has been judged.
      if (finding.sentAt <= before.since) return undefined;
      const to = worsen(before, cause, finding.at);
      if (!to) {
        db.run("UPDATE standing SET last_cause_at = ? WHERE did = ?", finding.at, did);
        return undefined;
      }
      const { title, remedy } = cause;
      const reason = {
        cause: finding.cause,
        title,
        remedy,
        rule: finding.rule,
        description: finding.description,
      };
      return change(did, to, reason, finding.evidence, finding.at, finding.actionId, { grade: cause.grade });
    },

    /** Moves a member one rung up when the way back has been gone. */
    review(did: string, newer: { eligible: number; p_over_5: number }): StandingChange | undefined {
      const now = clock.now();
      const eased = ease(state(did), newer, now);
      if (!eased) return undefined;
      const reason = {
        cause: "way-back",
        title: "You have come back",
        rule: null,
        description: `Eased because ${eased.why}.`,
        remedy: "",
      };
      return change(did, eased.to, reason, { ...newer }, now, null);
    },

    /** A person's decision, kept with who decided it and why. */
    decide(did: string, to: Standing, { by, why, remedy = "" }: PersonsDecision): StandingChange {
      const title = "The committee decided";
      const reason = { cause: "committee", title, rule: null, description: why, remedy };
      return change(did, to, reason, {}, clock.now(), null, { by });
    },

    changesOf: (did: string, limit = 50): StandingChange[] =>
      db
        .all<ChangeRow>("SELECT * FROM standing_change WHERE did = ? ORDER BY id DESC LIMIT ?", did, limit)
        .map(toChange),
    recentChanges: (limit = 20): StandingChange[] =>
      db.all<ChangeRow>("SELECT * FROM standing_change ORDER BY id DESC LIMIT ?", limit).map(toChange),
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
  };
}
