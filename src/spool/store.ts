import { appendToOutbox, type Envelope } from "../event/index.ts";
import type { Database, Migration } from "../platform/database.ts";
import { mayDeliver, saveLimits, type MemberPolicy } from "../policy/index.ts";
import type {
  Acceptance,
  AttemptView,
  Leased,
  MessageRow,
  MessageView,
  Outcome,
  RecipientState,
  RecipientView,
} from "./types.ts";

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
  ],
};

const OPEN_STATES = "('queued', 'held', 'deferred')";
const MESSAGE_COLUMNS = `m.id, m.did, m.credential, m.kind, m.sender, m.from_domain AS fromDomain, m.stream,
  m.received_at AS receivedAt, m.size`;

export function insertMessage(db: Database, { message, recipients, limits, events }: Acceptance): void {
  const { lastInsertRowid: seq } = db.run(
    `INSERT INTO message (id, did, credential, kind, sender, from_domain, stream, received_at, size, head, body, file, open)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    message.id,
    message.did,
    message.credential,
    message.kind,
    message.sender,
    message.fromDomain,
    message.stream,
    message.receivedAt,
    message.size,
    message.head,
    "bytes" in message.body ? message.body.bytes : null,
    "file" in message.body ? message.body.file : null,
    recipients.length,
  );
  for (const { id, address, domain, state, nextAt } of recipients) {
    db.run(
      `INSERT INTO recipient (id, message, address, domain, state, next_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      id,
      seq,
      address,
      domain,
      state,
      nextAt,
      message.receivedAt,
    );
  }
  if (limits) saveLimits(db, limits);
  appendToOutbox(db, events);
}

export type LeaseRequest = {
  now: number;
  max: number;
  /** At most so many of one domain, so that a slow one cannot take all places. */
  perDomain: number;
  /** Domains that have enough in hand already. */
  busy: string[];
  /** The same for members, by DID; default: no limit. */
  perMember?: number;
  busyMembers?: string[];
};

/** How many due recipients are looked at for one lease. */
const LEASE_SCAN = 5_000;

export function lease(db: Database, request: LeaseRequest): Leased[] {
  const { now, max, perDomain, busy, perMember = Infinity, busyMembers = [] } = request;
  const due = db.all<{ seq: number; domain: string }>(
    `SELECT seq, domain FROM recipient INDEXED BY recipient_due
     WHERE leased = 0 AND state IN ('queued', 'deferred') AND next_at <= ?
       AND domain NOT IN (SELECT value FROM json_each(?))
       ${busyMembers.length > 0 ? OF_OTHERS : ""}
     ORDER BY next_at LIMIT ?`,
    now,
    JSON.stringify(busy),
    ...(busyMembers.length > 0 ? [JSON.stringify(busyMembers)] : []),
    LEASE_SCAN,
  );
  const domains = createTally(perDomain);
  const members = createTally(perMember);
  const out: Leased[] = [];
  for (const { seq, domain } of due) {
    if (out.length >= max) break;
    if (!domains.room(domain)) continue;
    const leased = leasedRow(db, seq);
    if (!members.room(leased.message.did)) continue;
    domains.add(domain);
    members.add(leased.message.did);
    db.run("UPDATE recipient SET leased = 1 WHERE seq = ?", seq);
    out.push(leased);
  }
  return out;
}

const OF_OTHERS = `AND NOT EXISTS (SELECT 1 FROM message m
  WHERE m.seq = recipient.message AND m.did IN (SELECT value FROM json_each(?)))`;

function createTally(most: number) {
  const counts = new Map<string, number>();
  return {
    room: (key: string) => (counts.get(key) ?? 0) < most,
    add: (key: string) => void counts.set(key, (counts.get(key) ?? 0) + 1),
  };
}

function leasedRow(db: Database, seq: number): Leased {
  const { message: messageSeq, ...row } = db.get<Omit<Leased, "message"> & { message: number }>(
    "SELECT id, address, domain, attempts, message FROM recipient WHERE seq = ?",
    seq,
  )!;
  const message = db.get<MessageRow>(`SELECT ${MESSAGE_COLUMNS} FROM message m WHERE m.seq = ?`, messageSeq)!;
  return { ...row, message };
}

/** Held recipients that wait no longer, now the caller's alone: of old messages, and all of some members. */
export type HeldRequest = { receivedUpTo: number; dids: string[]; max: number };

