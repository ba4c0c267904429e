import { DAY_MS } from "../lib/clock.ts";
import type { Database, Migration } from "../platform/database.ts";
import type { Standing } from "../policy/index.ts";
import { REVIEW_DAYS } from "./transition.ts";

export const caseMigration: Migration = {
  module: "case",
  steps: [
    `CREATE TABLE committee_case (
       id INTEGER PRIMARY KEY AUTOINCREMENT, did TEXT NOT NULL, kind TEXT NOT NULL, about TEXT NOT NULL UNIQUE,
       opened_at INTEGER NOT NULL, due_at INTEGER NOT NULL, facts TEXT NOT NULL, change_id INTEGER, pause_id INTEGER,
       words TEXT NOT NULL, decided_at INTEGER, decided_by TEXT, verdict TEXT, to_standing TEXT, reason TEXT
     ) STRICT;
     CREATE INDEX case_open ON committee_case (due_at) WHERE decided_at IS NULL;
     CREATE INDEX case_did ON committee_case (did, id);`,
    `CREATE INDEX case_pause ON committee_case (pause_id) WHERE pause_id IS NOT NULL;
     CREATE INDEX case_change ON committee_case (change_id) WHERE change_id IS NOT NULL;`,
  ],
};

/**
 * What only a person decides. `suspended`: a member was suspended. `complaints`: a rule stopped a credential, because
 * several people complained. `pause`: the breaker stopped one, and nobody has answered. `appeal`: a member says that a change
 * is wrong. `remedy`: a fortnight of probation is over, and the member has not said what it changed. `newcomers`: more
 * complaints during probation, mostly of people who signed up just now, which suspend nobody by themselves.
 */
export type CaseKind = "suspended" | "complaints" | "newcomers" | "pause" | "appeal" | "remedy";

/** `uphold`: what was done stands. `lift`: it is taken back. `standing`: another standing. */
export type CaseVerdict = "uphold" | "lift" | "standing";

/** Times in ms since the epoch. */
export type Case = {
  id: number;
  did: string;
  kind: CaseKind;
  /** What it is about, once for each: `change:7`, `pause:3`, `appeal:7:1`. */
  about: string;
  openedAt: number;
  dueAt: number;
  /** What is known, for who decides. */
  facts: Record<string, unknown>;
  /** Of the standing, and the pause, that it is about. */
  changeId: number | null;
  pauseId: number | null;
  /** The member's own, or empty. */
  words: string;
  decision: {
    at: number;
    by: string;
    verdict: CaseVerdict;
    to: Standing | null;
    reason: string;
  } | null;
};

const TITLES: Readonly<Record<CaseKind, string>> = {
  suspended: "A member is suspended: does that stand?",
  complaints: "Several people complained about a credential, which is stopped",
  newcomers: "People who have just signed up complain during a probation: is it the member's doing?",
  pause: "The breaker stopped a credential, and nobody has answered",
  appeal: "A member says that a change of its standing is wrong",
  remedy: "A fortnight of probation is over, and the member has not said what it changed",
};

export const caseTitle = (kind: CaseKind): string => TITLES[kind];

/** Days by which a person is to have decided. */
const DUE_DAYS: Readonly<Record<CaseKind, number>> = {
  suspended: 2,
  complaints: 2,
  newcomers: 2,
  pause: 2,
  appeal: 7,
  remedy: 7,
};

/** What a person can say to a case of a kind. */
export const VERDICTS_OF: Readonly<Record<CaseKind, readonly CaseVerdict[]>> = {
  suspended: ["uphold", "lift", "standing"],
  complaints: ["uphold", "lift", "standing"],
  newcomers: ["uphold", "lift", "standing"],
  pause: ["uphold", "lift"],
  appeal: ["uphold", "lift", "standing"],
  remedy: ["uphold", "lift", "standing"],
};

export type DecisionEffects = {
  /** Another standing, decided by this person. */
  standing?: Standing;
  /** The pause that it is about: it ends and its mail leaves, or it becomes a person's own. */
  pause?: "end" | "keep";
  /** The suspension stands until a person ends it, and is looked at again then. */
  upheld?: { reviewAt: number };
  /** Another fortnight of probation. */
  putOff?: true;
};

/**
 * What follows from a decision. `before`: the standing before the change that it is about. `lift` of a suspension or an
 * appeal gives that back, never a better one than the member has now deserved by other causes: the desk compares.
 */
export function decisionEffects(
  { kind }: Pick<Case, "kind">,
  decision: { verdict: CaseVerdict; to?: Standing; at: number },
  before: Standing,
): DecisionEffects {
  const { verdict, to, at } = decision;
  if (verdict === "standing" && to !== undefined) return { standing: to };
  const isLifted = verdict === "lift";
  switch (kind) {
    case "suspended":
      return isLifted ? { standing: before } : { upheld: { reviewAt: at + REVIEW_DAYS * DAY_MS } };
    case "newcomers":
    case "appeal":
      return isLifted ? { standing: before } : {};
    case "remedy":
      return isLifted ? { standing: "warned" } : { putOff: true };
    case "complaints":
    case "pause":
      return { pause: isLifted ? "end" : "keep" };
  }
}

/**
 * Whether somebody would decide about itself: `by` names the member's DID, handle, one of its domains or an address there, in
 * whatever spelling and among whatever other words. Against a slip, not against a lie: who has the committee's access is trusted.
 */
