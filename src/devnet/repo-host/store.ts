import { randomInt } from "node:crypto";
import { parseCid, type Cid } from "@atproto/lex";
import { BlockMap, ReadableBlockstore } from "@atproto/repo";
import type { CommitData, RepoStorage } from "@atproto/repo";
import type { Database, Migration } from "../../platform/database.ts";

export const repoHostMigration: Migration = {
  module: "devnet_repo_host",
  steps: [
    `CREATE TABLE repo_account (
       did TEXT PRIMARY KEY,
       handle TEXT NOT NULL UNIQUE,
       status TEXT NOT NULL DEFAULT 'active',
       signing_key BLOB NOT NULL,
       rotation_key BLOB NOT NULL,
       head TEXT,
       rev TEXT
     ) STRICT;
     CREATE TABLE repo_block (
       did TEXT NOT NULL,
       cid TEXT NOT NULL,
       bytes BLOB NOT NULL,
       PRIMARY KEY (did, cid)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE repo_record (
       did TEXT NOT NULL,
       collection TEXT NOT NULL,
       rkey TEXT NOT NULL,
       cid TEXT NOT NULL,
       PRIMARY KEY (did, collection, rkey)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE repo_event (
       seq INTEGER PRIMARY KEY AUTOINCREMENT,
       frame BLOB NOT NULL
     ) STRICT`,
    "ALTER TABLE repo_account ADD COLUMN app_password TEXT",
  ],
};

/** Why an account is not served, in the words of `com.atproto.sync.getRepoStatus`. */
export type AccountStatus = "active" | "deactivated" | "deleted";

export type Account = {
  did: string;
  handle: string;
  status: AccountStatus;
  signing_key: Uint8Array;
  rotation_key: Uint8Array;
  head: string | null;
  rev: string | null;
};

export type RecordRow = { rkey: string; cid: string };
export type EventRow = { seq: number; frame: Uint8Array };

/** The stream keeps this many events; an older cursor is told so. */
const KEPT_EVENTS = 10_000;
const PASSWORD_LETTERS = "abcdefghijklmnopqrstuvwxyz234567";

export type RepoStore = ReturnType<typeof createRepoStore>;

export function createRepoStore(db: Database) {
  return {
    transaction: <T>(work: () => T): T => db.transaction(work),
    account: (did: string) => db.get<Account>("SELECT * FROM repo_account WHERE did = ?", did),
    byHandle: (handle: string) => db.get<Account>("SELECT * FROM repo_account WHERE handle = ?", handle),
    /** Accounts in order of their DIDs, after `cursor`. */
    accounts: (cursor: string, limit: number) =>
      db.all<Account>("SELECT * FROM repo_account WHERE did > ? ORDER BY did LIMIT ?", cursor, limit),
    insertAccount(account: Pick<Account, "did" | "handle" | "signing_key" | "rotation_key">): void {
      db.run(
        "INSERT INTO repo_account (did, handle, signing_key, rotation_key) VALUES (?, ?, ?, ?)",
        account.did,
        account.handle,
        account.signing_key,
        account.rotation_key,
      );
    },
    /** By which the account's programs log in; made when it is asked for first. */
    appPassword(did: string): string {
      db.run(
        "UPDATE repo_account SET app_password = coalesce(app_password, ?) WHERE did = ?",
        newPassword(),
        did,
      );
      const row = db.get<{ app_password: string }>(
        "SELECT app_password FROM repo_account WHERE did = ?",
        did,
      );
      return row?.app_password ?? "";
    },
    setSigningKey(did: string, key: Uint8Array): void {
      db.run("UPDATE repo_account SET signing_key = ? WHERE did = ?", key, did);
    },
    setStatus(did: string, status: AccountStatus): void {
      db.run("UPDATE repo_account SET status = ? WHERE did = ?", status, did);
    },
    record: (did: string, collection: string, rkey: string) =>
      db.get<RecordRow>(
        "SELECT rkey, cid FROM repo_record WHERE did = ? AND collection = ? AND rkey = ?",
        did,
        collection,
        rkey,
      ),
    records: (did: string, collection: string, cursor: string, limit: number) =>
      db.all<RecordRow>(
        `SELECT rkey, cid FROM repo_record WHERE did = ? AND collection = ? AND rkey > ?
         ORDER BY rkey LIMIT ?`,
        did,
        collection,
        cursor,
        limit,
      ),
    didsWith: (collection: string, cursor: string, limit: number) =>
      db
        .all<{ did: string }>(
          `SELECT DISTINCT did FROM repo_record JOIN repo_account USING (did)
           WHERE collection = ? AND did > ? AND status = 'active' ORDER BY did LIMIT ?`,
          collection,
          cursor,
          limit,
        )
        .map((row) => row.did),
    setRecord(did: string, collection: string, rkey: string, cid: string): void {
      db.run(
        `INSERT INTO repo_record (did, collection, rkey, cid) VALUES (?, ?, ?, ?)
         ON CONFLICT (did, collection, rkey) DO UPDATE SET cid = excluded.cid`,
        did,
        collection,
        rkey,
        cid,
      );
    },
    removeRecord(did: string, collection: string, rkey: string): void {
      db.run("DELETE FROM repo_record WHERE did = ? AND collection = ? AND rkey = ?", did, collection, rkey);
    },
    /** Stores an event under the next number, which its frame carries; returns the number. */
    addEvent(frame: (seq: number) => Uint8Array): number {
      const { lastInsertRowid: seq } = db.run("INSERT INTO repo_event (frame) VALUES (x'')");
      db.run("UPDATE repo_event SET frame = ? WHERE seq = ?", frame(seq), seq);
      db.run("DELETE FROM repo_event WHERE seq <= ?", seq - KEPT_EVENTS);
      return seq;
    },
    events: (after: number, limit: number) =>
      db.all<EventRow>("SELECT seq, frame FROM repo_event WHERE seq > ? ORDER BY seq LIMIT ?", after, limit),
    eventRange(): { oldest: number; newest: number } {
      const row = db.get<{ oldest: number; newest: number }>(
        "SELECT coalesce(min(seq), 0) AS oldest, coalesce(max(seq), 0) AS newest FROM repo_event",
      );
      return row ?? { oldest: 0, newest: 0 };
    },
    blocks: (did: string) => new BlockStore(db, did),
  };
}

