import type { Database, Migration } from "../platform/database.ts";
import type { Label } from "../protocol/labels/index.ts";
import type { ActiveLabel, PublicStanding } from "./wanted.ts";

export const labelMigration: Migration = {
  module: "label",
  steps: [
    `CREATE TABLE label (
       seq INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL,
       src TEXT NOT NULL, uri TEXT NOT NULL, cid TEXT, val TEXT NOT NULL, neg INTEGER NOT NULL,
       cts TEXT NOT NULL, exp TEXT, expires_at INTEGER, sig BLOB NOT NULL, key_id TEXT NOT NULL,
       superseded INTEGER NOT NULL DEFAULT 0
     ) STRICT;
     CREATE UNIQUE INDEX label_current ON label (uri, val) WHERE superseded = 0;
     CREATE INDEX label_subject ON label (subject, seq);
     CREATE INDEX label_expiry ON label (expires_at) WHERE superseded = 0 AND neg = 0;
     CREATE TABLE label_standing (
       did TEXT PRIMARY KEY, member INTEGER NOT NULL, clean_sender INTEGER NOT NULL, ended INTEGER NOT NULL
     ) STRICT;`,
    `ALTER TABLE label ADD COLUMN since INTEGER;
     UPDATE label SET since = (
       SELECT CAST(unixepoch(min(first.cts), 'subsec') * 1000 AS INTEGER) FROM label AS first
       WHERE first.uri = label.uri AND first.val = label.val AND first.neg = label.neg AND first.seq <= label.seq
         AND first.seq > coalesce((SELECT max(other.seq) FROM label AS other WHERE other.uri = label.uri
           AND other.val = label.val AND other.neg <> label.neg AND other.seq < label.seq), -1)
     ) WHERE superseded = 0;
     CREATE INDEX label_current_seq ON label (seq) WHERE superseded = 0;
     CREATE TABLE label_stream (
       id INTEGER PRIMARY KEY CHECK (id = 1), pruned_to INTEGER NOT NULL, standing_seq INTEGER NOT NULL
     ) STRICT;
     INSERT INTO label_stream (id, pruned_to, standing_seq) VALUES (1, 0, 0);`,
  ],
};

type Row = {
  seq: number;
  src: string;
  uri: string;
  cid: string | null;
  val: string;
  neg: number;
  cts: string;
  exp: string | null;
  expires_at: number | null;
  sig: Uint8Array;
  key_id: string;
  since: number | null;
};

/** A prefix that names a DID whole, or nearly, has as many characters. */
const NARROW_PREFIX = 20;

/** A label with its place in the stream and the key (a did:key) that signed it. */
export type SequencedLabel = { seq: number; keyId: string; label: Label };

/** A label that is neither negated nor expired. `since`: first said, however often renewed, ms since the epoch. */
export type LabelInForce = { label: Label; since: number };

/** An inclusive range of subjects; both ends are the same for one. */
export type UriRange = readonly [from: string, to: string];