export function isOwnCase(
  by: string,
  member: { did: string; handle: string; domains: readonly string[] },
): boolean {
  const plain = by
    .normalize("NFKC")
    .toLowerCase()
    .replace(/\p{Cf}+/gu, "");
  const words = plain.split(/[\s<>()[\]"'`,;/@]+/u).map((word) => word.replace(/[.:]+$/, ""));
  const own = new Set([member.did, member.handle, ...member.domains].map((name) => name.toLowerCase()));
  return words.some((word) => word !== "" && own.has(word));
}

type Row = {
  id: number;
  did: string;
  kind: CaseKind;
  about: string;
  opened_at: number;
  due_at: number;
  facts: string;
  change_id: number | null;
  pause_id: number | null;
  words: string;
  decided_at: number | null;
  decided_by: string | null;
  verdict: CaseVerdict | null;
  to_standing: Standing | null;
  reason: string | null;
};

export type NewCase = Pick<Case, "did" | "kind" | "about"> &
  Partial<Pick<Case, "facts" | "changeId" | "pauseId" | "words">> & {
    at: number;
    /** Otherwise by its kind. */
    dueAt?: number;
  };

export type Cases = ReturnType<typeof createCases>;

/** Cases as core keeps them. A decision is written once and never overwritten. */
export function createCases(db: Database) {
  const get = (id: number): Case | undefined => {
    const row = db.get<Row>("SELECT * FROM committee_case WHERE id = ?", id);
    return row && read(row);
  };

  return {
    /** Undefined: there is one about this already. */
    open(one: NewCase): Case | undefined {
      const { did, kind, about, at, facts = {}, changeId = null, pauseId = null, words = "" } = one;
      const dueAt = one.dueAt ?? at + DUE_DAYS[kind] * DAY_MS;
      const { changes, lastInsertRowid } = db.run(
        `INSERT INTO committee_case (did, kind, about, opened_at, due_at, facts, change_id, pause_id, words)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (about) DO NOTHING`,
        did,
        kind,
        about,
        at,
        dueAt,
        JSON.stringify(facts),
        changeId,
        pauseId,
        words,
      );
      return changes === 0 ? undefined : get(lastInsertRowid);
    },
    get,
    /** Those first that are due first; decided ones the newest first. */
    list(state: "open" | "decided" | "all", limit: number, did?: string): Case[] {
      const which = { open: "decided_at IS NULL", decided: "decided_at IS NOT NULL", all: "1" }[state];
      const order = state === "open" ? "due_at, id" : "decided_at IS NOT NULL, id DESC";
      const rows =
        did === undefined
          ? db.all<Row>(`SELECT * FROM committee_case WHERE ${which} ORDER BY ${order} LIMIT ?`, limit)
          : db.all<Row>(
              `SELECT * FROM committee_case WHERE ${which} AND did = ? ORDER BY ${order} LIMIT ?`,
              did,
              limit,
            );
      return rows.map(read);
    },
    /** All that are open about a member. */
    openOf: (did: string): Case[] =>
      db
        .all<Row>(
          "SELECT * FROM committee_case WHERE did = ? AND decided_at IS NULL ORDER BY due_at, id",
          did,
        )
        .map(read),
    /** Members about whom any is open. */
    withOpen: (): string[] =>
      db
        .all<{ did: string }>("SELECT DISTINCT did FROM committee_case WHERE decided_at IS NULL ORDER BY did")
        .map(({ did }) => did),
    /** Every appeal against a change, the oldest first. */
    appealsOf: (changeId: number): Case[] =>
      db
        .all<Row>(
          "SELECT * FROM committee_case WHERE change_id = ? AND kind = 'appeal' ORDER BY id",
          changeId,
        )
        .map(read),
    /** Open ones about a pause, or a change. */
    openAbout: (what: { pauseId: number } | { changeId: number }): Case[] => {
      const [column, id] =
        "pauseId" in what ? (["pause_id", what.pauseId] as const) : (["change_id", what.changeId] as const);
      return db
        .all<Row>(`SELECT * FROM committee_case WHERE ${column} = ? AND decided_at IS NULL`, id)
        .map(read);
    },
    /** Drops what was decided before, at most `limit`; returns how many. */
    prune: (before: number, limit: number): number =>
      db.run(
        "DELETE FROM committee_case WHERE id IN (SELECT id FROM committee_case WHERE decided_at < ? LIMIT ?)",
        before,
        limit,
      ).changes,
    /** Undefined: it is decided already, or there is none. */
    decide(id: number, decision: NonNullable<Case["decision"]>): Case | undefined {
      const { at, by, verdict, to, reason } = decision;
      const { changes } = db.run(
        `UPDATE committee_case SET decided_at = ?, decided_by = ?, verdict = ?, to_standing = ?, reason = ?
         WHERE id = ? AND decided_at IS NULL`,
        at,
        by,
        verdict,
        to,
        reason,
        id,
      );
      return changes === 0 ? undefined : get(id);
    },
  };
}

function read(row: Row): Case {
  return {
    id: row.id,
    did: row.did,
    kind: row.kind,
    about: row.about,
    openedAt: row.opened_at,
    dueAt: row.due_at,
    facts: JSON.parse(row.facts) as Record<string, unknown>,
    changeId: row.change_id,
    pauseId: row.pause_id,
    words: row.words,
    decision:
      row.decided_at === null
        ? null
        : {
            at: row.decided_at,
            by: row.decided_by ?? "",
            verdict: row.verdict ?? "uphold",
            to: row.to_standing,
            reason: row.reason ?? "",
          },
  };
}
