import type { Migration } from "../platform/database.ts";

/** Times are milliseconds since the epoch. What a browser or a server keeps in secret is kept here as a hash, or sealed. */
export const accountMigration: Migration = {
  module: "account",
  steps: [
    `CREATE TABLE web_session (
       id TEXT PRIMARY KEY, who TEXT NOT NULL, did TEXT, began_at INTEGER NOT NULL, seen_at INTEGER NOT NULL,
       expires_at INTEGER NOT NULL, browser TEXT NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX web_session_did ON web_session (did) WHERE did IS NOT NULL;
     CREATE INDEX web_session_expires ON web_session (expires_at);
     CREATE TABLE member_person (
       did TEXT NOT NULL, person TEXT NOT NULL, role TEXT NOT NULL, added_at INTEGER NOT NULL, added_by TEXT NOT NULL,
       PRIMARY KEY (did, person)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX member_person_person ON member_person (person);
     CREATE TABLE oauth_pending (
       kind TEXT NOT NULL, key TEXT NOT NULL, sealed BLOB NOT NULL, expires_at INTEGER NOT NULL,
       PRIMARY KEY (kind, key)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE oauth_client_key (kid TEXT PRIMARY KEY, sealed BLOB NOT NULL, made_at INTEGER NOT NULL)
       STRICT, WITHOUT ROWID;`,
    `CREATE TABLE member_token (
       id TEXT PRIMARY KEY, did TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL, scopes TEXT NOT NULL,
       made_by TEXT NOT NULL, made_at INTEGER NOT NULL, ends_at INTEGER NOT NULL, used_at INTEGER, revoked_at INTEGER,
       revoked_by TEXT
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX member_token_did ON member_token (did, made_at);`,
  ],
};
