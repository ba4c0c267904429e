import type { Database } from "../platform/database.ts";
import { messageIdKey } from "./message-id.ts";
import { OPEN_STATES } from "./schema.ts";
import type {
  AttemptView,
  HoldOwner,
  MessageRow,
  MessageView,
  OperationView,
  RecipientState,
  RecipientView,
} from "./types.ts";

export const MESSAGE_COLUMNS = `m.id, m.did, m.credential, m.kind, m.sender, m.from_domain AS fromDomain, m.stream,
  m.priority, m.template, m.received_at AS receivedAt, m.size, m.eight_bit AS eightBit, m.smtp_utf8 AS smtpUtf8,
  m.ret, m.envid, m.ask`;

/** As SQLite gives it: it has no truth values. */
export type StoredMessage = Omit<MessageRow, "eightBit" | "smtpUtf8"> & {
  eightBit: number;
  smtpUtf8: number;
};

export function messageRow<T extends StoredMessage>(
  row: T,
): Omit<T, "eightBit" | "smtpUtf8"> & Pick<MessageRow, "eightBit" | "smtpUtf8"> {
  return { ...row, eightBit: row.eightBit === 1, smtpUtf8: row.smtpUtf8 === 1 };
}

export const RECIPIENT_COLUMNS = `r.id, r.address, r.domain, r.state, r.attempts, r.next_at AS nextAt,
  r.updated_at AS updatedAt, r.leased_until > 0 AS inFlight, r.first_time AS firstTime, r.notify, r.orcpt, r.hold_reason AS holdReason, r.hold_owner AS holdOwner,
  r.hold_note AS holdNote, r.waits`;

export type StoredRecipient = Omit<RecipientView, "hold" | "inFlight" | "firstTime"> & {
  inFlight: number;
  firstTime: number;
  holdReason: string | null;
  holdOwner: HoldOwner | null;
  holdNote: string | null;
};

export function recipientView<T extends StoredRecipient>(
  row: T,
): Omit<T, "holdReason" | "holdOwner" | "holdNote" | "inFlight" | "firstTime"> &
  Pick<RecipientView, "hold" | "inFlight" | "firstTime"> {
  const { holdReason, holdOwner, holdNote, inFlight, firstTime, ...view } = row;
  const hold =
    holdReason === null || holdOwner === null
      ? null
      : { reason: holdReason, owner: holdOwner, ...(holdNote !== null && { note: holdNote }) };
  return { ...view, hold, inFlight: inFlight === 1, firstTime: firstTime === 1 };
}

/** Every state that occurs, with its number of recipients. Kept by triggers: nothing is counted here. */
export function countStates(db: Database): Partial<Record<RecipientState, number>> {
  const rows = db.all<{ state: RecipientState; n: number }>(
    "SELECT state, n FROM recipient_count WHERE n > 0 ORDER BY state",
  );
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]));
}

export function openCount(db: Database): number {
  return (
    db.get<{ n: number | null }>(`SELECT sum(n) AS n FROM recipient_count WHERE state IN ${OPEN_STATES}`)
      ?.n ?? 0
  );
}

/** When the oldest message that still waits was received; undefined when none waits. */
export function oldestWaiting(db: Database): number | undefined {
  return db.get<{ at: number }>(
    "SELECT received_at AS at FROM message INDEXED BY message_waiting WHERE open > 0 ORDER BY received_at LIMIT 1",
  )?.at;
}

export type SeqMessage = StoredMessage & { seq: number };

export type MessagesRequest = { did: string; credential: string | null; before: number; limit: number };

/** Newest first, from below `before`; of all credentials, or of one. */
export function messagesOf(db: Database, { did, credential, before, limit }: MessagesRequest): MessageView[] {
  const rows = db.all<SeqMessage>(
    `SELECT m.seq, ${MESSAGE_COLUMNS} FROM message m
     WHERE m.did = ?1 AND m.seq < ?2 AND (?3 IS NULL OR m.credential = ?3) ORDER BY m.seq DESC LIMIT ?4`,
    did,
    before,
    credential,
    limit,
  );
  return rows.map((row) => withRecipients(db, row));
}

export function messageById(db: Database, id: string): MessageView | undefined {
  const row = db.get<SeqMessage>(`SELECT m.seq, ${MESSAGE_COLUMNS} FROM message m WHERE m.id = ?`, id);
  return row && withRecipients(db, row);
}

/** The latest ten messages with this `Message-ID`: members may use one twice. */
export function messagesByMessageId(db: Database, messageId: string): MessageView[] {
  const key = messageIdKey(messageId);
  if (key === undefined) return [];
  const rows = db.all<SeqMessage>(
    `SELECT m.seq, ${MESSAGE_COLUMNS} FROM message m INDEXED BY message_by_message_id
     WHERE m.message_id_key = ? ORDER BY m.seq DESC LIMIT 10`,
    key,
  );
  return rows.map((row) => withRecipients(db, row));
}

/** The message that a recipient (an id out of a return path) belongs to. */
export function messageByRecipient(db: Database, recipientId: string): MessageView | undefined {
  const row = db.get<{ id: string }>(
    "SELECT m.id FROM recipient r JOIN message m ON m.seq = r.message WHERE r.id = ?",
    recipientId,
  );
  return row && messageById(db, row.id);
}

export function withRecipients(db: Database, row: SeqMessage): MessageView {
  const recipients = db
    .all<StoredRecipient>(
      `SELECT ${RECIPIENT_COLUMNS} FROM recipient r WHERE r.message = ? ORDER BY r.seq`,
      row.seq,
    )
    .map((recipient) => recipientView(recipient));
  return { ...messageRow(row), recipients };
}

/** Messages that wait for a signature, in the order of their arrival, after `after`. */
export function unsigned(db: Database, after: number, limit: number): (MessageRow & { seq: number })[] {
  return db
    .all<SeqMessage>(
      `SELECT m.seq, ${MESSAGE_COLUMNS} FROM message m INDEXED BY message_unsigned
       WHERE m.unsigned = 1 AND m.seq > ? ORDER BY m.seq LIMIT ?`,
      after,
      limit,
    )
    .map((row) => messageRow(row));
}

/** Oldest first. */
export function attemptsOf(db: Database, messageId: string): AttemptView[] {
  const rows = db.all<Omit<AttemptView, "permanent"> & { permanent: number }>(
    `SELECT r.id AS recipientId, a.at, a.duration_ms AS durationMs, a.host, a.code, a.enhanced, a.text, a.class,
       a.permanent, a.fault, a.rule, a.tls, a.tls_policy AS tlsPolicy, a.transcript, a.egress, a.provider
     FROM attempt a JOIN recipient r ON r.seq = a.recipient JOIN message m ON m.seq = r.message
     WHERE m.id = ? ORDER BY a.seq LIMIT 1000`,
    messageId,
  );
  return rows.map((row) => ({ ...row, permanent: row.permanent === 1 }));
}

/** What people did with it, oldest first. */
export function operationsOf(db: Database, messageId: string): OperationView[] {
  return db.all<OperationView>(
    `SELECT o.at, o.by, o.action, o.why, o.recipients FROM operation o JOIN message m ON m.seq = o.message
     WHERE m.id = ? ORDER BY o.seq LIMIT 1000`,
    messageId,
  );
}
