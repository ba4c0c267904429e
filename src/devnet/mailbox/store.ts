import type { Database, Migration } from "../../platform/database.ts";
import type { Verdicts } from "./authenticate.ts";

export const mailboxMigration: Migration = {
  module: "devnet_mailbox",
  steps: [
    `CREATE TABLE mailbox_message (
       id INTEGER PRIMARY KEY AUTOINCREMENT,
       received_at INTEGER NOT NULL,
       mailbox TEXT NOT NULL,
       mail_from TEXT NOT NULL,
       helo TEXT NOT NULL,
       client TEXT NOT NULL,
       tls TEXT,
       header_from TEXT NOT NULL,
       header_to TEXT NOT NULL,
       subject TEXT NOT NULL,
       verdicts TEXT NOT NULL,
       note TEXT NOT NULL DEFAULT '',
       raw BLOB NOT NULL
     ) STRICT;
     CREATE INDEX mailbox_message_mailbox ON mailbox_message (mailbox, id)`,
  ],
};

export type Summary = {
  id: number;
  /** ms since the epoch, by the clock of the sandbox. */
  receivedAt: number;
  /** Envelope recipient. */
  mailbox: string;
  /** Envelope sender; empty for the null sender. */
  mailFrom: string;
  headerFrom: string;
  headerTo: string;
  subject: string;
  verdicts: Verdicts;
};

export type StoredMessage = Summary & {
  helo: string;
  /** Address of the client. */
  client: string;
  /** Such as `TLSv1.3 TLS_AES_256_GCM_SHA384`; null when it came in clear. */
  tls: string | null;
  /** What the provider did afterwards, such as sending a complaint. */
  note: string;
  raw: Uint8Array;
};

/** What a report tells of a message. */
export type Seen = Pick<StoredMessage, "client" | "headerFrom" | "verdicts">;

type Row = {
  id: number;
  received_at: number;
  mailbox: string;
  mail_from: string;
  helo: string;
  client: string;
  tls: string | null;
  header_from: string;
  header_to: string;
  subject: string;
  verdicts: string;
  note: string;
  raw: Uint8Array;
};

const KEPT = 5_000;
const SUMMARY = "id, received_at, mailbox, mail_from, header_from, header_to, subject, verdicts";

export type Inbox = ReturnType<typeof createInbox>;

/** The last 5,000 messages that the provider took. */
export function createInbox(db: Database) {
  return {
    add(message: Omit<StoredMessage, "id" | "note">): number {
      const { lastInsertRowid: id } = db.run(
        `INSERT INTO mailbox_message
           (received_at, mailbox, mail_from, helo, client, tls, header_from, header_to, subject, verdicts, raw)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        message.receivedAt,
        message.mailbox,
        message.mailFrom,
        message.helo,
        message.client,
        message.tls,
        message.headerFrom,
        message.headerTo,
        message.subject,
        JSON.stringify(message.verdicts),
        message.raw,
      );
      db.run("DELETE FROM mailbox_message WHERE id <= ?", id - KEPT);
      return id;
    },
    setNote(id: number, note: string): void {
      db.run("UPDATE mailbox_message SET note = ? WHERE id = ?", note, id);
    },
    get(id: number): StoredMessage | undefined {
      const row = db.get<Row>("SELECT * FROM mailbox_message WHERE id = ?", id);
      if (!row) return undefined;
      const { helo, client, tls, note, raw } = row;
      return { ...summary(row), helo, client, tls, note, raw };
    },
    /** Newest first, older than `before`; of one mailbox when it is given. */
    list({ mailbox, before, limit = 50 }: { mailbox?: string; before?: number; limit?: number }): Summary[] {
      const older = before ?? Number.MAX_SAFE_INTEGER;
      const rows = mailbox
        ? db.all<Row>(
            `SELECT ${SUMMARY} FROM mailbox_message WHERE mailbox = ? AND id < ? ORDER BY id DESC LIMIT ?`,
            mailbox.toLowerCase(),
            older,
            limit,
          )
        : db.all<Row>(
            `SELECT ${SUMMARY} FROM mailbox_message WHERE id < ? ORDER BY id DESC LIMIT ?`,
            older,
            limit,
          );
      return rows.map(summary);
    },
    /** What came in of `from` up to `to`, for reports; times in ms since the epoch. */
    between: (from: number, to: number): Seen[] =>
      db
        .all<Pick<Row, "client" | "header_from" | "verdicts">>(
          "SELECT client, header_from, verdicts FROM mailbox_message WHERE received_at >= ? AND received_at < ?",
          from,
          to,
        )
        .map(({ client, header_from: headerFrom, verdicts }) => ({
          client,
          headerFrom,
          verdicts: JSON.parse(verdicts) as Verdicts,
        })),
    /** When the latest came in; undefined: none has. */
    latestAt: () =>
      db.get<{ at: number | null }>("SELECT max(received_at) AS at FROM mailbox_message")?.at ?? undefined,
    count: (): number => db.get<{ n: number }>("SELECT count(*) AS n FROM mailbox_message")?.n ?? 0,
  };
}

function summary(row: Row): Summary {
  return {
    id: row.id,
    receivedAt: row.received_at,
    mailbox: row.mailbox,
    mailFrom: row.mail_from,
    headerFrom: row.header_from,
    headerTo: row.header_to,
    subject: row.subject,
    verdicts: JSON.parse(row.verdicts) as Verdicts,
  };
}
