import type { Migration } from "../platform/database.ts";
import type { Membership, Tier } from "../policy/index.ts";

export const memberMigration: Migration = {
  module: "member",
  steps: [
    `CREATE TABLE member (
       did TEXT PRIMARY KEY, handle TEXT NOT NULL UNIQUE, name TEXT NOT NULL, tier TEXT NOT NULL,
       joined_at INTEGER NOT NULL, left_at INTEGER
     ) STRICT;
     CREATE TABLE domain (
       name TEXT PRIMARY KEY, did TEXT NOT NULL REFERENCES member, status TEXT NOT NULL,
       return_path TEXT, added_at INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX domain_did ON domain (did);
     CREATE TABLE dkim_key (
       domain TEXT NOT NULL REFERENCES domain, selector TEXT NOT NULL, algorithm TEXT NOT NULL,
       txt TEXT NOT NULL, fingerprint TEXT NOT NULL, sealed TEXT NOT NULL, created_at INTEGER NOT NULL,
       PRIMARY KEY (domain, selector)
     ) STRICT;
     CREATE TABLE credential (
       id TEXT PRIMARY KEY, did TEXT NOT NULL REFERENCES member, username TEXT NOT NULL UNIQUE, hash TEXT NOT NULL,
       domains TEXT NOT NULL, created_at INTEGER NOT NULL, revoked_at INTEGER
     ) STRICT;
     CREATE INDEX credential_did ON credential (did);`,
    `ALTER TABLE member ADD COLUMN membership TEXT NOT NULL DEFAULT 'member';
     ALTER TABLE member ADD COLUMN approved_at INTEGER;
     ALTER TABLE member ADD COLUMN left_by TEXT;
     ALTER TABLE member ADD COLUMN left_reason TEXT;
     UPDATE member SET approved_at = joined_at, membership = CASE WHEN left_at IS NULL THEN 'member' ELSE 'left' END;
     ALTER TABLE dkim_key ADD COLUMN state TEXT NOT NULL DEFAULT 'active';
     ALTER TABLE dkim_key ADD COLUMN state_at INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE dkim_key ADD COLUMN seen_at INTEGER;
     ALTER TABLE dkim_key ADD COLUMN gone_at INTEGER;
     UPDATE dkim_key SET state_at = created_at;
     ALTER TABLE credential ADD COLUMN name TEXT NOT NULL DEFAULT 'pds';
     ALTER TABLE credential ADD COLUMN streams TEXT NOT NULL DEFAULT '["transactional","bulk"]';
     ALTER TABLE credential ADD COLUMN hourly INTEGER;
     ALTER TABLE credential ADD COLUMN daily INTEGER;
     ALTER TABLE credential ADD COLUMN revoked_by TEXT;
     ALTER TABLE credential ADD COLUMN stolen INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE credential ADD COLUMN vouched INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE credential ADD COLUMN replaced_by TEXT;
     ALTER TABLE credential ADD COLUMN last_used_at INTEGER;
     ALTER TABLE credential ADD COLUMN last_address TEXT;
     CREATE TABLE credential_network (
       credential TEXT NOT NULL REFERENCES credential, network TEXT NOT NULL, last_at INTEGER NOT NULL,
       PRIMARY KEY (credential, network)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE application (
       id INTEGER PRIMARY KEY AUTOINCREMENT, did TEXT NOT NULL, form TEXT NOT NULL, applied_at INTEGER NOT NULL,
       applied_by TEXT NOT NULL, state TEXT NOT NULL, decided_at INTEGER, decided_by TEXT, tier TEXT, note TEXT
     ) STRICT;
     CREATE INDEX application_did ON application (did, id);
     CREATE UNIQUE INDEX application_open ON application (did) WHERE state = 'open';`,
    "ALTER TABLE credential ADD COLUMN secret_key TEXT",
    "ALTER TABLE member ADD COLUMN bounces TEXT NOT NULL DEFAULT 'sender'",
    // Nobody chose it: it was what stood there.
    "UPDATE member SET bounces = 'nobody' WHERE bounces = 'sender'",
    "ALTER TABLE member ADD COLUMN replies TEXT",
    "ALTER TABLE member ADD COLUMN deleted_at INTEGER",
    `CREATE TABLE vouch (
       id INTEGER PRIMARY KEY AUTOINCREMENT, member TEXT NOT NULL, applicant TEXT NOT NULL, words TEXT NOT NULL,
       at INTEGER NOT NULL, ended_at INTEGER, ended_how TEXT
     ) STRICT;
     CREATE UNIQUE INDEX vouch_open ON vouch (member, applicant) WHERE ended_at IS NULL;
     CREATE INDEX vouch_applicant ON vouch (applicant, id);`,
  ],
};

/** Times are milliseconds since the epoch; a `_by` names who decided, as that person or command gave it. */
export type MemberRow = {
  did: string;
  handle: string;
  name: string;
  tier: Tier;
  membership: Membership;
  /** Of an applicant: when it applied. */
  joined_at: number;
  /** Null: no person has ever approved it. */
  approved_at: number | null;
  left_at: number | null;
  left_by: string | null;
  left_reason: string | null;
  /** Where it is told what became of its mail: `sender`, `nobody` or an address. */
  bounces: string;
  /** Where replies to its return paths are sent on to; null: nowhere. */
  replies: string | null;
  /** When everything was deleted that need not stay; null: nothing was, or it has applied anew. */
  deleted_at: number | null;
};

export type DomainRow = {
  name: string;
  did: string;
  status: "active" | "held";
  return_path: string | null;
  added_at: number;
};

/**
 * `next`: made, to be published. `active`: signs. `retiring`: signs no more, its signatures are still on their way.
 * `retired`: its private key is destroyed, its record may be removed.
 */
export type KeyState = "next" | "active" | "retiring" | "retired";

export type DkimKeyRow = {
  domain: string;
  selector: string;
  algorithm: "rsa" | "ed25519";
  txt: string;
  fingerprint: string;
  /** Private key, sealed to the relay; empty once it is destroyed. */
  sealed: string;
  created_at: number;
  state: KeyState;
  state_at: number;
  /** Of a next key: since when its record is seen in the DNS without a break. */
  seen_at: number | null;
  /** Of a retired key: when its record was seen to be gone. */
  gone_at: number | null;
};

export type CredentialRow = {
  id: string;
  did: string;
  /** What it is for, in the member's words: "pds", "ghost blog". */
  name: string;
  username: string;
  hash: string;
  /** By which it is found with its member's DID; null of one that was made before there were keys. */
  secret_key: string | null;
  /** JSON list. */
  domains: string;
  /** JSON list. */
  streams: string;
  hourly: number | null;
  daily: number | null;
  created_at: number;
  revoked_at: number | null;
  revoked_by: string | null;
  /** 1: somebody else used it; what it has in the spool stays there. */
  stolen: number;
  /** 1: replaced by its owner, who vouches for what it has in the spool. */
  vouched: number;
  /** Id of the credential that was made in its place. */
  replaced_by: string | null;
  last_used_at: number | null;
  last_address: string | null;
};
