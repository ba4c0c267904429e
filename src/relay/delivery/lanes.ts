import { isIP } from "node:net";
import type { Measures } from "../../shaping/index.ts";
import type { DeliveryConfig, RelayContext } from "../context.ts";
import { DEADLINES, type Conversation } from "./conversation.ts";
import {
  countWaiting,
  enter,
  hasRoom,
  isOver,
  leave,
  moved,
  newDestination,
  paceTake,
  paceWait,
  type Bounds,
  type Destination,
} from "./destination.ts";
import { destinationOf, hostsOf } from "./departure.ts";
import { createDowns } from "./downs.ts";
import { createHands, type Hand } from "./hands.ts";
import { needsOf, type Job, type JobEnd } from "./job.ts";
import {
  lower,
  PROBES,
  putBack,
  raise,
  sharesFate,
  suits,
  takeOut,
  wantsSession,
  wayOf,
  type Lane,
} from "./lane.ts";
import { halved, hasShare, placeFor, type Place } from "./places.ts";
import { createFairQueue } from "./queue.ts";
import { observeSession, reach, type Reached, type ReachOptions } from "./reach.ts";
import { localFault, unreached as notReached } from "./result.ts";
import { send } from "./send.ts";
import { createWaitingLanes } from "./waiting-lanes.ts";
import type { Way } from "./ways.ts";

export interface Lanes {
  add(job: Job): void;
  /** Ends those transfers whose final dot has not left, and takes out what waits. */
  abort(which: (job: Job) => boolean): void;
  /** Sends what waits and matches back to the queue, and what was taken to be sent before its first word. */
  recall(which: (job: Job) => boolean, until: number, why: string): void;
  /** The address is not ours any more: what was said from there gets no answer. */
  drop(address: string, why: string): void;
  /** Begins nothing more; what waits is told so, what is under way goes on. */
  close(): void;
  /** What is kept in mind. */
  counts(): { lanes: number; destinations: number };
}

/** An open connection that has nothing to do is kept for a moment: the next message may be here at once. */
const IDLE_MS = 1_000;
/** One that only waits for its rate is kept longer. */
const PACED_IDLE_MS = 5_000;
export const CONNECTIONS = 200;
/** Closing a connection and opening another takes as long as some messages do: so many go over it, whoever's they are. */
const MESSAGES_IN_ANY_CASE = 5;
/** But not where each takes long. */
const IN_ANY_CASE_MS = 10_000;
/** Places are scarce when this share of them is taken. */
const SCARCE = 0.5;
/** With each lane that is forgotten so many destinations are looked at that have only a rate to remember. */
const COOLED_AT_ONCE = 2;

/**
 * Shares the connections between lanes: so many over all, so many to one provider and from each address as the shaping
 * file says, and for one member as many as it leaves free. A lane whose hosts are slow or dead holds only its own places.
 */
