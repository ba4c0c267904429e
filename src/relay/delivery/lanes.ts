import type { Leased } from "../../spool/index.ts";
import type { DeliveryConfig, RelayContext } from "../context.ts";
import { DEADLINES, type Conversation } from "./conversation.ts";
import { observeSession, reach, type Reached, type ReachOptions } from "./reach.ts";
import { ourJudgement, unreached, type AttemptResult } from "./result.ts";
import { isSigned } from "../signing/index.ts";
import type { MailHost, Route } from "./route.ts";
import type { Way, Ways } from "./ways.ts";

type Job = {
  leased: Leased;
  route: Extract<Route, { ok: true }>;
  /** The hosts that it may go to, and what each must show. The same object for all mail that may share a refusal. */
  ways: Ways;
  from: string;
  /** May it go now? Asked before MAIL and before the final dot. */
  mayGo: () => boolean;
  /** Called once; undefined: it may not go now, and nothing was sent. */
  done: (result: AttemptResult | undefined) => void;
};

/**
 * Mail for one set of hosts. Different recipient domains with the same hosts share connections, where a connection has
 * shown what each of them needs.
 */
type Lane = {
  hosts: MailHost[];
  provider: string;
  queue: Job[];
  sessions: number;
  /** Sessions with an open connection. */
  connected: number;
  /** Sessions that the hosts bear; lowered when they refuse one more. */
  limit: number;
};

/** A member's part of all connections: hosts that never answer hold up only the mail of those who write to them. */
const MEMBER_SHARE = 0.2;

/** Two connections are worth having for any queue; more only when it is so much longer than they are many. */
const QUEUE_PER_SESSION = 4;

export interface Lanes {
  add(job: Job): void;
  /** Ends those transfers whose final dot has not left. */
  abort(which: (job: Job) => boolean): void;
  /** Begins nothing more; what waits is told so, what is under way goes on. */
  close(): void;
}

/**
 * Shares the connections between lanes: so many over all, so many to one provider, so many for one member. A lane whose
 * hosts are slow or dead holds only its own places.
 */
