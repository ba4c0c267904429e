import { appendToOutbox, type Envelope } from "../event/index.ts";
import type { Database } from "../platform/database.ts";
import { saveLimits } from "../policy/index.ts";
import { keyOfHead } from "./message-id.ts";
import { insertTold, isToldAlready } from "./told.ts";
import {
  IDEMPOTENCY_MS,
  type Acceptance,
  type Accepted,
  type Hold,
  type NewMessage,
  type NewRecipient,
  type Outcome,
  type RecipientState,
} from "./types.ts";

/** Login codes, other mail that somebody waits for, mail to many. */
export const LOWEST_PRIORITY = 2;

/** Stores a submission, unless its key says that it is stored already. */
export function accept(db: Database, acceptance: Acceptance): Accepted {
  const { message } = acceptance;
  const known = message.idempotency && knownKey(db, message);
  if (known) return known;
  insertMessage(db, acceptance);
  if (message.idempotency) {
    const { key, digest } = message.idempotency;
    db.run(
      `INSERT INTO idempotency (credential, key, digest, message, at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (credential, key) DO UPDATE
         SET digest = excluded.digest, message = excluded.message, at = excluded.at`,
      message.credential ?? "",
      key,
      digest,
      message.id,
      message.receivedAt,
    );
  }
  return {};
}

function knownKey(db: Database, { credential, idempotency, receivedAt }: NewMessage): Accepted | undefined {
  const { key, digest } = idempotency!;
  const row = submissionOf(db, { credential: credential ?? "", key, now: receivedAt });
  if (!row) return undefined;
  return row.digest === digest ? { duplicateOf: row.message } : { conflict: row.message };
}

/** What was submitted with a key within the last day. */
export function submissionOf(
  db: Database,
  { credential, key, now }: { credential: string; key: string; now: number },
): { message: string; digest: string } | undefined {
  return db.get(
    "SELECT message, digest FROM idempotency WHERE credential = ? AND key = ? AND at > ?",
    credential,
    key,
    now - IDEMPOTENCY_MS,
  );
}

function insertMessage(db: Database, { message, recipients, limits, events }: Acceptance): void {
  const priority = Math.min(LOWEST_PRIORITY, Math.max(0, Math.trunc(message.priority)));
  if (message.unsigned && recipients.some((r) => r.state !== "held" || r.hold?.owner !== "signing"))
    throw new Error("an unsigned message must be held for its signature");
  const { lastInsertRowid: seq } = db.run(
    `INSERT INTO message (id, did, credential, kind, sender, from_domain, stream, priority, template, received_at, size,
       eight_bit, smtp_utf8, ret, envid, ask, unsigned, head, body, file, open, message_id_key)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    message.id,
    message.did,
    message.credential,
    message.kind,
    message.sender,
    message.fromDomain,
    message.stream,
    priority,
    message.template,
    message.receivedAt,
    message.size,
    message.eightBit ? 1 : 0,
    message.smtpUtf8 ? 1 : 0,
    message.ret,
    message.envid,
    message.ask,
    message.unsigned ? 1 : 0,
    message.head,
    "bytes" in message.body ? message.body.bytes : null,
    "file" in message.body ? message.body.file : null,
    recipients.length,
    message.kind === "mail" ? (keyOfHead(message.head) ?? null) : null,
  );
  for (const recipient of recipients) insertRecipient(db, seq, message, priority, recipient);
  if (limits) saveLimits(db, limits);
  appendToOutbox(db, events);
}

function insertRecipient(
  db: Database,
  messageSeq: number,
  message: NewMessage,
  priority: number,
  recipient: NewRecipient,
): void {
  const { id, address, domain, state, nextAt, firstTime, notify, orcpt } = recipient;
  const hold = state === "held" ? (recipient.hold ?? POLICY_HOLD) : undefined;
  db.run(
    `INSERT INTO recipient (id, message, did, priority, address, domain, state, next_at, updated_at, first_time, notify,
       orcpt, hold_reason, hold_owner, hold_note)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    id,
    messageSeq,
    message.did,
    priority,
    address,
    domain,
    state,
    nextAt,
    message.receivedAt,
    firstTime ? 1 : 0,
    notify,
    orcpt,
    hold?.reason ?? null,
    hold?.owner ?? null,
    hold?.note ?? null,
  );
}

const POLICY_HOLD: Hold = { reason: "paused", owner: "policy" };

export function isOpen(state: RecipientState): boolean {
  return state === "queued" || state === "held" || state === "deferred";
}

type Before = { seq: number; message: number; state: RecipientState };

/**
 * Writes down what came of a recipient. What a person or a policy did meanwhile stands: a hold is not lifted by the
 * result of an attempt, and who is done does not wait again. Returns the body file that is no longer needed, if this
 * was the message's last recipient.
 */
