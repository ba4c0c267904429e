import { DAY_MS } from "../lib/clock.ts";
import type { Database, Migration } from "../platform/database.ts";
import { BOUNCE_REASONS, type Sighting } from "./rule.ts";
import type {
  NewSuppression,
  Suppression,
  SuppressionEvidence,
  SuppressionReason,
  ToldSuppression,
} from "./types.ts";

export const suppressionMigration: Migration = {
  module: "suppression",
  steps: [
    `CREATE TABLE suppression (
       id INTEGER PRIMARY KEY AUTOINCREMENT, did TEXT, streams TEXT NOT NULL, key TEXT NOT NULL, domain TEXT NOT NULL,
       reason TEXT NOT NULL, source TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER, evidence TEXT,
       message_id TEXT, exempt INTEGER NOT NULL, version INTEGER NOT NULL UNIQUE, released_at INTEGER, released_by TEXT
     ) STRICT;
     CREATE UNIQUE INDEX suppression_open ON suppression (key, ifnull(did, ''), streams, exempt)
       WHERE released_at IS NULL;
     CREATE INDEX suppression_key ON suppression (key, did);
     CREATE INDEX suppression_did ON suppression (did, id) WHERE released_at IS NULL;
     CREATE TABLE suppression_sighting (
       event TEXT PRIMARY KEY, key TEXT NOT NULL, did TEXT NOT NULL, at INTEGER NOT NULL, class TEXT NOT NULL,
       late INTEGER NOT NULL, provider TEXT NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX suppression_sighting_key ON suppression_sighting (key);
     CREATE INDEX suppression_sighting_at ON suppression_sighting (at);
     CREATE TABLE suppression_told (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL) STRICT;
     INSERT INTO suppression_told (one, version) VALUES (1, 0);`,
    // What a page counts is in it: no row is read for that.
    `CREATE INDEX suppression_counted ON suppression (did, reason, expires_at)
       WHERE released_at IS NULL AND exempt = 0`,
  ],
};

type Row = Omit<Suppression, "evidence" | "exempt"> & { evidence: string | null; exempt: number };

const COLUMNS = `id, did, streams, key, domain, reason, source, created_at AS createdAt, expires_at AS expiresAt,
  evidence, message_id AS messageId, exempt, version, released_at AS releasedAt, released_by AS releasedBy`;

const read = (row: Row): Suppression => ({
  ...row,
  evidence: row.evidence === null ? null : (JSON.parse(row.evidence) as SuppressionEvidence),
  exempt: row.exempt === 1,
});

export type SuppressionSighting = Sighting & { event: string; key: string; provider: string };

export type SuppressionQuery = {
  /** Of one member; null: what binds the pool. Absent: all. */
  did?: string | null;
  key?: string;
  domain?: string;
  reason?: SuppressionReason;
  /** `id` of the last one of the page before. */
  before?: number;
  limit: number;
};

/** The class of an event that is no refusal, and is kept to be taken once. */
export const SEEN = "seen";

/** How long a refusal is remembered beside the entry that it led to. */
const SIGHTINGS_MS = 400 * DAY_MS;
/** How long it stands who released an entry, or that it ended. */
const ENDED_MS = 400 * DAY_MS;

export type SuppressionStore = ReturnType<typeof createSuppressionStore>;

