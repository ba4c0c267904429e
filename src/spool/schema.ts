import type { Migration } from "../platform/database.ts";

export const spoolMigration: Migration = {
  module: "spool",
  steps: [
    `CREATE TABLE message (
       seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, did TEXT NOT NULL, credential TEXT, kind TEXT NOT NULL,
       sender TEXT NOT NULL, from_domain TEXT NOT NULL, stream TEXT NOT NULL, received_at INTEGER NOT NULL,
       size INTEGER NOT NULL, head BLOB, body BLOB, file TEXT, open INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX message_did ON message (did, seq);
     CREATE TABLE recipient (
       seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, message INTEGER NOT NULL REFERENCES message (seq) ON DELETE CASCADE,
       address TEXT NOT NULL, domain TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
       next_at INTEGER NOT NULL, leased INTEGER NOT NULL DEFAULT 0, updated_at INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX recipient_message ON recipient (message);
     CREATE INDEX recipient_due ON recipient (next_at, domain) WHERE leased = 0 AND state IN ('queued', 'deferred');
     CREATE INDEX recipient_open ON recipient (state) WHERE state IN ('queued', 'held', 'deferred');
     CREATE TABLE attempt (
       seq INTEGER PRIMARY KEY, recipient INTEGER NOT NULL REFERENCES recipient (seq) ON DELETE CASCADE,
       at INTEGER NOT NULL, duration_ms INTEGER NOT NULL, host TEXT NOT NULL, code INTEGER NOT NULL,
       enhanced TEXT NOT NULL, text TEXT NOT NULL, class TEXT NOT NULL, tls TEXT NOT NULL, transcript TEXT NOT NULL
     ) STRICT;
     CREATE INDEX attempt_recipient ON attempt (recipient);`,
    `CREATE INDEX message_open ON message (did, from_domain, credential) WHERE open > 0;
     CREATE INDEX message_done ON message (received_at) WHERE open = 0;
     CREATE TABLE recipient_count (state TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
     INSERT INTO recipient_count (state, n) SELECT state, count(*) FROM recipient GROUP BY state;
     CREATE TRIGGER recipient_added AFTER INSERT ON recipient BEGIN
       INSERT INTO recipient_count (state, n) VALUES (NEW.state, 1) ON CONFLICT (state) DO UPDATE SET n = n + 1;
     END;
     CREATE TRIGGER recipient_changed AFTER UPDATE OF state ON recipient WHEN NEW.state <> OLD.state BEGIN
       UPDATE recipient_count SET n = n - 1 WHERE state = OLD.state;
       INSERT INTO recipient_count (state, n) VALUES (NEW.state, 1) ON CONFLICT (state) DO UPDATE SET n = n + 1;
     END;
     CREATE TRIGGER recipient_removed AFTER DELETE ON recipient BEGIN
       UPDATE recipient_count SET n = n - 1 WHERE state = OLD.state;
     END;`,
    // did and priority stand at the recipient too: the indexes that choose what leaves next need no second table.
    `ALTER TABLE message ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
     ALTER TABLE message ADD COLUMN template TEXT;
     ALTER TABLE message ADD COLUMN eight_bit INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE message ADD COLUMN smtp_utf8 INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE message ADD COLUMN ret TEXT;
     ALTER TABLE message ADD COLUMN envid TEXT;
     ALTER TABLE message ADD COLUMN unsigned INTEGER NOT NULL DEFAULT 0;
     UPDATE message SET priority = 2 WHERE stream = 'bulk';
     DROP INDEX recipient_due;
     DROP INDEX recipient_open;
     ALTER TABLE recipient DROP COLUMN leased;
     ALTER TABLE recipient ADD COLUMN did TEXT NOT NULL DEFAULT '';
     ALTER TABLE recipient ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
     ALTER TABLE recipient ADD COLUMN first_time INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE recipient ADD COLUMN notify TEXT;
     ALTER TABLE recipient ADD COLUMN orcpt TEXT;
     ALTER TABLE recipient ADD COLUMN leased_until INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE recipient ADD COLUMN hold_reason TEXT;
     ALTER TABLE recipient ADD COLUMN hold_owner TEXT;
     ALTER TABLE recipient ADD COLUMN hold_note TEXT;
     UPDATE recipient SET did = m.did, priority = m.priority FROM message m WHERE m.seq = recipient.message;
     UPDATE recipient SET hold_reason = 'paused', hold_owner = 'policy' WHERE state = 'held';
     CREATE INDEX message_waiting ON message (received_at) WHERE open > 0;
     CREATE INDEX message_unsigned ON message (unsigned) WHERE unsigned = 1;
     CREATE INDEX recipient_due ON recipient (priority, next_at, domain, did)
       WHERE leased_until = 0 AND state IN ('queued', 'deferred');
     CREATE INDEX recipient_lane ON recipient (did, domain, priority, next_at)
       WHERE leased_until = 0 AND state IN ('queued', 'deferred');
     CREATE INDEX recipient_leased ON recipient (leased_until) WHERE leased_until > 0;
     CREATE INDEX recipient_held ON recipient (did) WHERE state = 'held';
     CREATE INDEX recipient_open ON recipient (seq) WHERE state IN ('queued', 'held', 'deferred');
     CREATE TRIGGER recipient_unsigned BEFORE UPDATE OF state ON recipient
       WHEN OLD.state = 'held' AND NEW.state IN ('queued', 'deferred')
         AND (SELECT unsigned FROM message WHERE seq = NEW.message) = 1
     BEGIN SELECT RAISE(ABORT, 'unsigned mail never leaves'); END;
     CREATE TABLE idempotency (
       credential TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, message TEXT NOT NULL, at INTEGER NOT NULL,
       PRIMARY KEY (credential, key)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX idempotency_at ON idempotency (at);
     CREATE TABLE operation (
       seq INTEGER PRIMARY KEY, message INTEGER NOT NULL REFERENCES message (seq) ON DELETE CASCADE,
       at INTEGER NOT NULL, by TEXT NOT NULL, action TEXT NOT NULL, why TEXT NOT NULL, recipients INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX operation_message ON operation (message);`,
    `ALTER TABLE message ADD COLUMN ask TEXT NOT NULL DEFAULT 'usual';
     ALTER TABLE attempt ADD COLUMN tls_policy TEXT;
     ALTER TABLE attempt ADD COLUMN rule TEXT;
     ALTER TABLE attempt ADD COLUMN fault TEXT;
     ALTER TABLE attempt ADD COLUMN permanent INTEGER NOT NULL DEFAULT 0;
     CREATE TABLE told (
       seq INTEGER PRIMARY KEY, message INTEGER NOT NULL REFERENCES message (seq) ON DELETE CASCADE, did TEXT NOT NULL,
       recipient TEXT NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL, sent_to TEXT,
       text TEXT NOT NULL
     ) STRICT;
     CREATE INDEX told_message ON told (message);
     CREATE INDEX told_did ON told (did, seq);`,
    // Few are login codes: an index of them alone costs little, and finds the codes of each member.
    `ALTER TABLE attempt ADD COLUMN egress TEXT;
     ALTER TABLE recipient ADD COLUMN waits TEXT;
     CREATE INDEX recipient_code ON recipient (did, next_at, domain)
       WHERE leased_until = 0 AND state IN ('queued', 'deferred') AND priority = 0;`,
    // A complaint may name a message by nothing but the Message-ID that its member gave it.
    `ALTER TABLE message ADD COLUMN message_id_key INTEGER;
     CREATE INDEX message_by_message_id ON message (message_id_key) WHERE message_id_key IS NOT NULL;`,
    `ALTER TABLE attempt ADD COLUMN provider TEXT;`,
  ],
};

export const OPEN_STATES = "('queued', 'held', 'deferred')";
/** The condition of the indexes `recipient_due` and `recipient_lane`. */
export const WAITS = "leased_until = 0 AND state IN ('queued', 'deferred')";
