import type { Database } from "../platform/database.ts";
import type { NewTold, ToldView } from "./types.ts";

/** A member is told of one delay of a message, however many of its recipients wait. */
export function isToldAlready(db: Database, message: number, { kind }: NewTold): boolean {
  if (kind !== "delayed") return false;
  return db.get("SELECT 1 FROM told WHERE message = ? AND kind = 'delayed' LIMIT 1", message) !== undefined;
}

export function insertTold(db: Database, message: number, recipientId: string, told: NewTold): void {
  db.run(
    `INSERT INTO told (message, did, recipient, at, kind, status, sent_to, text)
     SELECT seq, ifnull(?, did), ?, ?, ?, ?, ?, ? FROM message WHERE seq = ?`,
    told.did ?? null,
    recipientId,
    told.at,
    told.kind,
    told.status,
    told.sentTo,
    told.text,
    message,
  );
}

const COLUMNS = `t.seq, m.id AS messageId, r.id AS recipientId, r.address, r.state, m.from_domain AS fromDomain,
  m.stream, t.at, t.kind, t.status, t.sent_to AS sentTo, t.text
  FROM told t JOIN message m ON m.seq = t.message JOIN recipient r ON r.id = t.recipient`;

export type ToldRequest = { did: string; before: number; limit: number };

/** Newest first, from below `before`. */
export function toldTo(db: Database, { did, before, limit }: ToldRequest): ToldView[] {
  return db.all<ToldView>(
    `SELECT ${COLUMNS} WHERE t.did = ? AND t.seq < ? ORDER BY t.seq DESC LIMIT ?`,
    did,
    before,
    limit,
  );
}

/** Oldest first. */
export function toldOf(db: Database, messageId: string): ToldView[] {
  return db.all<ToldView>(`SELECT ${COLUMNS} WHERE m.id = ? ORDER BY t.seq LIMIT 1000`, messageId);
}
