import type { Migration } from "../platform/database.ts";

/**
 * Facts, each with its own time, and no counter that depends on the order in which they came. Sums by day (`volume`,
 * `handed_in_day`) are of facts too, each added once. Octets on disk of a row with its indices (bench/evidence.ts): outcome 200,
 * handed_in 120 and 35 for each recipient beyond the first; so 330 a mail, kept for half a year at most: 2.5 MB for a member of 50 a
 * day, 250 MB for one of 5,000.
 */
export const evidenceMigration: Migration = {
  module: "evidence",
  steps: [
    `CREATE TABLE trial (
       did TEXT NOT NULL, recipient TEXT NOT NULL, day INTEGER NOT NULL, message TEXT NOT NULL,
       hard INTEGER NOT NULL, at INTEGER NOT NULL,
       sent_at INTEGER NOT NULL, PRIMARY KEY (did, recipient, day)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX trial_at ON trial (did, at);
     CREATE TABLE complaint (did TEXT NOT NULL, complainant TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
     CREATE INDEX complaint_at ON complaint (did, at);
     CREATE TABLE volume (
       did TEXT NOT NULL, day INTEGER NOT NULL, provider TEXT NOT NULL, accepted INTEGER NOT NULL DEFAULT 0,
       delivered INTEGER NOT NULL DEFAULT 0, deferred INTEGER NOT NULL DEFAULT 0, bounced INTEGER NOT NULL DEFAULT 0,
       complaints INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (did, day, provider)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX volume_day ON volume (day);
     CREATE TABLE window_start (did TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT;`,
    // All of it is counted anew from the log.
    `DROP TABLE trial; DROP TABLE complaint; DROP TABLE window_start;
     CREATE TABLE evidence_built (one INTEGER PRIMARY KEY CHECK (one = 1)) STRICT;
     CREATE TABLE evidence_member (
       id INTEGER PRIMARY KEY, did TEXT NOT NULL UNIQUE, first_at INTEGER NOT NULL
     ) STRICT;
     CREATE TABLE outcome (
       member INTEGER NOT NULL, at INTEGER NOT NULL, key INTEGER NOT NULL, recipient TEXT NOT NULL,
       domain TEXT NOT NULL, provider TEXT NOT NULL, credential TEXT, template TEXT, message TEXT NOT NULL,
       sent_at INTEGER NOT NULL, hard INTEGER NOT NULL, first INTEGER, late INTEGER NOT NULL,
       PRIMARY KEY (member, at, key)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX outcome_hard ON outcome (member, at) WHERE hard > 0;
     CREATE INDEX outcome_first ON outcome (member, at) WHERE first = 1;
     CREATE INDEX outcome_first_credential ON outcome (credential, at) WHERE first = 1;
     CREATE INDEX outcome_recipient ON outcome (member, recipient, at) WHERE hard = 0;
     CREATE INDEX outcome_template ON outcome (member, template, at) WHERE hard = 0 AND template IS NOT NULL;
     CREATE INDEX outcome_unknown ON outcome (provider, at) WHERE hard = 2;
     CREATE INDEX outcome_refusal ON outcome (provider, at) WHERE hard = 2 AND first = 0 AND late = 0;
     CREATE INDEX outcome_refusal_member ON outcome (provider, member, at)
       WHERE hard = 2 AND first = 0 AND late = 0;
     CREATE TABLE handed_in (
       member INTEGER NOT NULL, sent_at INTEGER NOT NULL, message TEXT NOT NULL, credential TEXT, template TEXT,
       known INTEGER NOT NULL, held INTEGER NOT NULL, recipients INTEGER NOT NULL, first_time INTEGER NOT NULL,
       who TEXT NOT NULL, PRIMARY KEY (member, sent_at, message)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX handed_in_credential ON handed_in (credential, sent_at, recipients, first_time);
     CREATE TABLE handed_in_day (
       member INTEGER NOT NULL, credential TEXT NOT NULL, day INTEGER NOT NULL, recipients INTEGER NOT NULL,
       PRIMARY KEY (member, credential, day)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE complaint (
       member INTEGER NOT NULL, message TEXT NOT NULL, complainant TEXT NOT NULL, at INTEGER NOT NULL,
       sent_at INTEGER NOT NULL, credential TEXT, PRIMARY KEY (member, message, complainant)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX complaint_at ON complaint (member, at);
     CREATE TABLE standing_fact (
       member INTEGER NOT NULL, at INTEGER NOT NULL, standing TEXT NOT NULL, PRIMARY KEY (member, at, standing)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE pause_fact (
       member INTEGER NOT NULL, credential TEXT NOT NULL, at INTEGER NOT NULL, cause TEXT NOT NULL,
       begun INTEGER, ended INTEGER, PRIMARY KEY (member, credential, at, cause)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE domain_check (
       member INTEGER NOT NULL, domain TEXT NOT NULL, at INTEGER NOT NULL, key INTEGER NOT NULL,
       passed INTEGER NOT NULL, record TEXT NOT NULL, fix TEXT NOT NULL, PRIMARY KEY (member, domain, at, key)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE provider_figure (
       provider TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, day TEXT NOT NULL,
       revision INTEGER NOT NULL, at INTEGER NOT NULL, spam_rate REAL,
       PRIMARY KEY (provider, kind, subject, day, revision)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE incident_instant (
       provider TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (provider, at)
     ) STRICT, WITHOUT ROWID;`,
    // How far the log was counted, while that goes on.
    "CREATE TABLE evidence_rebuild (seq INTEGER NOT NULL) STRICT",
    // Changes of standing that were taken back, and the taking back itself: as if they had not been, since `known_at`.
    `CREATE TABLE standing_undone (
       member INTEGER NOT NULL, at INTEGER NOT NULL, known_at INTEGER NOT NULL, PRIMARY KEY (member, at, known_at)
     ) STRICT, WITHOUT ROWID`,
    "CREATE INDEX provider_figure_day ON provider_figure (day)",
  ],
};
