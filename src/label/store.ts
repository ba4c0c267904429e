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
};

/** A label with its place in the stream and the key (a did:key) that signed it. */
export type SequencedLabel = { seq: number; keyId: string; label: Label };

/** An inclusive range of subjects; both ends are the same for one. */
export type UriRange = readonly [from: string, to: string];

export function createStore(db: Database) {
  function lastSeq(): number {
    return db.get<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'label'")?.seq ?? 0;
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
      db.run(
        "UPDATE label SET superseded = 1 WHERE uri = ? AND val = ? AND superseded = 0",
        label.uri,
        label.val,
      );
      db.run(
        `INSERT INTO label (seq, subject, src, uri, cid, val, neg, cts, exp, expires_at, sig, key_id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
    active(now: number): SequencedLabel[] {
      const sql = `SELECT * FROM label WHERE superseded = 0 AND neg = 0 AND coalesce(expires_at, ?) >= ? ORDER BY seq`;
      return db.all<Row>(sql, now + 1, now + 1).map(fromRow);
    },
    history(subject: string): SequencedLabel[] {
      return db.all<Row>("SELECT * FROM label WHERE subject = ? ORDER BY seq", subject).map(fromRow);
    },
    /** The whole stream past `seq`. */
    after(seq: number, limit: number): SequencedLabel[] {
      return db.all<Row>("SELECT * FROM label WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit).map(fromRow);
    },
    /** What is current (negations too, expired ones not) for any of the ranges, past `seq`. */
    current(ranges: readonly UriRange[], seq: number, limit: number, now: number): SequencedLabel[] {
      const where = ranges.map(() => "uri BETWEEN ? AND ?").join(" OR ");
      const sql = `SELECT * FROM label WHERE superseded = 0 AND seq > ? AND coalesce(expires_at, ?) >= ?
        AND (${where}) ORDER BY seq LIMIT ?`;
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
