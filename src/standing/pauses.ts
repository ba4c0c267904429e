import type { Database, Migration } from "../platform/database.ts";

export const pauseMigration: Migration = {
  module: "pause",
  steps: [
    `CREATE TABLE pause (
       id INTEGER PRIMARY KEY AUTOINCREMENT, did TEXT NOT NULL, credential TEXT, cause TEXT NOT NULL,
       at INTEGER NOT NULL, last_at INTEGER NOT NULL, facts TEXT NOT NULL, paused_by TEXT, reason TEXT NOT NULL,
       ended_at INTEGER, ended_by TEXT, ended_how TEXT, end_reason TEXT, command TEXT
     ) STRICT;
     CREATE INDEX pause_did ON pause (did, id);
     CREATE INDEX pause_open ON pause (did) WHERE ended_at IS NULL;
     CREATE INDEX pause_command ON pause (id) WHERE command IS NOT NULL;`,
    "CREATE INDEX pause_unended ON pause (id) WHERE ended_at IS NULL",
  ],
};

export type Ending = "resumed" | "this-was-me" | "this-was-not-me";

/** What is kept of an answer for which its member gave no reason. */
export const ANSWER_WORDS = {
  "this-was-me": "It was the member.",
  "this-was-not-me": "It was not the member.",
} as const satisfies Partial<Record<Ending, string>>;

/** Sending stopped, of a whole member or of one credential. Not a standing. Times in ms since the epoch. */
export type Pause = {
  id: number;
  did: string;
  /** Null: the whole member. */
  credential: string | null;
  cause: string;
  /** By the clock of the node whose breaker began it. */
  at: number;
  /** Counts that the breaker saw. */
  facts: Record<string, unknown>;
  /** The person who began it; null for the breaker. */
  by: string | null;
  reason: string;
  /** `left`: the membership ended before anybody answered. */
  end: { at: number; by: string; how: Ending | "left"; reason: string } | null;
};

type Row = {
  id: number;
  did: string;
  credential: string | null;
  cause: string;
  at: number;
  last_at: number;
  facts: string;
  paused_by: string | null;
  reason: string;
  ended_at: number | null;
  ended_by: string | null;
  ended_how: Ending | "left" | null;
  end_reason: string | null;
  command: string | null;
};

export type NewPause = Omit<Pause, "id" | "end">;

/** What relay nodes must know: whether it is stopped, and up to when a node's own pauses are over. */
export type PauseState = { paused?: true; resumedUpTo?: number };

/** What becomes of the mail that a pause held, and of the credential. */
export type Resumption =
  | { refused: "over" | "not-yours" | "not-answered" }
  | { how: Ending; mail: "release" | "drop"; replace: boolean };

/**
 * Who may end a pause, and how. The breaker's can be ended by the member, who says whether the mail was its own and
 * gets another credential in either case; a person's only by the committee.
 */
export function resumption(
  pause: Pick<Pause, "by" | "end">,
  who: "member" | "committee",
  answer: Ending,
): Resumption {
  if (pause.end !== null) return { refused: "over" };
  if (who === "member" && pause.by !== null) return { refused: "not-yours" };
  if (who === "member" && answer === "resumed") return { refused: "not-answered" };
  if (answer === "this-was-not-me") return { how: answer, mail: "drop", replace: true };
  return { how: answer, mail: "release", replace: answer === "this-was-me" };
}

/** Of what people complain, and of what a breaker sees by itself: each is answered for itself. */
const OF_COMPLAINTS = "complaints";

function kindOf(by: string | null, cause: string): "person" | "complaints" | "breaker" {
  if (by !== null) return "person";
  return cause === OF_COMPLAINTS ? "complaints" : "breaker";
}

export type Pauses = ReturnType<typeof createPauses>;