/** Core's books: which addresses nothing is sent to, since when, why, and who lifted it. */
export function createSuppressionStore(db: Database) {
  const nextVersion = (now: number): number => {
    const last = db.get<{ v: number | null }>("SELECT max(version) AS v FROM suppression")?.v ?? 0;
    return Math.max(last + 1, now);
  };
  const openOf = (entry: Pick<NewSuppression, "did" | "key" | "streams" | "exempt">) =>
    db.get<Row>(
      `SELECT ${COLUMNS} FROM suppression
       WHERE key = ? AND ifnull(did, '') = ? AND streams = ? AND exempt = ? AND released_at IS NULL`,
      entry.key,
      entry.did ?? "",
      entry.streams,
      entry.exempt ? 1 : 0,
    );

  function release(id: number, by: string, now: number): boolean {
    const sql =
      "UPDATE suppression SET released_at = ?, released_by = ?, version = ? WHERE id = ? AND released_at IS NULL";
    return db.run(sql, now, by, nextVersion(now), id).changes > 0;
  }

  return {
    /** False: a stronger one stands already. A person's wish is never replaced by a bounce. */
    put(entry: NewSuppression, now: number): boolean {
      const open = openOf(entry);
      if (open && (open.expiresAt === null || open.expiresAt > now)) {
        const longer = (entry.expiresAt ?? Infinity) > (open.expiresAt ?? Infinity);
        const stronger = entry.reason === "complaint" && open.reason !== "complaint";
        if (!stronger && (!longer || (isBounce(entry.reason) && isWish(open.reason)))) return false;
      }
      if (open) release(open.id, "replaced", now);
      db.run(
        `INSERT INTO suppression (did, streams, key, domain, reason, source, created_at, expires_at, evidence,
           message_id, exempt, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        entry.did,
        entry.streams,
        entry.key,
        entry.domain,
        entry.reason,
        entry.source,
        entry.createdAt,
        entry.expiresAt,
        entry.evidence === null ? null : JSON.stringify(entry.evidence),
        entry.messageId,
        entry.exempt ? 1 : 0,
        nextVersion(now),
      );
      return true;
    },
    release,
    get(id: number): Suppression | undefined {
      const row = db.get<Row>(`SELECT ${COLUMNS} FROM suppression WHERE id = ?`, id);
      return row && read(row);
    },
    /** Everything about a recipient that is in force for this member, exemptions too; without a member, all of it. */
    inForce(key: string, now: number, did?: string): Suppression[] {
      return db
        .all<Row>(
          `SELECT ${COLUMNS} FROM suppression WHERE key = ?1 AND released_at IS NULL
             AND (expires_at IS NULL OR expires_at > ?2) AND (?3 IS NULL OR did IS NULL OR did = ?3) ORDER BY id DESC`,
          key,
          now,
          did ?? null,
        )
        .map(read);
    },
    /** In force, the newest first; without exemptions. */
    list({ did, key, domain, reason, before, limit }: SuppressionQuery, now: number): Suppression[] {
      return db
        .all<Row>(
          `SELECT ${COLUMNS} FROM suppression
           WHERE released_at IS NULL AND exempt = 0 AND (expires_at IS NULL OR expires_at > ?1) AND id < ?2
             ${did === undefined ? "AND ?3 IS NULL" : "AND did IS ?3"}
             AND (?4 IS NULL OR key = ?4) AND (?5 IS NULL OR domain = ?5) AND (?6 IS NULL OR reason = ?6)
           ORDER BY id DESC LIMIT ?7`,
          now,
          before ?? Number.MAX_SAFE_INTEGER,
          did ?? null,
          key ?? null,
          domain ?? null,
          reason ?? null,
          limit,
        )
        .map(read);
    },
    /** In force, by member (null: the pool) and reason; with `did`, of that one alone. */
    counts(now: number, did?: string | null): { did: string | null; reason: SuppressionReason; n: number }[] {
      return db.all(
        `SELECT did, reason, count(*) AS n FROM suppression
         WHERE released_at IS NULL AND exempt = 0 AND (expires_at IS NULL OR expires_at > ?1)
           ${did === undefined ? "AND ?2 IS NULL" : "AND did IS ?2"} GROUP BY did, reason`,
        now,
        did ?? null,
      );
    },
    /** When it was last released by a hand, for this member or (null) for the pool. */
    releasedAt(key: string, did: string | null): number | undefined {
      const sql = `SELECT max(at) AS at FROM (
          SELECT released_at AS at FROM suppression WHERE key = ?1 AND did IS ?2 AND exempt = 0
            AND released_by NOT IN ('replaced', 'delivered')
          UNION ALL SELECT created_at FROM suppression WHERE key = ?1 AND did IS ?2 AND exempt = 1)`;
      return db.get<{ at: number | null }>(sql, key, did)?.at ?? undefined;
    },
    /** False: this event was seen before. */
    sight(one: SuppressionSighting): boolean {
      const sql = `INSERT INTO suppression_sighting (event, key, did, at, class, late, provider)
        VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event) DO NOTHING`;
      const { event, key, did, at, class: kind, late, provider } = one;
      return db.run(sql, event, key, did, at, kind, late ? 1 : 0, provider).changes > 0;
    },
    /** Refusals of a recipient, without the one of this event. */
    sightings(key: string, without: string): Sighting[] {
      return db
        .all<Omit<Sighting, "late"> & { late: number }>(
          `SELECT did, at, class, late FROM suppression_sighting WHERE key = ? AND event <> ? AND class <> ?
           ORDER BY at DESC LIMIT 100`,
          key,
          without,
          SEEN,
        )
        .map((row) => ({ ...row, late: row.late === 1 }));
    },
    /** It was there after all, at `until`. */
    forgetSightings: (key: string, until: number) =>
      db.run("DELETE FROM suppression_sighting WHERE key = ? AND class <> ? AND at <= ?", key, SEEN, until)
        .changes,
    /** Refusals by a provider in this time, with their events: what an incident takes back. */
    takeBack(provider: string, from: number, to: number): { event: string; key: string }[] {
      const sql = "FROM suppression_sighting WHERE at >= ? AND at <= ? AND provider = ? AND class <> ?";
      const taken = db.all<{ event: string; key: string }>(
        `SELECT event, key ${sql}`,
        from,
        to,
        provider,
        SEEN,
      );
      db.run(`DELETE ${sql}`, from, to, provider, SEEN);
      return taken;
    },
    /** Those in force that came from one of these events. */
    bySource(sources: readonly string[]): Suppression[] {
      return db
        .all<Row>(
          `SELECT ${COLUMNS} FROM suppression
           WHERE released_at IS NULL AND source IN (SELECT value FROM json_each(?))`,
          JSON.stringify(sources),
        )
        .map(read);
    },
    /** Changes that relay nodes were not told yet, in their order; `from`: the last version that they were. */
    untold(limit: number): { from: number; changes: ToldSuppression[] } {
      const from = db.get<{ version: number }>("SELECT version FROM suppression_told")?.version ?? 0;
      const sql = `SELECT ${COLUMNS} FROM suppression WHERE version > ? ORDER BY version LIMIT ?`;
      return { from, changes: db.all<Row>(sql, from, limit).map((row) => toldOf(read(row))) };
    },
    /** What followed `from` was told up to `to`; nothing changes when a node has asked for more meanwhile. */
    told(from: number, to: number): void {
      db.run("UPDATE suppression_told SET version = ? WHERE version = ?", to, from);
    },
    /** A node knows only so much: what followed is told again. */
    tellFrom(version: number): void {
      db.run("UPDATE suppression_told SET version = min(version, ?)", version);
    },
    /** The last version up to this one; 0: there is none. Lower than what a node knows: some of that was lost here. */
    lastUpTo(version: number): number {
      const sql = "SELECT max(version) AS v FROM suppression WHERE version <= ?";
      return db.get<{ v: number | null }>(sql, version)?.v ?? 0;
    },
    prune(now: number): number {
      db.run("DELETE FROM suppression_sighting WHERE at < ?", now - SIGHTINGS_MS);
      const sql = `DELETE FROM suppression WHERE (released_at < ?1 OR expires_at < ?1)
        AND version <= (SELECT version FROM suppression_told)
        AND version < (SELECT max(version) FROM suppression)`;
      return db.run(sql, now - ENDED_MS).changes;
    },
  };
}

const isBounce = (reason: SuppressionReason) => BOUNCE_REASONS.some((one) => one === reason);
/** What a person wants, not what a server said. */
const isWish = (reason: SuppressionReason) =>
  reason === "complaint" || reason === "unsubscribe" || reason === "manual";

const WORDS = 200;

function toldOf(entry: Suppression): ToldSuppression {
  const { did, streams, key, domain, reason, createdAt, expiresAt, exempt, version, evidence, id } = entry;
  // Of the pool's, they were said to another member.
  const words =
    evidence && did !== null
      ? [evidence.code || "", evidence.enhanced, evidence.text].filter(Boolean).join(" ")
      : "";
  return {
    id,
    did,
    streams,
    key,
    domain,
    reason,
    createdAt,
    expiresAt,
    exempt,
    version,
    words: words.slice(0, WORDS),
    open: entry.releasedAt === null,
  };
}
