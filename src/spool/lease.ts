import type { Database } from "../platform/database.ts";
import { inTurn } from "./order.ts";
import { OPEN_STATES, WAITS } from "./schema.ts";
import { LOWEST_PRIORITY } from "./store.ts";
import type { Leased } from "./types.ts";
import { MESSAGE_COLUMNS, messageRow, type StoredMessage } from "./views.ts";

/** Half an hour: far more than the five minutes after which the holder renews what it still has. */
export const LEASE_MS = 30 * 60_000;

/** Places that are free. What names `busy...` has as much in hand as it may have. */
export type LeasePlaces = {
  max: number;
  /** At most so many of one domain, so that a slow one cannot take all places. */
  perDomain: number;
  /** Domains that have enough in hand already. */
  busy: string[];
  /** The same for members, by DID; default: no limit. */
  perMember?: number;
  busyMembers?: string[];
  /** The same for pairs, `DID domain`; default: no limit. */
  perPair?: number;
  busyPairs?: string[];
};

export type LeaseRequest = LeasePlaces & {
  now: number;
  /** Those of login codes, which have more: `max` is the sum. Default: the same places. */
  codes?: LeasePlaces;
  /**
   * How long, in ms of real time; after that others get it. Default: half an hour. It must exceed the time between two
   * calls of `renew` by who works on it, with all that can hold up that process.
   */
  leaseMs?: number;
};

/** What the writer knows between two leases. `elapsed`: ms of a clock that never jumps, above 0. */
export type LeaseState = {
  elapsed: () => number;
  turn: { taken: number };
  lane: { did: string; domain: string };
  /** The member whose login code was taken last. */
  code: string;
  leases: number;
};

export function createLeaseState(elapsed: () => number): LeaseState {
  return { elapsed, turn: { taken: 0 }, lane: { did: "", domain: "" }, code: "", leases: 0 };
}

const PRIORITIES = Array.from({ length: LOWEST_PRIORITY + 1 }, (_, priority) => priority);

/** How many due recipients of each priority, and then how many pairs of member and domain, one lease looks at. */
const LOOK_AT = 1_000;
/** A lease that finds enough among the first few looks no further, but for each eighth: what is behind them has its turn too. */
const LOOK_FIRST = 200;
const LOOK_ON = 8;
const LANES_AT_ONCE = 300;
/** How many login codes of each member one lease looks at. */
const CODES_OF_MEMBER = 100;
const CODE = 0;

type DueRow = { seq: number; domain: string; did: string; priority: number; dueAt: number };

export const DUE_SQL = `SELECT seq, domain, did, priority, next_at AS dueAt FROM recipient INDEXED BY recipient_due
  WHERE ${WAITS} AND priority = ? AND next_at <= ? ORDER BY next_at LIMIT ?`;
export const NEXT_CODER_SQL = `SELECT did FROM recipient INDEXED BY recipient_code
  WHERE ${WAITS} AND priority = 0 AND did > ? ORDER BY did LIMIT 1`;
export const CODES_SQL = `SELECT seq, domain, did, priority, next_at AS dueAt FROM recipient INDEXED BY recipient_code
  WHERE ${WAITS} AND priority = 0 AND did = ? AND next_at <= ? ORDER BY next_at LIMIT ?`;
export const NEXT_LANE_SQL = `SELECT did, domain FROM recipient INDEXED BY recipient_lane
  WHERE ${WAITS} AND (did, domain) > (?, ?) ORDER BY did, domain LIMIT 1`;
export const NEXT_MEMBER_SQL = `SELECT did, domain FROM recipient INDEXED BY recipient_lane
  WHERE ${WAITS} AND did > ? ORDER BY did, domain LIMIT 1`;
export const LANE_SQL = `SELECT seq, domain, did, priority, next_at AS dueAt FROM recipient INDEXED BY recipient_lane
  WHERE ${WAITS} AND did = ? AND domain = ? AND priority = ? AND next_at <= ? ORDER BY next_at LIMIT ?`;
export const LAPSED_SQL = `UPDATE recipient INDEXED BY recipient_leased SET leased_until = 0
  WHERE leased_until > 0 AND leased_until <= ?`;
export const NEXT_DUE_SQL = `SELECT next_at AS at FROM recipient INDEXED BY recipient_due
  WHERE ${WAITS} AND priority = ? ORDER BY next_at LIMIT 1`;

/**
 * Due recipients in the order of `inTurn`, login codes of one member after those of another. The work is bounded however
 * long the queue is: first those that lead it; when these are of members or domains that have enough, what others have,
 * pair by pair, going on where the last lease ended.
 */