export function createLanes(context: RelayContext, config: DeliveryConfig): Lanes {
  const { spool, clock, identity, log, shaping, metrics } = context;
  const maxConnections = config.maxConnections ?? 100;
  const maxPerMember = Math.max(1, Math.floor(maxConnections * MEMBER_SHARE));
  const maxPerProvider = config.maxPerProvider ?? 10;
  const messagesPerConnection = config.messagesPerConnection ?? 100;
  const reaching: ReachOptions = {
    port: config.port ?? 25,
    ehlo: identity.hostname,
    localAddress: config.localAddress,
    ca: config.ca,
    deadlines: { ...DEADLINES, ...config.deadlines },
    now: () => clock.now(),
    observed: context.observed,
  };
  const lanes = new Map<string, Lane>();
  const providers = new Map<string, number>();
  /** Sessions that work for each member now. */
  const members = new Map<string, number>();
  const underWay = new Map<Conversation, Job>();
  let sessions = 0;
  let closed = false;

  function add(job: Job): void {
    if (closed) return job.done(undefined);
    const { hosts, provider } = job.route;
    const key = hosts.map((host) => host.name).join(" ");
    let lane = lanes.get(key);
    if (!lane) {
      lane = {
        hosts,
        provider,
        queue: [],
        sessions: 0,
        connected: 0,
        limit: maxPerProvider,
      };
      lanes.set(key, lane);
    }
    lane.hosts = hosts;
    lane.queue.push(job);
    fill();
  }

  /** Connections to one provider are shared by its lanes; hosts of nobody known count for themselves. */
  function placesTaken(lane: Lane): number {
    return lane.provider === "other" ? lane.sessions : (providers.get(lane.provider) ?? 0);
  }

  function count(lane: Lane, change: 1 | -1): void {
    sessions += change;
    lane.sessions += change;
    providers.set(lane.provider, (providers.get(lane.provider) ?? 0) + change);
  }

  const hasPlace = ({ leased }: Job) => (members.get(leased.message.did) ?? 0) < maxPerMember;

  /** The first job of the lane that may go and whose member has a place, which it then takes. */
  function next(lane: Lane, mayGo: (job: Job) => boolean = () => true): Job | undefined {
    const index = lane.queue.findIndex((job) => hasPlace(job) && mayGo(job));
    const job = index < 0 ? undefined : lane.queue.splice(index, 1)[0];
    if (job) occupy(job, 1);
    return job;
  }

  function occupy({ leased: { message } }: Job, change: 1 | -1): void {
    const left = (members.get(message.did) ?? 0) + change;
    if (left > 0) members.set(message.did, left);
    else members.delete(message.did);
  }

  /** Opens sessions where mail waits and a place is free; who has fewest comes first. */
  function fill(): void {
    for (;;) {
      if (sessions >= maxConnections) return;
      let best: Lane | undefined;
      for (const [key, lane] of lanes) {
        if (lane.queue.length === 0 && lane.sessions === 0) lanes.delete(key);
        if (!wantsSession(lane) || placesTaken(lane) >= maxPerProvider) continue;
        if (best && lane.sessions >= best.sessions) continue;
        if (lane.queue.some(hasPlace)) best = lane;
      }
      if (!best) return;
      begin(best);
    }
  }

  function begin(lane: Lane): void {
    const first = next(lane);
    if (!first) return;
    count(lane, 1);
    void session(lane, first).finally(() => {
      count(lane, -1);
      fill();
    });
  }

  async function session(lane: Lane, first: Job): Promise<void> {
    const at = clock.now();
    const began = performance.now();
    const reached = await reach(first.ways, reaching);
    if (!reached.ok) {
      occupy(first, -1);
      // Where other connections are open this one was one too many.
      if (lane.connected > 0 && !reached.forTls) {
        lane.limit = Math.max(1, lane.sessions - 1);
        lane.queue.unshift(first);
        return;
      }
      const durationMs = Math.round(performance.now() - began);
      const result = unreached(reached, { at, durationMs, provider: lane.provider }, shaping);
      for (const job of [first, ...takeSameFate(lane, first, reached)]) job.done(result);
      return;
    }
    const { conversation, way } = reached;
    lane.connected++;
    const observedFor = new Set(first.ways.observed ? [first.ways.domain] : []);
    let before = reached.before;
    try {
      let job: Job | undefined = first;
      for (let sent = 1; job; sent++) {
        const { ways }: Job = job;
        const own: Way = wayOf(ways, way) ?? way;
        if (ways.observed && !observedFor.has(ways.domain)) {
          observedFor.add(ways.domain);
          observeSession(conversation, ways, own, reaching);
        }
        const there = { lane, host: reached.host, way: own, before };
        const usable: boolean = await send(conversation, job, there).finally(() => occupy(job!, -1));
        before = "";
        job = usable && sent < messagesPerConnection ? next(lane, suits(conversation, way)) : undefined;
        // The place of another member's job may be what one of its other lanes waits for.
        fill();
      }
    } catch (err) {
      log.error({ err, host: reached.host }, "a delivery session failed");
    } finally {
      lane.connected--;
      conversation.close();
    }
  }

  /** One message over an open connection. False when the connection is of no more use. */
  async function send(
    conversation: Conversation,
    job: Job,
    { lane, host, way, before }: { lane: Lane; host: string; way: Way; before: string },
  ): Promise<boolean> {
    const at = clock.now();
    const began = performance.now();
    const { message, address, notify, orcpt } = job.leased;
    const { need } = way.tls;
    const about = { at, host, provider: lane.provider, tls: conversation.tls, tlsPolicy: need.reason };
    try {
      const content = await spool.content(message.id);
      if (closed || !job.mayGo()) {
        job.done(undefined);
        return true;
      }
      if (!content) throw new Error("its content is not there");
      if (!isSigned(content.head)) throw new Error("it is not signed");
      underWay.set(conversation, job);
      const result = await conversation.transfer({
        from: job.from,
        recipients: [{ address, notify, orcpt }],
        size: message.size,
        eightBit: message.eightBit,
        smtpUtf8: message.smtpUtf8,
        requireTls: need.requireTls,
        ret: message.ret,
        envid: message.envid,
        content: pieces(content.head, content.body()),
        mayFinish: job.mayGo,
      });
      if (result.aborted) {
        job.done(undefined);
        return false;
      }
      if (result.unheard) {
        lane.queue.unshift(job);
        return false;
      }
      const { replies, tells, usable } = result;
      const reply = replies[0]!;
      if (reply.code >= 200 && reply.code < 300)
        metrics.transports.inc({ needed: need.reason, went: conversation.tls ? "tls" : "clear" });
      const transcript = [before, result.transcript].filter(Boolean).join("\n");
      const durationMs = Math.round(performance.now() - began);
      job.done({
        ...about,
        durationMs,
        reply,
        judged: shaping.judge(lane.provider, reply),
        transcript,
        tells,
      });
      return usable;
    } catch (err) {
      log.error({ err, message: message.id }, "a message could not be sent for a fault of ours");
      const text = "a local fault of the relay";
      const reply = { code: 0, enhanced: "4.3.0", text, phase: "connect" as const };
      const judged = { ...ourJudgement("system", false), fault: "pool" as const };
      job.done({ ...about, durationMs: 0, reply, judged, tells: false, transcript: `*: ${text}` });
      return false;
    } finally {
      underWay.delete(conversation);
    }
  }

  return {
    add,
    abort(which) {
      for (const [conversation, job] of underWay) if (which(job)) conversation.abort();
    },
    close() {
      closed = true;
      for (const lane of lanes.values()) for (const job of lane.queue.splice(0)) job.done(undefined);
    },
  };
}

/** The same host as another domain has it, which may need more of it or less. */
function wayOf(ways: Ways, { host }: Way): Way | undefined {
  return ways.open.find((way) => way.host.name === host.name);
}

/** Whether a connection to a host has shown what a job needs of it. */
function suits(conversation: Conversation, way: Way): (job: Job) => boolean {
  return ({ ways }) => {
    const own = wayOf(ways, way);
    return own !== undefined && conversation.judge(own.tls.need).ok;
  };
}

/**
 * The jobs of the lane that fail with this one: where nobody was reached, all that may go to the same hosts; where a host
 * had not what is needed, those that need the same.
 */
function takeSameFate({ queue }: Lane, first: Job, { forTls }: Extract<Reached, { ok: false }>): Job[] {
  const tried = new Set(first.ways.open.map(({ host }) => host.name));
  const shares = ({ ways }: Job) =>
    ways === first.ways || (!forTls && ways.open.every(({ host }) => tried.has(host.name)));
  const taken = queue.filter(shares);
  queue.splice(0, queue.length, ...queue.filter((job) => !shares(job)));
  return taken;
}

function wantsSession({ queue, sessions, limit }: Lane): boolean {
  if (queue.length === 0 || sessions >= limit) return false;
  return sessions < 2 || queue.length > sessions * QUEUE_PER_SESSION;
}

async function* pieces(head: Uint8Array, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  yield* body;
}
