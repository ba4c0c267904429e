import type { EgressAddress } from "../../egress/index.ts";
import type { Conversation } from "./conversation.ts";
import { countWaiting, type Destination, type Slot } from "./destination.ts";
import { needsOf, type Job } from "./job.ts";
import type { FairQueue } from "./queue.ts";
import type { Way, Ways } from "./ways.ts";

/**
 * Mail for one set of hosts from one address of ours. Different recipient domains with the same hosts share connections,
 * where a connection has shown what each of them needs.
 */
export type Lane = {
  key: string;
  egress: EgressAddress;
  destination: Destination;
  slot: Slot;
  queue: FairQueue<Job>;
  sessions: number;
  /** Of each open connection, whether a job may go over it. */
  open: Set<(job: Job) => boolean>;
  /** Sessions that the hosts bear: few until one has connected, and lowered when they refuse one more. */
  limit: number;
  /** When it was lowered or raised again, ms of a clock that never jumps; 0: it was not. */
  limitedAt: number;
  /** Sessions that have nothing to do, and keep their connection for a moment. True: there is something. */
  idle: Set<(more: boolean) => void>;
};

/** Connections that find out whether anybody is there. */
export const PROBES = 2;
/** Two connections are worth having for any queue; more only when it is so much longer than they are many. */
const QUEUE_PER_SESSION = 4;

/** What hosts refused once they may bear a while later: one connection more for each such time. */
const RAISE_MS = 30_000;

/** One connection was one too many. */
export function lower(lane: Pick<Lane, "sessions" | "limit" | "limitedAt">, now: number): void {
  lane.limit = Math.max(1, lane.sessions - 1);
  lane.limitedAt = now;
}

export function raise(lane: Pick<Lane, "limit" | "limitedAt">, now: number): void {
  if (lane.limitedAt === 0 || now < lane.limitedAt + RAISE_MS) return;
  lane.limit++;
  lane.limitedAt = now;
}

/** Would one more connection help? `scarce`: others need the places too, and an open connection is free again in a moment. */
export function wantsSession(
  {
    queue,
    sessions,
    limit,
  }: Pick<Lane, "sessions" | "limit"> & { queue: Pick<Lane["queue"], "size" | "codes"> },
  scarce: boolean,
): boolean {
  if (queue.size === 0 || sessions >= limit) return false;
  if (sessions === 0 || queue.size > sessions * QUEUE_PER_SESSION) return true;
  return scarce ? queue.codes > sessions : sessions < PROBES || queue.codes > 0;
}

export function takeOut({ queue, destination }: Lane, which: (job: Job) => boolean): Job[] {
  const out = queue.remove(which);
  for (const job of out) countWaiting(destination, job, -1);
  return out;
}

export function putBack({ queue, destination }: Lane, job: Job): void {
  queue.putBack(job);
  countWaiting(destination, job, 1);
}

/** The same host as another domain has it, which may need more of it or less. */
export function wayOf(ways: Ways, { host }: Way): Way | undefined {
  return ways.open.find((way) => way.host.name === host.name);
}

/** Whether a connection to a host has shown what a job needs of it, and that it can take its message. */
export function suits(
  conversation: Pick<Conversation, "judge" | "lacking">,
  way: Way,
): (job: Pick<Job, "ways" | "leased">) => boolean {
  return (job) => {
    const own = wayOf(job.ways, way);
    return own !== undefined && conversation.judge(own.tls.need).ok && !conversation.lacking(needsOf(job));
  };
}

/**
 * Whether a job fails with another one: where nobody was reached, all that may go to the same hosts; where a host had not
 * what is needed, those that need the same.
 */
export function sharesFate(first: Ways, forTls: boolean): (job: Pick<Job, "ways">) => boolean {
  const tried = new Set(first.open.map(({ host }) => host.name));
  return ({ ways }) => ways === first || (!forTls && ways.open.every(({ host }) => tried.has(host.name)));
}