/** Four times four letters and digits, as a PDS makes them. */
function newPassword(): string {
  const letters = Array.from({ length: 16 }, () => PASSWORD_LETTERS[randomInt(PASSWORD_LETTERS.length)]);
  return letters.join("").replace(/.{4}(?=.)/g, "$&-");
}

/** The blocks of one repository, for `@atproto/repo`. */
class BlockStore extends ReadableBlockstore implements RepoStorage {
  readonly #db: Database;
  readonly #did: string;

  constructor(db: Database, did: string) {
    super();
    this.#db = db;
    this.#did = did;
  }

  async getRoot(): Promise<Cid | null> {
    const row = this.#db.get<{ head: string | null }>(
      "SELECT head FROM repo_account WHERE did = ?",
      this.#did,
    );
    return row?.head ? parseCid(row.head) : null;
  }

  async getBytes(cid: Cid): Promise<Uint8Array | null> {
    const row = this.#db.get<{ bytes: Uint8Array }>(
      "SELECT bytes FROM repo_block WHERE did = ? AND cid = ?",
      this.#did,
      cid.toString(),
    );
    return row?.bytes ?? null;
  }

  async has(cid: Cid): Promise<boolean> {
    return (await this.getBytes(cid)) !== null;
  }

  async getBlocks(cids: Cid[]): Promise<{ blocks: BlockMap; missing: Cid[] }> {
    const blocks = new BlockMap();
    const missing: Cid[] = [];
    for (const cid of cids) {
      const bytes = await this.getBytes(cid);
      if (bytes) blocks.set(cid, bytes);
      else missing.push(cid);
    }
    return { blocks, missing };
  }

  async putBlock(cid: Cid, bytes: Uint8Array): Promise<void> {
    this.#put(cid, bytes);
  }

  async putMany(blocks: BlockMap): Promise<void> {
    for (const { cid, bytes } of blocks.entries()) this.#put(cid, bytes);
  }

  async updateRoot(cid: Cid, rev: string): Promise<void> {
    this.#db.run("UPDATE repo_account SET head = ?, rev = ? WHERE did = ?", cid.toString(), rev, this.#did);
  }

  async applyCommit(commit: CommitData): Promise<void> {
    this.apply(commit);
  }

  /**
   * As `applyCommit`, at once, so that it can be part of a transaction. A block that a row of `repo_record` still
   * names (two records with the same content) stays.
   */
  apply(commit: CommitData): void {
    this.#db.transaction(() => {
      for (const cid of commit.removedCids.toList()) {
        this.#db.run(
          `DELETE FROM repo_block WHERE did = ?1 AND cid = ?2
           AND NOT EXISTS (SELECT 1 FROM repo_record WHERE did = ?1 AND cid = ?2)`,
          this.#did,
          cid.toString(),
        );
      }
      for (const { cid, bytes } of commit.newBlocks.entries()) this.#put(cid, bytes);
      this.#db.run(
        "UPDATE repo_account SET head = ?, rev = ? WHERE did = ?",
        commit.cid.toString(),
        commit.rev,
        this.#did,
      );
    });
  }

  #put(cid: Cid, bytes: Uint8Array): void {
    this.#db.run(
      "INSERT INTO repo_block (did, cid, bytes) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      this.#did,
      cid.toString(),
      bytes,
    );
  }
}
