import type { Migration } from "../platform/database.ts";

export const inboxMigration: Migration = {
  module: "inbox",
  steps: [
    `CREATE TABLE inbox_entry (
       id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, digest TEXT NOT NULL UNIQUE, folder TEXT NOT NULL, kind TEXT NOT NULL,
       sent_to TEXT NOT NULL, envelope_from TEXT NOT NULL, header_from TEXT NOT NULL, subject TEXT NOT NULL,
       size INTEGER NOT NULL, why TEXT NOT NULL, authentication TEXT NOT NULL, forward TEXT,
       state TEXT NOT NULL DEFAULT 'open', assigned TEXT, note TEXT, by TEXT, decided_at INTEGER
     ) STRICT;
     CREATE INDEX inbox_open ON inbox_entry (folder, state, id);
     CREATE TABLE inbox_raw (
       id INTEGER PRIMARY KEY REFERENCES inbox_entry (id) ON DELETE CASCADE, raw BLOB NOT NULL
     ) STRICT;
     CREATE TABLE inbox_trace (
       seq INTEGER PRIMARY KEY, entry INTEGER NOT NULL REFERENCES inbox_entry (id) ON DELETE CASCADE,
       at INTEGER NOT NULL, by TEXT NOT NULL, what TEXT NOT NULL, note TEXT NOT NULL
     ) STRICT;
     CREATE INDEX inbox_trace_entry ON inbox_trace (entry);`,
    `CREATE TABLE inbox_abuse (
       entry INTEGER PRIMARY KEY REFERENCES inbox_entry (id) ON DELETE CASCADE, reference TEXT NOT NULL UNIQUE,
       kind TEXT NOT NULL, domains TEXT NOT NULL, message TEXT, did TEXT, outcome TEXT, words TEXT, answered_at INTEGER
     ) STRICT;`,
  ],
};
