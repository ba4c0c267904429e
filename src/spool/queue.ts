import { appendToOutbox, type Envelope } from "../event/index.ts";
import type { Database } from "../platform/database.ts";
import { free } from "./holds.ts";
import { OPEN_STATES } from "./schema.ts";
import { closeOne, isOpen } from "./store.ts";
import type { Hold, QueueAction, QueueEntry, QueueFilter } from "./types.ts";
import { RECIPIENT_COLUMNS, recipientView, type StoredRecipient } from "./views.ts";

/** Recipients looked at in one turn of the writer: others have theirs in between. */
export const WINDOW = 20_000;

export type FindRequest = {
  filter: QueueFilter;
  /** `seq` of the last one of the page before, or undefined for the first. */
  before: number | undefined;
  limit: number;
};
/** `next`: where to go on; undefined: that was all. */
export type Found = { entries: QueueEntry[]; next: number | undefined };

const ENTRY_COLUMNS = `r.seq, ${RECIPIENT_COLUMNS}, m.id AS messageId, m.did, m.credential, m.kind, m.sender,
  m.from_domain AS fromDomain, m.stream, m.priority, m.size, m.received_at AS receivedAt`;

/** Recipients that match, newest first: of one window at most, so the answer may be short and yet go on. */
export function find(db: Database, { filter, before = Number.MAX_SAFE_INTEGER, limit }: FindRequest): Found {
  const { where, params } = conditions(filter);
  const open = filter.states !== undefined && filter.states.every((state) => isOpen(state));
  const window = open
    ? `SELECT seq FROM recipient INDEXED BY recipient_open WHERE state IN ${OPEN_STATES} AND seq < ?`
    : "SELECT seq FROM recipient WHERE seq < ?";
  const bounds = filter.ids
    ? { first: 0, full: false }
    : boundsOf(db.all<{ seq: number }>(`${window} ORDER BY seq DESC LIMIT ?`, before, WINDOW));
  const rows = db.all<StoredRecipient & Omit<QueueEntry, "hold" | "inFlight" | "firstTime">>(
    `SELECT ${ENTRY_COLUMNS} FROM recipient r CROSS JOIN message m ON m.seq = r.message
     WHERE r.seq < ? AND r.seq >= ? ${open && !filter.ids ? `AND r.state IN ${OPEN_STATES}` : ""} ${where}
     ORDER BY r.seq DESC LIMIT ?`,
    before,
    bounds.first,
    ...params,
    limit,
  );
  const entries = rows.map((row) => recipientView(row));
  if (entries.length === limit) return { entries, next: entries.at(-1)!.seq };
  return { entries, next: bounds.full ? bounds.first : undefined };
}

function boundsOf(seqs: { seq: number }[]): { first: number; full: boolean } {
  return { first: seqs.at(-1)?.seq ?? 0, full: seqs.length === WINDOW };
}

function conditions(filter: QueueFilter): { where: string; params: (string | number)[] } {
  const parts: string[] = [];
  const params: (string | number)[] = [];
  const add = (sql: string, ...values: (string | number | undefined)[]) => {
    if (values.some((value) => value === undefined)) return;
    parts.push(`AND ${sql}`);
    params.push(...(values as (string | number)[]));
  };
  if (filter.ids) {
    const ids = JSON.stringify(filter.ids);
    add(
      `(r.id IN (SELECT value FROM json_each(?))
        OR r.message IN (SELECT seq FROM message WHERE id IN (SELECT value FROM json_each(?))))`,
      ids,
      ids,
    );
  }
  add("r.did = ?", filter.did);
  add("m.credential = ?", filter.credential);
  add("m.from_domain = ? COLLATE NOCASE", filter.fromDomain);
  add("r.address = ? COLLATE NOCASE", filter.recipient);
  add("r.domain = ? COLLATE NOCASE", filter.recipientDomain);
  if (filter.states) add("r.state IN (SELECT value FROM json_each(?))", JSON.stringify(filter.states));
  add("r.hold_reason = ?", filter.holdReason);
  add("r.hold_owner = ?", filter.holdOwner);
  add("m.stream = ?", filter.stream);
  add("m.received_at <= ?", filter.receivedUpTo);
  return { where: parts.join("\n"), params };
}

export type ApplyRequest = {
  action: QueueAction;
  by: string;
  why: string;
  now: number;
  /** `nextAt`: when it is due; of what goes back into the queue. */
  recipients: { id: string; nextAt: number }[];
  /** With `hold`. */
  hold?: Hold;
  /** With `drop`, by recipient. */
  events?: Record<string, Envelope>;
};

type Target = {
  seq: number;
  message: number;
  state: QueueEntry["state"];
  owner: string | null;
  leased_until: number;
};

/**
 * Does one thing with recipients that were found, leaving out those to which it does not apply any more, and writes
 * down who did it. Returns the ids of those touched; files that nobody needs go into `unneeded`.
 */
export function apply(db: Database, request: ApplyRequest, unneeded: string[]): string[] {
  const { action, now, recipients, hold, events } = request;
  const touched: string[] = [];
  const messages = new Map<number, number>();
  for (const { id, nextAt } of recipients) {
    const target = db.get<Target>(
      "SELECT seq, message, state, hold_owner AS owner, leased_until FROM recipient WHERE id = ?",
      id,
    );
    if (!target || !applies(action, target, target.leased_until > 0)) continue;
    touched.push(id);
    messages.set(target.message, (messages.get(target.message) ?? 0) + 1);
    if (action === "hold") holdOne(db, target.seq, hold!, now);
    else if (action === "drop") {
      db.run(
        `UPDATE recipient SET state = 'dropped', next_at = ?, updated_at = ?, hold_reason = NULL, hold_owner = NULL,
           hold_note = NULL WHERE seq = ?`,
        now,
        now,
        target.seq,
      );
      const file = closeOne(db, target.message);
      if (file) unneeded.push(file);
      const event = events?.[id];
      if (event) appendToOutbox(db, [event]);
    } else if (action !== "bounce") free(db, target.seq, nextAt, now);
  }
  for (const [message, count] of messages) trace(db, message, request, count);
  return touched;
}

/** Whether an action can be done with a recipient. Pure. */
export function applies(
  action: QueueAction,
  { state, owner }: { state: QueueEntry["state"]; owner: string | null },
  inFlight: boolean,
): boolean {
  if (!isOpen(state)) return false;
  if (action === "hold") return state !== "held" || owner === "policy" || owner === "breaker";
  if (inFlight) return false;
  if (action === "release") return state === "held" && owner !== "policy" && owner !== "signing";
  if (action === "requeue") return state !== "held";
  return true;
}

function holdOne(db: Database, seq: number, hold: Hold, now: number): void {
  db.run(
    `UPDATE recipient SET state = 'held', updated_at = ?, hold_reason = ?, hold_owner = ?, hold_note = ? WHERE seq = ?`,
    now,
    hold.reason,
    hold.owner,
    hold.note ?? null,
    seq,
  );
}

function trace(db: Database, message: number, { now, by, action, why }: ApplyRequest, count: number): void {
  db.run(
    "INSERT INTO operation (message, at, by, action, why, recipients) VALUES (?, ?, ?, ?, ?, ?)",
    message,
    now,
    by,
    action,
    why,
    count,
  );
}