export function lease(db: Database, request: LeaseRequest, state: LeaseState): Leased[] {
  const { now, codes = request } = request;
  db.run(LAPSED_SQL, state.elapsed());
  const until = deadline(state, request.leaseMs);
  const usual = createPlaces(request);
  const forCodes = createPlaces(codes);
  const most = Math.max(request.max, codes.max);
  const out: Leased[] = [];

  function take(queues: DueRow[][]): void {
    for (const { seq, domain, did, priority } of inTurn(queues, state.turn)) {
      if (out.length >= most) return;
      if (!(priority === CODE ? forCodes : usual).room(did, domain)) continue;
      usual.add(did, domain);
      forCodes.add(did, domain);
      state.turn.taken++;
      if (priority === CODE) state.code = did;
      out.push(leaseRow(db, seq, until));
    }
  }

  /** Takes of those that lead; true: there are no others. */
  function takeLeading(look: number): boolean {
    const leading = PRIORITIES.map((priority) => {
      if (priority === CODE) return dueCodes(db, now, state.code);
      if (request.max <= 0) return { rows: [], all: true };
      const rows = db.all<DueRow>(DUE_SQL, priority, now, look);
      return { rows, all: rows.length < look };
    });
    take(leading.map(({ rows }) => rows));
    return leading.every(({ all }) => all);
  }

  if (takeLeading(LOOK_FIRST)) return out;
  if (out.length > 0 && state.leases++ % LOOK_ON !== 0) return out;
  if (out.length >= most || takeLeading(LOOK_AT)) return out;
  const began = { ...state.lane };
  let wrapped = began.did === "";
  for (let steps = 0; steps < LANES_AT_ONCE && out.length < most; steps++) {
    const { did, domain } = state.lane;
    const skip = did !== "" && !forCodes.roomOf(did);
    const lane = skip
      ? db.get<{ did: string; domain: string }>(NEXT_MEMBER_SQL, did)
      : db.get<{ did: string; domain: string }>(NEXT_LANE_SQL, did, domain);
    state.lane = lane ?? { did: "", domain: "" };
    if (!lane) {
      if (wrapped) break;
      wrapped = true;
      continue;
    }
    if (wrapped && began.did !== "" && isAfter(lane, began)) break;
    const free = usual.room(lane.did, lane.domain);
    if (!free && !forCodes.room(lane.did, lane.domain)) continue;
    const limit = Math.min(most - out.length, free ? request.perDomain : codes.perDomain);
    const looked = free ? PRIORITIES : [CODE];
    take(looked.map((one) => db.all<DueRow>(LANE_SQL, lane.did, lane.domain, one, now, limit)));
  }
  return out;
}

/** Due login codes of each member in turn, beginning behind the one who had its turn last. */
function dueCodes(db: Database, now: number, after: string): { rows: DueRow[]; all: boolean } {
  const members: DueRow[][] = [];
  let at = after;
  let wrapped = after === "";
  let all = true;
  for (let steps = 0; steps < LANES_AT_ONCE; steps++) {
    const did = db.get<{ did: string }>(NEXT_CODER_SQL, at)?.did;
    if (did === undefined && !wrapped) {
      wrapped = true;
      at = "";
      continue;
    }
    if (did === undefined || (wrapped && after !== "" && did > after))
      return { rows: inRounds(members), all };
    const rows = db.all<DueRow>(CODES_SQL, did, now, CODES_OF_MEMBER);
    if (rows.length > 0) members.push(rows);
    all &&= rows.length < CODES_OF_MEMBER;
    at = did;
  }
  return { rows: inRounds(members), all: false };
}

/** The first of each, then the second of each, ... */
function inRounds<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1))).flat();
}

function isAfter(a: LeaseState["lane"], b: LeaseState["lane"]): boolean {
  return a.did > b.did || (a.did === b.did && a.domain > b.domain);
}

function createPlaces(places: LeasePlaces) {
  const { perMember = Infinity, busyMembers = [], perPair = Infinity, busyPairs = [] } = places;
  const domains = createTally(places.perDomain, places.busy);
  const members = createTally(perMember, busyMembers);
  const pairs = createTally(perPair, busyPairs);
  let left = places.max;
  return {
    roomOf: (did: string) => left > 0 && members.room(did),
    room: (did: string, domain: string) =>
      left > 0 && domains.room(domain) && members.room(did) && pairs.room(`${did} ${domain}`),
    add(did: string, domain: string) {
      left--;
      domains.add(domain);
      members.add(did);
      pairs.add(`${did} ${domain}`);
    },
  };
}

function createTally(most: number, busy: readonly string[]) {
  const counts = new Map<string, number>(busy.map((key) => [key, Infinity]));
  return {
    room: (key: string) => (counts.get(key) ?? 0) < most,
    add: (key: string) => void counts.set(key, (counts.get(key) ?? 0) + 1),
  };
}