export function createLanes(context: RelayContext, config: DeliveryConfig, measures: Measures): Lanes {
  const { clock, identity, log, shaping } = context;
  const most = config.maxConnections ?? CONNECTIONS;
  const reaching: ReachOptions = {
    port: config.port ?? 25,
    ehlo: identity.hostname,
    ca: config.ca,
    deadlines: { ...DEADLINES, ...config.deadlines },
    now: () => clock.now(),
    observed: context.observed,
  };
  const lanes = new Map<string, Lane>();
  const destinations = new Map<string, Destination>();
  /** Without a lane, and with a rate that is still to be remembered. */
  const cooling = new Set<Destination>();
  const hands = createHands();
  const talks = new Map<Conversation, { address: string; hand: Hand }>();
  const downs = createDowns(() => clock.now());
  const waiting = createWaitingLanes(offer, () => sessions < most);
  let sessions = 0;
  let idling = 0;
  let closed = false;

  function laneOf({ route, egress }: Job): Lane {
    const key = `${egress.address} ${hostsOf(route)}`;
    let lane = lanes.get(key);
    if (lane) return lane;
    const about = destinationOf(route);
    let destination = destinations.get(about);
    if (!destination) destinations.set(about, (destination = newDestination(about, route.provider)));
    const slot = enter(destination, egress.address);
    const counts = { sessions: 0, limit: PROBES, limitedAt: 0 };
    const own = { queue: createFairQueue<Job>(), open: new Set<never>(), idle: new Set<never>() };
    lane = { key, egress, destination, slot, ...own, ...counts };
    lanes.set(key, lane);
    return lane;
  }

  function forget(lane: Lane): void {
    if (lane.queue.size > 0 || lane.sessions > 0 || !lanes.delete(lane.key)) return;
    waiting.forget(lane);
    leave(lane.destination, lane.slot);
    const now = performance.now();
    for (const destination of [lane.destination, ...[...cooling].slice(0, COOLED_AT_ONCE)]) {
      cooling.delete(destination);
      if (isOver(destination, now)) destinations.delete(destination.key);
      else if (destination.lanes === 0) cooling.add(destination);
    }
  }

  function boundsOf({ destination, slot }: Lane): Bounds {
    return {
      limits: shaping.limitsOf(destination.provider),
      half: measures.isSlow(slot.address, destination.key, clock.now()),
    };
  }

  function add(job: Job): void {
    if (closed) return job.done({ kind: "stopped", asked: false });
    const lane = laneOf(job);
    const down = downs.fate(lane.key, job);
    if (down) {
      forget(lane);
      return job.done(down);
    }
    if (!hasRoom(lane.destination, job)) {
      forget(lane);
      const why = `More mail for ${lane.destination.provider === "other" ? "this mail host" : lane.destination.provider} is on its way than it takes at once`;
      return job.done({ kind: "waits", until: clock.now(), why, full: true });
    }
    lane.queue.push(job);
    countWaiting(lane.destination, job, 1);
    offer(lane);
  }

  /**
   * The next job of the lane that may go, whose member has a place, which it then takes. `on`: for a connection that is
   * open and free. Its own place is one of those that are free, so a member has as much as with login codes, and where
   * that place helps nobody else, or is to be kept `inAnyCase`, it has it whatever else it has.
   */
  function next(lane: Lane, on?: { fits: (job: Job) => boolean; inAnyCase: boolean }): Job | undefined {
    const bounds = boundsOf(lane);
    const now = performance.now();
    const codesOnly = paceWait(lane.slot, bounds, now, false) > 0;
    if (codesOnly && (lane.queue.codes === 0 || paceWait(lane.slot, bounds, now, true) > 0)) return undefined;
    const others = on ? sessions - 1 : sessions;
    const anybody = on !== undefined && (on.inAnyCase || !waiting.anybody());
    const job = lane.queue.take({
      member: (did, priority) =>
        (priority === 0 || !codesOnly) &&
        (anybody || hasShare(hands.of(did), others, most, on !== undefined || priority === 0)),
      job: on?.fits ?? (() => true),
    });
    if (!job) return undefined;
    paceTake(lane.slot, bounds, now);
    countWaiting(lane.destination, job, -1);
    hands.take(job);
    return job;
  }

  function place({ destination, slot }: Lane, { limits, half }: Bounds): Place {
    const { connections, connectionsPerAddress } = limits;
    return placeFor({
      total: sessions,
      most,
      ofProvider: destination.connections,
      mostOfProvider: connections,
      ofAddress: slot.connections,
      mostOfAddress: half ? halved(connectionsPerAddress) : connectionsPerAddress,
    });
  }

  /** Gives the lane's mail to a connection that is open, or opens one where it may; else the lane waits for a place. */
  function offer(lane: Lane): void {
    if (closed) return;
    raise(lane, performance.now());
    while (lane.queue.size > 0) {
      const [idle] = lane.idle;
      if (idle) {
        return idle(true);
      }
      if (!wantsSession(lane, sessions >= most * SCARCE)) return;
      const bounds = boundsOf(lane);
      const wait = paceWait(lane.slot, bounds, performance.now(), lane.queue.codes > 0);
      if (wait > 0) return waiting.until(lane, wait);
      const found = place(lane, bounds);
      if (found !== "open") {
        waiting.add(lane, found);
        return makeRoom(lane, found);
      }
      const first = next(lane);
      if (!first) return waiting.add(lane, "full");
      begin(lane, first);
    }
  }

  /** A connection that has nothing to do gives its place away. */
  function makeRoom(lane: Lane, found: Place): void {
    if (idling > 0)
      for (const other of lanes.values()) {
        const [idle] = other.idle;
        if (!idle || other === lane) continue;
        if (found !== "full" && other.destination !== lane.destination) continue;
        if (found === "address" && other.slot !== lane.slot) continue;
        return idle(false);
      }
  }

  function count(lane: Lane, change: 1 | -1): void {
    sessions += change;
    lane.sessions += change;
    lane.destination.connections += change;
    lane.slot.connections += change;
  }

  function begin(lane: Lane, first: Job): void {
    count(lane, 1);
    const hand: Hand = { job: first };
    const at = clock.now();
    void session(lane, first, hand)
      .catch((err: unknown) => {
        log.error({ err, lane: lane.key }, "a delivery session failed for a fault of ours");
        const about = { at, host: "", provider: lane.destination.provider, tls: "" };
        const result = { ...about, ...localFault("a local fault of the relay") };
        hands.release(hand)?.done({ kind: "tried", result, asked: false, shared: true, unreached: false });
      })
      .finally(() => {
        count(lane, -1);
        offer(lane);
        waiting.freed(lane);
        forget(lane);
      });
  }

  async function session(lane: Lane, first: Job, hand: Hand): Promise<void> {
    const at = clock.now();
    const began = performance.now();
    const { address, ehlo } = lane.egress;
    const family = isIP(address) === 0 ? undefined : isIP(address) === 4 ? "ipv4" : "ipv6";
    const localAddress = address || config.localAddress;
    const reached = await reach(first.ways, needsOf(first), { ...reaching, ehlo, localAddress, family });
    if (reached.ok) return work(lane, hand, reached);
    const { forTls, lacking } = reached;
    // Where other connections are open this one was one too many.
    if (!forTls && !lacking && [...lane.open].some((fits) => fits(first))) {
      lower(lane, performance.now());
      hands.release(hand);
      return putBack(lane, first);
    }
    if (lane.open.size === 0) Object.assign(lane, { limit: PROBES, limitedAt: 0 });
    const durationMs = Math.round(performance.now() - began);
    const about = { at, durationMs, provider: lane.destination.provider, egress: address };
    const result = notReached(reached, about, shaping);
    const unreached = !forTls && !lacking;
    const end: JobEnd = { kind: "tried", result, asked: false, shared: false, unreached };
    hands.release(hand);
    // A host that cannot take this message may take the next.
    if (lacking) return first.done(end);
    const fate = sharesFate(first.ways, forTls);
    if (unreached) downs.note(lane.key, { ...end, shared: true }, fate);
    first.done(end);
    for (const job of takeOut(lane, fate)) job.done({ ...end, shared: true });
  }

  async function work(lane: Lane, hand: Hand, reached: Extract<Reached, { ok: true }>): Promise<void> {
    const { conversation, way, host } = reached;
    const fits = suits(conversation, way);
    lane.open.add(fits);
    talks.set(conversation, { address: lane.egress.address, hand });
    if (lane.limitedAt === 0) lane.limit = Infinity;
    offer(lane);
    const workingSince = performance.now();
    const { domain, observed } = hand.job!.ways;
    const observedFor = new Set(observed ? [domain] : []);
    let { before } = reached;
    try {
      for (let sent = 1; hand.job; sent++) {
        const { job } = hand;
        const own: Way = wayOf(job.ways, way) ?? way;
        if (job.ways.observed && !observedFor.has(job.ways.domain)) {
          observedFor.add(job.ways.domain);
          observeSession(conversation, job.ways, own, reaching);
        }
        const usable: boolean = await one(lane, hand, { conversation, job, host, way: own, before });
        before = "";
        const more: boolean =
          usable && sent < shaping.limitsOf(lane.destination.provider).messagesPerConnection;
        const inAnyCase = () =>
          sent < MESSAGES_IN_ANY_CASE && performance.now() - workingSince < IN_ANY_CASE_MS;
        hand.job = more ? await another(lane, { conversation, fits, inAnyCase }) : undefined;
      }
    } finally {
      lane.open.delete(fits);
      talks.delete(conversation);
      conversation.close();
    }
  }

  async function one(
    lane: Lane,
    hand: Hand,
    over: { conversation: Conversation; job: Job; host: string; way: Way; before: string },
  ): Promise<boolean> {
    const { job } = over;
    const begins = () => !closed && !hands.isRecalled(job) && job.mayGo();
    const { end, usable } = await send({ ...over, begins }, context);
    hands.release(hand);
    moved(lane.destination);
    if (end === "again") putBack(lane, job);
    else job.done(end);
    return usable;
  }

  /** The next job for an open connection, which is waited for a moment. */
  async function another(
    lane: Lane,
    on: { conversation: Conversation; fits: (job: Job) => boolean; inAnyCase: () => boolean },
  ): Promise<Job | undefined> {
    const { conversation, fits, inAnyCase } = on;
    for (;;) {
      const job = closed ? undefined : next(lane, { fits, inAnyCase: inAnyCase() });
      if (job || closed) return job;
      let wait = IDLE_MS;
      if (lane.queue.size > 0) {
        wait = paceWait(lane.slot, boundsOf(lane), performance.now(), lane.queue.codes > 0);
        // Another connection is what it needs, or somebody else needs this place.
        if (wait === 0 || wait > (waiting.anybody() ? IDLE_MS : PACED_IDLE_MS)) return undefined;
      } else if (waiting.anybody()) return undefined;
      const more = await idle(lane, wait);
      if (!conversation.isUsable()) return undefined;
      if (!more && lane.queue.size === 0) return undefined;
    }
  }

  function idle(lane: Lane, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const wake = (more: boolean) => {
        clearTimeout(timer);
        lane.idle.delete(wake);
        idling--;
        resolve(more);
      };
      const timer = setTimeout(() => wake(false), ms);
      lane.idle.add(wake);
      idling++;
    });
  }

  function take(which: (job: Job) => boolean, end: JobEnd): void {
    for (const lane of lanes.values()) {
      for (const job of takeOut(lane, which)) job.done(end);
      forget(lane);
    }
  }

  return {
    add,
    counts: () => ({ lanes: lanes.size, destinations: destinations.size }),
    abort(which) {
      for (const [conversation, { hand }] of talks) if (hand.job && which(hand.job)) conversation.abort();
      take(which, { kind: "stopped", asked: false });
    },
    drop(gone, why) {
      for (const [conversation, { address }] of talks) if (address === gone) conversation.drop(why);
    },
    recall(which, until, why) {
      hands.recall(which);
      take(which, { kind: "waits", until, why });
    },
    close() {
      closed = true;
      waiting.close();
      for (const lane of lanes.values()) {
        for (const job of takeOut(lane, () => true)) job.done({ kind: "stopped", asked: false });
        for (const wake of lane.idle) wake(false);
      }
    },
  };
}
