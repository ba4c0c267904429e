import type { Migration } from "../platform/database.ts";

export const timingMigration: Migration = {
  module: "timing",
  steps: [
    // code: 1 for mail that somebody waits for, to one recipient. took: the bucket of the time from the hand-in to the remote's 250.
    `CREATE TABLE timing_day (
       did TEXT NOT NULL, day INTEGER NOT NULL, provider TEXT NOT NULL, code INTEGER NOT NULL, took INTEGER NOT NULL,
       n INTEGER NOT NULL, PRIMARY KEY (did, day, provider, code, took)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX timing_day_old ON timing_day (day);
     CREATE TABLE timing_code (
       message TEXT NOT NULL, recipient TEXT NOT NULL, did TEXT NOT NULL, provider TEXT NOT NULL,
       handed_in INTEGER NOT NULL, done_at INTEGER, PRIMARY KEY (message, recipient)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX timing_code_handed_in ON timing_code (handed_in);
     CREATE INDEX timing_code_did ON timing_code (did, handed_in);
     CREATE TABLE timing_slow (
       id INTEGER PRIMARY KEY, did TEXT, provider TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER, last TEXT NOT NULL
     ) STRICT;
     CREATE INDEX timing_slow_open ON timing_slow (since) WHERE until IS NULL;
     CREATE INDEX timing_slow_did ON timing_slow (did, since);`,
  ],
};