export function leaseHeld(db: Database, { receivedUpTo, dids, max }: HeldRequest): Leased[] {
  const rows = db.all<{ seq: number }>(
    `SELECT r.seq FROM recipient r INDEXED BY recipient_open JOIN message m ON m.seq = r.message
     WHERE r.state IN ${OPEN_STATES} AND r.state = 'held' AND r.leased = 0
       AND (m.received_at <= ? OR m.did IN (SELECT value FROM json_each(?)))
     LIMIT ?`,
    receivedUpTo,
    JSON.stringify(dids),
    max,
  );
  return rows.map(({ seq }) => {
    db.run("UPDATE recipient SET leased = 1 WHERE seq = ?", seq);
    return leasedRow(db, seq);
  });
}

/** When the next waiting recipient is due; undefined when none waits. */
export function nextDue(db: Database): number | undefined {
  return db.get<{ at: number }>(
    `SELECT next_at AS at FROM recipient INDEXED BY recipient_due
     WHERE leased = 0 AND state IN ('queued', 'deferred') ORDER BY next_at LIMIT 1`,
  )?.at;
}

/** No wait between two attempts is longer; a time further ahead was set by a clock that was wrong. */
const LONGEST_WAIT_MS = 6 * 3_600_000;

export function shortenWaits(db: Database, now: number): void {
  const latest = now + LONGEST_WAIT_MS;
  db.run(
    "UPDATE recipient SET next_at = ?1 WHERE next_at > ?1 AND leased = 0 AND state IN ('queued', 'deferred')",
    latest,
  );
}

/** Leases of a process that is gone. */
export function releaseLeases(db: Database): void {
  db.run("UPDATE recipient SET leased = 0 WHERE leased = 1");
}