export function recordOutcome(db: Database, outcome: Outcome, now: number): string | undefined {
  const { recipientId, attempt, events, follow, told } = outcome;
  const before = db.get<Before>("SELECT seq, message, state FROM recipient WHERE id = ?", recipientId);
  if (!before) return undefined;
  const state = stateAfter(before.state, outcome.state);
  const tried = attempt ? 1 : 0;
  if (state === before.state && (state === "held" || !isOpen(state))) {
    db.run(
      `UPDATE recipient SET leased_until = 0, attempts = attempts + ?, updated_at = ? WHERE seq = ?`,
      tried,
      now,
      before.seq,
    );
  } else {
    const hold = state === "held" ? (outcome.hold ?? POLICY_HOLD) : undefined;
    db.run(
      `UPDATE recipient SET state = ?, next_at = ?, leased_until = 0, attempts = attempts + ?, updated_at = ?,
         hold_reason = ?, hold_owner = ?, hold_note = ?, waits = ? WHERE seq = ?`,
      state,
      outcome.nextAt,
      tried,
      now,
      hold?.reason ?? null,
      hold?.owner ?? null,
      hold?.note ?? null,
      outcome.waits ?? null,
      before.seq,
    );
  }
  if (attempt) {
    db.run(
      `INSERT INTO attempt (recipient, at, duration_ms, host, code, enhanced, text, class, permanent, fault, rule, tls,
         tls_policy, transcript, egress, provider)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      before.seq,
      attempt.at,
      attempt.durationMs,
      attempt.host,
      attempt.code,
      attempt.enhanced,
      attempt.text,
      attempt.class,
      attempt.permanent ? 1 : 0,
      attempt.fault,
      attempt.rule,
      attempt.tls,
      attempt.tlsPolicy,
      attempt.transcript,
      attempt.egress ?? null,
      attempt.provider ?? null,
    );
  }
  appendToOutbox(db, events);
  if (!told || !isToldAlready(db, before.message, told)) {
    if (told) insertTold(db, before.message, recipientId, told);
    if (follow) insertMessage(db, follow);
  }
  return isOpen(before.state) && !isOpen(state) ? closeOne(db, before.message) : undefined;
}

/** What a recipient becomes when a result arrives. */
export function stateAfter(before: RecipientState, result: RecipientState): RecipientState {
  if (!isOpen(result)) return result;
  return before === "held" || !isOpen(before) ? before : result;
}

/** A message's content is kept only as long as somebody waits for it. */
export function closeOne(db: Database, message: number): string | undefined {
  db.run("UPDATE message SET open = open - 1 WHERE seq = ?", message);
  const row = db.get<{ open: number; file: string | null }>(
    "SELECT open, file FROM message WHERE seq = ?",
    message,
  );
  if (!row || row.open > 0) return undefined;
  db.run("UPDATE message SET head = NULL, body = NULL, file = NULL, unsigned = 0 WHERE seq = ?", message);
  return row.file ?? undefined;
}

export type Content = { head: Uint8Array; body: Uint8Array | undefined; file: string | undefined };

export function readContent(db: Database, messageId: string): Content | undefined {
  const row = db.get<{ head: Uint8Array | null; body: Uint8Array | null; file: string | null }>(
    "SELECT head, body, file FROM message WHERE id = ?",
    messageId,
  );
  return row?.head ? { head: row.head, body: row.body ?? undefined, file: row.file ?? undefined } : undefined;
}

/**
 * Gives a message that could not be signed its signed header, and lets it go. False: nobody waits for it any more, or
 * it was signed already.
 */
export function sign(
  db: Database,
  { messageId, head, now }: { messageId: string; head: Uint8Array; now: number },
): boolean {
  const row = db.get<{ seq: number; old: number }>(
    "SELECT seq, length(head) AS old FROM message WHERE id = ? AND unsigned = 1 AND head IS NOT NULL",
    messageId,
  );
  if (!row) return false;
  db.run(
    "UPDATE message SET head = ?, size = size + ?, unsigned = 0 WHERE seq = ?",
    head,
    head.length - row.old,
    row.seq,
  );
  db.run(
    `UPDATE recipient SET state = 'queued', next_at = ?, updated_at = ?, hold_reason = NULL, hold_owner = NULL,
       hold_note = NULL WHERE message = ? AND state = 'held' AND hold_owner = 'signing'`,
    now,
    now,
    row.seq,
  );
  return true;
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

/** Forgets finished messages of one member that were received up to then, at most `limit`. */
export function forgetOf(db: Database, did: string, receivedUpTo: number, limit: number): number {
  return db.run(
    `DELETE FROM message WHERE seq IN (
       SELECT seq FROM message WHERE did = ? AND open = 0 AND received_at <= ? LIMIT ?)`,
    did,
    receivedUpTo,
    limit,
  ).changes;
}

/** Forgets keys of submissions that are a day old, at most `limit`. */
export function pruneKeys(db: Database, now: number, limit: number): number {
  return db.run(
    `DELETE FROM idempotency WHERE (credential, key) IN (
       SELECT credential, key FROM idempotency INDEXED BY idempotency_at WHERE at <= ? LIMIT ?)`,
    now - IDEMPOTENCY_MS,
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
