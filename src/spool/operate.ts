import type { Envelope } from "../event/index.ts";
import { applies, type Found } from "./queue.ts";
import type {
  Hold,
  Leased,
  QueueAction,
  QueueEntry,
  QueueFilter,
  QueueRequest,
  QueueResult,
} from "./types.ts";
import { RECIPIENT_STATES } from "./types.ts";
import { isOpen } from "./store.ts";
import type { Call } from "./writer.ts";

const DEFAULT_LIMIT = 1_000;
const MOST = 10_000;
/** Recipients that change in one turn of the writer. */
const AT_ONCE = 500;
const NAMED = 20;
const HOUR_MS = 3_600_000;
const OPEN = RECIPIENT_STATES.filter((state) => isOpen(state));

/** Recipients that match, newest first; the writer serves others between the windows that it looks at. */
export async function list(
  call: Call,
  filter: QueueFilter,
  { before, limit = 100 }: { before?: number; limit?: number } = {},
): Promise<Found> {
  const wanted = Math.min(Math.max(1, limit), MOST);
  const entries: QueueEntry[] = [];
  let from = before;
  for (;;) {
    const found = await call("find", { filter, before: from, limit: wanted - entries.length });
    entries.push(...found.entries);
    from = found.next;
    if (from === undefined || entries.length >= wanted) return { entries, next: from };
  }
}

export type Operation = QueueRequest & {
  action: QueueAction;
  hold?: Hold;
  perHour?: ((did: string) => number) | undefined;
  event?: ((entry: QueueEntry) => Envelope) | undefined;
  paused?: ((entry: QueueEntry) => boolean) | undefined;
  leaseMs?: number | undefined;
};

/** Does what a person asks for with the mail that waits and matches. `leased`: with `bounce`, what is to be told. */
export async function operate(
  call: Call,
  operation: Operation,
): Promise<{ result: QueueResult; leased: Leased[] }> {
  const { action, filter, limit = DEFAULT_LIMIT, dryRun = false } = operation;
  const states = (filter.states ?? OPEN).filter((state) => isOpen(state));
  const most = Math.min(Math.max(1, limit), MOST);
  const chosen: QueueEntry[] = [];
  const result: QueueResult = {
    recipients: 0,
    messages: 0,
    messageIds: [],
    inFlight: 0,
    kept: 0,
    more: false,
  };
  let before: number | undefined;
  search: for (;;) {
    const page = await list(
      call,
      { ...filter, states },
      { ...(before !== undefined && { before }), limit: 500 },
    );
    for (const entry of page.entries) {
      const target = { state: entry.state, owner: entry.hold?.owner ?? null };
      if (!applies(action, target, entry.inFlight)) {
        if (entry.inFlight && applies(action, target, false)) result.inFlight++;
        else if (action === "release" && entry.state === "held") result.kept++;
        continue;
      }
      if (action === "release" && entry.hold?.owner === "breaker" && operation.paused?.(entry)) {
        result.kept++;
        continue;
      }
      if (chosen.length === most) {
        result.more = true;
        break search;
      }
      chosen.push(entry);
    }
    before = page.next;
    if (before === undefined) break;
  }
  const leased: Leased[] = [];
  const touched = new Set<string>();
  const due = dueTimes(chosen, operation);
  for (let i = 0; i < chosen.length; i += AT_ONCE) {
    const part = chosen.slice(i, i + AT_ONCE);
    if (dryRun) {
      for (const { id } of part) touched.add(id);
      continue;
    }
    const request = {
      action,
      by: operation.by,
      why: operation.why,
      now: operation.now,
      recipients: part.map(({ id }) => ({ id, nextAt: due.get(id) ?? operation.now })),
      ...(operation.hold && { hold: operation.hold }),
      ...(operation.event && {
        events: Object.fromEntries(part.map((entry) => [entry.id, operation.event!(entry)])),
      }),
    };
    if (action === "bounce") {
      const taken = await call("leaseThese", { apply: request, leaseMs: operation.leaseMs });
      leased.push(...taken);
      for (const { id } of taken) touched.add(id);
    } else for (const id of await call("apply", request)) touched.add(id);
  }
  const messages = new Set(chosen.flatMap((entry) => (touched.has(entry.id) ? [entry.messageId] : [])));
  result.recipients = touched.size;
  result.messages = messages.size;
  result.messageIds = [...messages].slice(0, NAMED);
  return { result, leased };
}

/** When what is released leaves: a member's mail no faster than its hourly limit, login codes first. */
function dueTimes(
  entries: readonly QueueEntry[],
  { perHour, now, earlierBy }: Operation,
): Map<string, number> {
  if (earlierBy !== undefined)
    return new Map(entries.map(({ id, nextAt }) => [id, Math.max(now, nextAt - earlierBy)]));
  const places = new Map<string, number>();
  const due = new Map<string, number>();
  if (!perHour) return due;
  for (const { id, did } of entries.toSorted((a, b) => a.priority - b.priority || a.seq - b.seq)) {
    const place = places.get(did) ?? 0;
    places.set(did, place + 1);
    const rate = perHour(did);
    due.set(id, rate > 0 ? now + Math.floor((place * HOUR_MS) / rate) : now);
  }
  return due;
}
