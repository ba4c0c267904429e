import type { Migration } from "../platform/database.ts";

export const testMailMigration: Migration = {
  module: "test-mail",
  steps: [
    // sent: id of the message that the pool sent; null: whoever has the address sends to it. facts: what came, JSON.
    `CREATE TABLE test_mail (
       id TEXT PRIMARY KEY, did TEXT NOT NULL, address TEXT NOT NULL, domain TEXT, sent TEXT, made_by TEXT NOT NULL,
       made_at INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX test_mail_did ON test_mail (did, made_at);
     CREATE INDEX test_mail_made_at ON test_mail (made_at);
     CREATE TABLE test_arrival (
       test TEXT NOT NULL REFERENCES test_mail (id) ON DELETE CASCADE, at INTEGER NOT NULL, facts TEXT NOT NULL
     ) STRICT;
     CREATE INDEX test_arrival_test ON test_arrival (test);
     CREATE TABLE test_passed (did TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;`,
  ],
};