export function createStore(db: Database) {
  function lastSeq(): number {
    return db.get<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'label'")?.seq ?? 0;
  }

  /** A renewal goes on with what stands; after a negation or an expiry it begins anew. */
  function sinceOf({ uri, val }: Label, now: number): number | undefined {
    const sql = `SELECT since FROM label WHERE uri = ? AND val = ? AND superseded = 0 AND neg = 0
      AND coalesce(expires_at, ?) >= ?`;
    return db.get<{ since: number | null }>(sql, uri, val, now + 1, now + 1)?.since ?? undefined;
  }

  return {
    transaction: <T>(work: () => T): T => db.transaction(work),
    lastSeq,

    /**
     * Appends a label and marks what it supersedes. Sequence numbers follow the clock, so that a database restored
     * from a backup does not give out a number again that subscribers have seen.
     */
    append(subject: string, label: Label, keyId: string, now: number): number {
      const seq = Math.max(lastSeq() + 1, Math.floor(now));
      const since = label.neg ? undefined : sinceOf(label, now);
      db.run(
        "UPDATE label SET superseded = 1 WHERE uri = ? AND val = ? AND superseded = 0",
        label.uri,
        label.val,
      );
      db.run(
        `INSERT INTO label (seq, subject, src, uri, cid, val, neg, cts, exp, expires_at, sig, key_id, since)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        seq,
        subject,
        label.src,
        label.uri,
        label.cid ?? null,
        label.val,
        label.neg ? 1 : 0,
        label.cts,
        label.exp ?? null,
        label.exp === undefined ? null : Date.parse(label.exp),
        label.sig,
        keyId,
        since ?? Date.parse(label.cts),
      );
      return seq;
    },
    resigned(seq: number, sig: Uint8Array, keyId: string): void {
      db.run("UPDATE label SET sig = ?, key_id = ? WHERE seq = ?", sig, keyId, seq);
    },

    /** The time of the last label of a subject and value, in ms; 0 when there was none. */
    lastTime(uri: string, val: string): number {
      const row = db.get<{ cts: string }>(
        "SELECT cts FROM label WHERE uri = ? AND val = ? AND superseded = 0",
        uri,
        val,
      );
      return row ? Date.parse(row.cts) : 0;
    },
    /** Not negated, about an account or its records; expired ones included. */
    activeOf(subject: string): ActiveLabel[] {
      return db
        .all<Row>(
          "SELECT * FROM label WHERE subject = ? AND superseded = 0 AND neg = 0 ORDER BY seq",
          subject,
        )
        .map((row) => ({ uri: row.uri, cid: row.cid, val: row.val, expiresAt: row.expires_at }));
    },
    inForce(now: number): LabelInForce[] {
      const sql = `SELECT * FROM label WHERE superseded = 0 AND neg = 0 AND coalesce(expires_at, ?) >= ? ORDER BY seq`;
      return db.all<Row>(sql, now + 1, now + 1).map(standing);
    },
    /** The same about one account and its records. */
    inForceOf(subject: string, now: number): LabelInForce[] {
      const sql = `SELECT * FROM label WHERE subject = ? AND superseded = 0 AND neg = 0
        AND coalesce(expires_at, ?) >= ? ORDER BY seq`;
      return db.all<Row>(sql, subject, now + 1, now + 1).map(standing);
    },
    history(subject: string): SequencedLabel[] {
      return db.all<Row>("SELECT * FROM label WHERE subject = ? ORDER BY seq", subject).map(fromRow);
    },
    /** Forgets superseded labels with a number below `before`, the oldest first, at most `limit`. Returns how many. */
    prune(before: number, limit: number): number {
      return db.transaction(() => {
        const old = db.all<{ seq: number }>(
          "SELECT seq FROM label WHERE superseded = 1 AND seq < ? ORDER BY seq LIMIT ?",
          before,
          limit,
        );
        for (const { seq } of old) db.run("DELETE FROM label WHERE seq = ?", seq);
        const last = old.at(-1);
        if (last) db.run("UPDATE label_stream SET pruned_to = max(pruned_to, ?)", last.seq);
        return old.length;
      });
    },
    /** The highest number that was forgotten; 0 when none was. */
    prunedTo(): number {
      return db.get<{ pruned_to: number }>("SELECT pruned_to FROM label_stream")?.pruned_to ?? 0;
    },
    /** What is kept of the stream past `seq`. */
    after(seq: number, limit: number): SequencedLabel[] {
      return db.all<Row>("SELECT * FROM label WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit).map(fromRow);
    },
    /** What is current (negations too, expired ones not) for any of the ranges, past `seq`. */
    current(ranges: readonly UriRange[], seq: number, limit: number, now: number): SequencedLabel[] {
      const where = ranges.map(() => "uri BETWEEN ? AND ?").join(" OR ");
      // Where much matches, walking in order finds a page soon; sorting all that matches would not.
      const broad = ranges.some(([from, to]) => from !== to && from.length < NARROW_PREFIX);
      const index = broad ? "label_current_seq" : "label_current";
      const sql = `SELECT * FROM label INDEXED BY ${index} WHERE superseded = 0 AND seq > ?
        AND coalesce(expires_at, ?) >= ? AND (${where}) ORDER BY seq LIMIT ?`;
      return db.all<Row>(sql, seq, now + 1, now + 1, ...ranges.flat(), limit).map(fromRow);
    },
    /** Accounts with a label that lives at most until `instant` and has not expired before `since`. */
    expiring(since: number, instant: number): string[] {
      const sql = `SELECT DISTINCT subject FROM label
        WHERE superseded = 0 AND neg = 0 AND expires_at BETWEEN ? AND ?`;
      return db.all<{ subject: string }>(sql, since, instant).map((row) => row.subject);
    },

    standing(did: string): PublicStanding | undefined {
      type StandingRow = { member: number; clean_sender: number; ended: number };
      const row = db.get<StandingRow>(
        "SELECT member, clean_sender, ended FROM label_standing WHERE did = ?",
        did,
      );
      return (
        row && { did, member: row.member === 1, cleanSender: row.clean_sender === 1, ended: row.ended === 1 }
      );
    },
    /** The last message of the standings that was taken over here. */
    standingSeq(): number {
      return db.get<{ standing_seq: number }>("SELECT standing_seq FROM label_stream")?.standing_seq ?? 0;
    },
    putStandingSeq(seq: number): void {
      db.run("UPDATE label_stream SET standing_seq = ?", seq);
    },
    putStanding(s: PublicStanding): void {
      db.run(
        "INSERT OR REPLACE INTO label_standing (did, member, clean_sender, ended) VALUES (?, ?, ?, ?)",
        s.did,
        s.member ? 1 : 0,
        s.cleanSender ? 1 : 0,
        s.ended ? 1 : 0,
      );
    },
  };
}

function standing(row: Row): LabelInForce {
  return { label: fromRow(row).label, since: row.since ?? Date.parse(row.cts) };
}

function fromRow(row: Row): SequencedLabel {
  return {
    seq: row.seq,
    keyId: row.key_id,
    label: {
      ver: 1,
      src: row.src,
      uri: row.uri,
      ...(row.cid === null ? {} : { cid: row.cid }),
      val: row.val,
      ...(row.neg ? { neg: true as const } : {}),
      cts: row.cts,
      ...(row.exp === null ? {} : { exp: row.exp }),
      sig: Uint8Array.from(row.sig),
    },
  };
}