/** Every pause with its end. Nothing is overwritten; ending what has ended changes nothing. */
export function createPauses(db: Database) {
  const openOf = (did: string): Row[] =>
    db.all<Row>("SELECT * FROM pause WHERE did = ? AND ended_at IS NULL ORDER BY id", did);

  /** The latest stamp of a breaker's pause that has been ended, in any way but these. */
  function endedUpTo(
    did: string,
    credential: string | null,
    but: readonly (Ending | "left")[],
  ): number | undefined {
    const row = db.get<{ at: number | null }>(
      `SELECT max(last_at) AS at FROM pause
       WHERE did = ? AND credential IS ? AND paused_by IS NULL AND ended_at IS NOT NULL
         AND ended_how NOT IN (SELECT value FROM json_each(?))`,
      did,
      credential,
      JSON.stringify(but),
    );
    return row?.at ?? undefined;
  }

  /** The latest stamp of an ended pause of the same kind. */
  function answeredUpTo({ did, credential, cause }: NewPause): number {
    const row = db.get<{ at: number | null }>(
      `SELECT max(last_at) AS at FROM pause WHERE did = ? AND credential IS ? AND paused_by IS NULL
         AND ended_at IS NOT NULL AND (cause = '${OF_COMPLAINTS}') = ?`,
      did,
      credential,
      cause === OF_COMPLAINTS ? 1 : 0,
    );
    return row?.at ?? -Infinity;
  }

  return {
    /**
     * Undefined when nothing new began: it was told before, it has been ended already, or one of the same kind is open
     * (which then reaches to this time).
     */
    begin(pause: NewPause): Pause | undefined {
      const { did, credential, at, by } = pause;
      if (by === null && at <= answeredUpTo(pause)) return undefined;
      const kind = kindOf(by, pause.cause);
      const same = openOf(did).find(
        (row) => row.credential === credential && kindOf(row.paused_by, row.cause) === kind,
      );
      if (same) {
        db.run("UPDATE pause SET last_at = max(last_at, ?) WHERE id = ?", at, same.id);
        return undefined;
      }
      const { lastInsertRowid } = db.run(
        `INSERT INTO pause (did, credential, cause, at, last_at, facts, paused_by, reason)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        did,
        credential,
        pause.cause,
        at,
        at,
        JSON.stringify(pause.facts),
        by,
        pause.reason,
      );
      return { ...pause, id: lastInsertRowid, end: null };
    },

    /** `command`: what a relay node is to be told of it, kept until that is done. */
    end(id: number, end: NonNullable<Pause["end"]>, command: unknown): void {
      db.run(
        `UPDATE pause SET ended_at = ?, ended_by = ?, ended_how = ?, end_reason = ?, command = ?
         WHERE id = ? AND ended_at IS NULL`,
        end.at,
        end.by,
        end.how,
        end.reason,
        command === undefined ? null : JSON.stringify(command),
        id,
      );
    },

    untold: () =>
      db
        .all<{ id: number; command: string }>(
          "SELECT id, command FROM pause WHERE command IS NOT NULL ORDER BY id LIMIT 100",
        )
        .map(({ id, command }) => ({ id, command: JSON.parse(command) as unknown })),
    told: (id: number): void => void db.run("UPDATE pause SET command = NULL WHERE id = ?", id),

    get: (id: number): Pause | undefined => {
      const row = db.get<Row>("SELECT * FROM pause WHERE id = ?", id);
      return row && read(row);
    },
    open: (did: string): Pause[] => openOf(did).map(read),
    /** The oldest first; those that came after the one of this number. */
    allOpen: (limit: number, after = 0): Pause[] =>
      db
        .all<Row>("SELECT * FROM pause WHERE ended_at IS NULL AND id > ? ORDER BY id LIMIT ?", after, limit)
        .map(read),
    /** Every open one, and then so many that have ended; the newest first. */
    of: (did: string, ended: number): Pause[] =>
      [
        ...openOf(did).toReversed(),
        ...db.all<Row>(
          "SELECT * FROM pause WHERE did = ? AND ended_at IS NOT NULL ORDER BY id DESC LIMIT ?",
          did,
          ended,
        ),
      ].map(read),

    /**
     * Of the whole member (`null`) or of one credential. A node takes `resumedUpTo` for a yes to what was sent: of a
     * credential that somebody else used there is none, nor where nobody answered.
     */
    stateOf(did: string, credential: string | null): PauseState {
      const upTo = endedUpTo(did, credential, credential === null ? [] : ["left", "this-was-not-me"]);
      return {
        ...(openOf(did).some((row) => row.credential === credential) && { paused: true }),
        ...(upTo !== undefined && { resumedUpTo: upTo }),
      };
    },
  };
}

function read(row: Row): Pause {
  return {
    id: row.id,
    did: row.did,
    credential: row.credential,
    cause: row.cause,
    at: row.at,
    facts: JSON.parse(row.facts) as Record<string, unknown>,
    by: row.paused_by,
    reason: row.reason,
    end:
      row.ended_at === null
        ? null
        : {
            at: row.ended_at,
            by: row.ended_by ?? "",
            how: row.ended_how ?? "resumed",
            reason: row.end_reason ?? "",
          },
  };
}