/** Returns the body file that is no longer needed, if this was the message's last recipient. */
export function recordOutcome(db: Database, outcome: Outcome, now: number): string | undefined {
  const { recipientId, state, nextAt, attempt, events, follow } = outcome;
  const before = db.get<{ seq: number; message: number; state: RecipientState }>(
    "SELECT seq, message, state FROM recipient WHERE id = ?",
    recipientId,
  );
  if (!before) return undefined;
  db.run(
    "UPDATE recipient SET state = ?, next_at = ?, leased = 0, attempts = attempts + ?, updated_at = ? WHERE seq = ?",
    state,
    nextAt,
    attempt ? 1 : 0,
    now,
    before.seq,
  );
  if (attempt) {
    db.run(
      `INSERT INTO attempt (recipient, at, duration_ms, host, code, enhanced, text, class, tls, transcript)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      before.seq,
      attempt.at,
      attempt.durationMs,
      attempt.host,
      attempt.code,
      attempt.enhanced,
      attempt.text,
      attempt.class,
      attempt.tls,
      attempt.transcript,
    );
  }
  appendToOutbox(db, events);
  if (follow) insertMessage(db, follow);
  return isOpen(before.state) && !isOpen(state) ? closeOne(db, before.message) : undefined;
}

function isOpen(state: RecipientState): boolean {
  return state === "queued" || state === "held" || state === "deferred";
}

/** A message's content is kept only as long as somebody waits for it. */
function closeOne(db: Database, message: number): string | undefined {
  db.run("UPDATE message SET open = open - 1 WHERE seq = ?", message);
  const row = db.get<{ open: number; file: string | null }>(
    "SELECT open, file FROM message WHERE seq = ?",
    message,
  );
  if (!row || row.open > 0) return undefined;
  db.run("UPDATE message SET head = NULL, body = NULL, file = NULL WHERE seq = ?", message);
  return row.file ?? undefined;
}

/** Holds what of a member's waiting mail may not leave under `policy`, and releases the rest. */
export function setHolds(db: Database, policy: MemberPolicy, now: number): void {
  const kinds = db.all<{ fromDomain: string; credential: string | null }>(
    `SELECT DISTINCT from_domain AS fromDomain, credential FROM message INDEXED BY message_open
     WHERE did = ? AND open > 0 AND kind = 'mail'`,
    policy.did,
  );
  for (const { fromDomain, credential } of kinds) {
    const free = mayDeliver(policy, fromDomain, credential);
    db.run(
      `UPDATE recipient SET state = ?, next_at = iif(?, ?, next_at), updated_at = ?
       WHERE state IN (SELECT value FROM json_each(?)) AND message IN (
         SELECT seq FROM message INDEXED BY message_open
         WHERE did = ? AND from_domain = ? AND credential IS ? AND open > 0 AND kind = 'mail')`,
      free ? "queued" : "held",
      free ? 1 : 0,
      now,
      now,
      JSON.stringify(free ? ["held"] : ["queued", "deferred"]),
      policy.did,
      fromDomain,
      credential,
    );
  }
}

export type Content = { head: Uint8Array; body: Uint8Array | undefined; file: string | undefined };

export function readContent(db: Database, messageId: string): Content | undefined {
  const row = db.get<{ head: Uint8Array | null; body: Uint8Array | null; file: string | null }>(
    "SELECT head, body, file FROM message WHERE id = ?",
    messageId,
  );
  return row?.head ? { head: row.head, body: row.body ?? undefined, file: row.file ?? undefined } : undefined;
}

/** Every state that occurs, with its number of recipients. Kept by triggers: nothing is counted here. */
export function countStates(db: Database): Partial<Record<RecipientState, number>> {
  const rows = db.all<{ state: RecipientState; n: number }>(
    "SELECT state, n FROM recipient_count WHERE n > 0 ORDER BY state",
  );
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]));
}

export function openCount(db: Database): number {
  return db.get<{ n: number }>(`SELECT count(*) AS n FROM recipient WHERE state IN ${OPEN_STATES}`)?.n ?? 0;
}

/** When the oldest message that still waits was received; undefined when none waits. */
export function oldestWaiting(db: Database): number | undefined {
  return (
    db.get<{ at: number | null }>(
      `SELECT min(m.received_at) AS at FROM recipient r INDEXED BY recipient_open JOIN message m ON m.seq = r.message
     WHERE r.state IN ${OPEN_STATES}`,
    )?.at ?? undefined
  );
}

/** Newest first, from below `before`. */
export function messagesOf(db: Database, did: string, before: number, limit: number): MessageView[] {
  const rows = db.all<MessageRow & { seq: number }>(
    `SELECT m.seq, ${MESSAGE_COLUMNS} FROM message m WHERE m.did = ? AND m.seq < ? ORDER BY m.seq DESC LIMIT ?`,
    did,
    before,
    limit,
  );
  return rows.map((row) => ({ ...row, recipients: recipientsOf(db, row.seq) }));
}

export function messageById(db: Database, id: string): MessageView | undefined {
  const row = db.get<MessageRow & { seq: number }>(
    `SELECT m.seq, ${MESSAGE_COLUMNS} FROM message m WHERE m.id = ?`,
    id,
  );
  return row && { ...row, recipients: recipientsOf(db, row.seq) };
}

/** The message that a recipient (an id out of a return path) belongs to. */
export function messageByRecipient(db: Database, recipientId: string): MessageView | undefined {
  const row = db.get<{ id: string }>(
    "SELECT m.id FROM recipient r JOIN message m ON m.seq = r.message WHERE r.id = ?",
    recipientId,
  );
  return row && messageById(db, row.id);
}

function recipientsOf(db: Database, message: number): RecipientView[] {
  return db.all<RecipientView>(
    `SELECT id, address, domain, state, attempts, next_at AS nextAt, updated_at AS updatedAt
     FROM recipient WHERE message = ? ORDER BY seq`,
    message,
  );
}

/** Oldest first. */
export function attemptsOf(db: Database, messageId: string): AttemptView[] {
  return db.all<AttemptView>(
    `SELECT r.id AS recipientId, a.at, a.duration_ms AS durationMs, a.host, a.code, a.enhanced, a.text, a.class, a.tls,
       a.transcript
     FROM attempt a JOIN recipient r ON r.seq = a.recipient JOIN message m ON m.seq = r.message
     WHERE m.id = ? ORDER BY a.seq LIMIT 1000`,
    messageId,
  );
}

/** Forgets messages received before `before` that nobody waits for, at most `limit`. Returns how many. */
export function prune(db: Database, before: number, limit: number): number {
  return db.run(
    `DELETE FROM message WHERE seq IN (
       SELECT seq FROM message INDEXED BY message_done WHERE open = 0 AND received_at < ? LIMIT ?)`,
    before,
    limit,
  ).changes;
}

export function knownFiles(db: Database): Set<string> {
  return new Set(
    db.all<{ file: string }>("SELECT file FROM message WHERE file IS NOT NULL").map((r) => r.file),
  );
}

export function appendEvents(db: Database, events: Envelope[]): void {
  appendToOutbox(db, events);
}
