import type { Database } from "../platform/database.ts";
import { messageRow, MESSAGE_COLUMNS, withRecipients, type SeqMessage } from "./views.ts";
import type { MessageView, RecipientState } from "./types.ts";

/** Which messages are meant. What is given must hold all together, of one recipient where it is about recipients. */
export type MessageFilter = {
  /** Of one member; of all when left out. */
  did?: string;
  credential?: string;
  fromDomain?: string;
  stream?: string;
  /** The whole address of a recipient, in any case. */
  recipient?: string;
  recipientDomain?: string;
  /** The provider whose host was asked, as the shaping file names it; what was not tried yet has none. */
  provider?: string;
  states?: RecipientState[];
  /** Received from then on, and before then; ms since the epoch. */
  since?: number;
  until?: number;
};

export type SearchRequest = { filter: MessageFilter; before: number; limit: number; scan: number };

/** `scannedTo`: the `seq` down to which was looked; null: to the end. */
export type SearchSlice = { messages: MessageView[]; scannedTo: number | null; scanned: number };

/** Found messages, newest first. */
export type MessageSearch = {
  messages: MessageView[];
  /** `before` of the next page; null: that was all. */
  next: number | null;
  /** Messages that were looked at. With a `next` and fewer messages than asked for, it stopped there, and can go on. */
  scanned: number;
};

/** One slice of a search: looks at `scan` messages at most, newest first, so that others have their turn soon. */
export function searchSlice(db: Database, request: SearchRequest): SearchSlice {
  const { filter, limit, scan } = request;
  const { did, since = 0, until = Number.MAX_SAFE_INTEGER } = filter;
  const before =
    filter.until === undefined
      ? request.before
      : Math.min(request.before, firstAfter(db, until + OUT_OF_ORDER));
  const looked = db.all<{ seq: number; at: number }>(
    did === undefined
      ? "SELECT seq, received_at AS at FROM message WHERE seq < ? ORDER BY seq DESC LIMIT ?"
      : "SELECT seq, received_at AS at FROM message WHERE did = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
    ...(did === undefined ? [before, scan] : [did, before, scan]),
  );
  const last = looked.at(-1);
  if (last === undefined) return { messages: [], scannedTo: null, scanned: 0 };
  const rows = db.all<SeqMessage>(
    `SELECT m.seq, ${MESSAGE_COLUMNS} FROM message m
     WHERE m.seq >= ?1 AND m.seq < ?2 AND (?3 IS NULL OR m.did = ?3) AND m.kind = 'mail'
       AND m.received_at >= ?4 AND m.received_at < ?5 AND (?6 IS NULL OR m.credential = ?6)
       AND (?7 IS NULL OR m.from_domain = ?7) AND (?8 IS NULL OR m.stream = ?8)
       AND (?9 = 0 OR EXISTS (SELECT 1 FROM recipient r WHERE r.message = m.seq
         AND (?10 IS NULL OR lower(r.address) = ?10) AND (?11 IS NULL OR r.domain = ?11)
         AND (?12 IS NULL OR instr(?12, ' ' || r.state || ' ') > 0)
         AND (?13 IS NULL OR EXISTS (SELECT 1 FROM attempt a WHERE a.recipient = r.seq AND a.provider = ?13))))
     ORDER BY m.seq DESC LIMIT ?14`,
    last.seq,
    before,
    did ?? null,
    since,
    until,
    filter.credential ?? null,
    filter.fromDomain ?? null,
    filter.stream ?? null,
    Number(isOfRecipients(filter)),
    filter.recipient?.toLowerCase() ?? null,
    filter.recipientDomain ?? null,
    filter.states === undefined ? null : ` ${filter.states.join(" ")} `,
    filter.provider ?? null,
    limit,
  );
  const isWhole = looked.length < scan || last.at < since - OUT_OF_ORDER;
  return {
    messages: rows.map((row) => ({ ...messageRow(row), recipients: withRecipients(db, row).recipients })),
    scannedTo: isWhole ? null : last.seq,
    scanned: looked.length,
  };
}

/** Messages are in the order of their end, times are those of their beginning. */
const OUT_OF_ORDER = 3_600_000;

/** The first `seq` that was received from `at` on: as times rise with it, a few rows tell. */
function firstAfter(db: Database, at: number): number {
  let low = 0;
  let high = (db.get<{ seq: number | null }>("SELECT max(seq) AS seq FROM message")?.seq ?? 0) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = db.get<{ seq: number; at: number }>(
      "SELECT seq, received_at AS at FROM message WHERE seq >= ? ORDER BY seq LIMIT 1",
      middle,
    );
    if (row === undefined || row.at >= at) high = middle;
    else low = row.seq + 1;
  }
  return low;
}

const isOfRecipients = ({ recipient, recipientDomain, provider, states }: MessageFilter): boolean =>
  [recipient, recipientDomain, provider, states].some((asked) => asked !== undefined);

/** Messages in one slice: a few milliseconds of the thread that writes. */
const SLICE = 400;
/** What one question looks at. */
const MOST_SCANNED = 20_000;

/** Goes through slices until a page is full, all was seen, or enough was looked at. */
export async function search(
  slice: (request: SearchRequest) => Promise<SearchSlice>,
  filter: MessageFilter,
  page: { before?: number; limit?: number } = {},
): Promise<MessageSearch> {
  const limit = Math.min(page.limit ?? 50, 500);
  let before = page.before ?? Number.MAX_SAFE_INTEGER;
  let scanned = 0;
  const messages: MessageView[] = [];
  while (scanned < MOST_SCANNED) {
    const found = await slice({ filter, before, limit: limit - messages.length, scan: SLICE });
    messages.push(...found.messages);
    scanned += found.scanned;
    // The page is full in the middle of a slice: what is older in it is still to be looked at.
    if (messages.length >= limit) return { messages, next: messages.at(-1)!.seq, scanned };
    if (found.scannedTo === null) return { messages, next: null, scanned };
    before = found.scannedTo;
  }
  return { messages, next: before, scanned };
}