function deadline({ elapsed }: LeaseState, leaseMs = LEASE_MS): number {
  return Math.max(1, Math.floor(elapsed() + leaseMs));
}

type LeasedRow = Omit<Leased, "message" | "firstTime"> & { message: number; firstTime: number };

const LEASED_SQL = `SELECT id, address, domain, attempts, first_time AS firstTime, notify, orcpt, message,
  (SELECT CASE WHEN class IN ('blocked', 'rate-limited', 'network') THEN NULL ELSE egress END FROM attempt
   WHERE r.attempts > 0 AND recipient = r.seq ORDER BY seq DESC LIMIT 1) AS egress
  FROM recipient r WHERE seq = ?`;

function leaseRow(db: Database, seq: number, until: number): Leased {
  db.run("UPDATE recipient SET leased_until = ? WHERE seq = ?", until, seq);
  const { message, firstTime, ...row } = db.get<LeasedRow>(LEASED_SQL, seq)!;
  const stored = db.get<StoredMessage>(`SELECT ${MESSAGE_COLUMNS} FROM message m WHERE m.seq = ?`, message)!;
  return { ...row, firstTime: firstTime === 1, message: messageRow(stored) };
}

/** Gives those of `recipientIds` that are still leased a new deadline. */
export function renew(
  db: Database,
  recipientIds: string[],
  leaseMs: number | undefined,
  state: LeaseState,
): number {
  return db.run(
    `UPDATE recipient SET leased_until = ?
     WHERE id IN (SELECT value FROM json_each(?)) AND leased_until > 0`,
    deadline(state, leaseMs),
    JSON.stringify(recipientIds),
  ).changes;
}

/** Held recipients that wait no longer, now the caller's alone: of old messages, and all of some members. */
export type HeldRequest = { receivedUpTo: number; dids: string[]; max: number; leaseMs?: number };

export function leaseHeld(db: Database, request: HeldRequest, state: LeaseState): Leased[] {
  const { receivedUpTo, dids, max, leaseMs } = request;
  const old = db.all<{ seq: number }>(
    `SELECT r.seq FROM message m INDEXED BY message_waiting CROSS JOIN recipient r ON r.message = m.seq
     WHERE m.open > 0 AND m.received_at <= ? AND r.state = 'held' AND r.leased_until = 0 LIMIT ?`,
    receivedUpTo,
    max,
  );
  const gone = db.all<{ seq: number }>(
    `SELECT seq FROM recipient INDEXED BY recipient_held
     WHERE state = 'held' AND did IN (SELECT value FROM json_each(?)) AND leased_until = 0 LIMIT ?`,
    JSON.stringify(dids),
    max,
  );
  const until = deadline(state, leaseMs);
  const seqs = new Set([...old, ...gone].map(({ seq }) => seq));
  return [...seqs].slice(0, max).map((seq) => leaseRow(db, seq, until));
}

/** Those of `recipientIds` that wait and that nobody works on, now the caller's alone. */
export function leaseThese(
  db: Database,
  recipientIds: string[],
  leaseMs: number | undefined,
  state: LeaseState,
): Leased[] {
  const until = deadline(state, leaseMs);
  return db
    .all<{ seq: number }>(
      `SELECT seq FROM recipient WHERE id IN (SELECT value FROM json_each(?))
       AND state IN ${OPEN_STATES} AND leased_until = 0`,
      JSON.stringify(recipientIds),
    )
    .map(({ seq }) => leaseRow(db, seq, until));
}

/** When the next waiting recipient is due; undefined when none waits. */
export function nextDue(db: Database): number | undefined {
  const times = PRIORITIES.flatMap((priority) => db.get<{ at: number }>(NEXT_DUE_SQL, priority)?.at ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** No wait between two attempts is longer, and none of what is paced: a time further ahead was set by a wrong clock. */
const LONGEST_RETRY_MS = 6 * 3_600_000;
export const LONGEST_PACE_MS = 5 * 86_400_000;

export function shortenWaits(db: Database, now: number): void {
  const latest = { deferred: now + LONGEST_RETRY_MS, queued: now + LONGEST_PACE_MS };
  for (const [state, at] of Object.entries(latest)) {
    db.run(
      `UPDATE recipient SET next_at = ?1 WHERE next_at > ?1 AND ${WAITS} AND state = ?2 AND priority IN (0, 1, 2)`,
      at,
      state,
    );
  }
}

/** Leases of a process that is gone: what it had was due, whatever the clock says now. */
export function releaseLeases(db: Database, now = Number.MAX_SAFE_INTEGER): void {
  db.run("UPDATE recipient SET leased_until = 0, next_at = MIN(next_at, ?) WHERE leased_until > 0", now);
}
