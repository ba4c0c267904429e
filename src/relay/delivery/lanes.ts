import type { Leased } from "../../spool/index.ts";
import type { DeliveryConfig, RelayContext } from "../context.ts";
import { DEADLINES, openConversation, type Conversation, type Reply } from "./conversation.ts";
import { judge, type AttemptResult } from "./result.ts";
import { isSigned } from "../signing/index.ts";
import { targetsOf, type MailHost, type Route } from "./route.ts";

type Job = {
  leased: Leased;
  route: Extract<Route, { ok: true }>;
  /** Only to a host that speaks TLS. */
  requireTls: boolean;
  from: string;
  /** May it go now? Asked before MAIL and before the final dot. */
  mayGo: () => boolean;
  /** Called once; undefined: it may not go now, and nothing was sent. */
  done: (result: AttemptResult | undefined) => void;
};

/** Mail for one set of hosts. Different recipient domains with the same hosts share connections. */
type Lane = {
  hosts: MailHost[];
  provider: string;
  requireTls: boolean;
  queue: Job[];
  sessions: number;
  /** Sessions with an open connection. */
  connected: number;
  /** Sessions that the hosts bear; lowered when they refuse one more. */
  limit: number;
};

/** A member's part of all connections: hosts that never answer hold up only the mail of those who write to them. */
const MEMBER_SHARE = 0.2;

/** With less time left than this nobody else is asked. */
const LEAST_MS = 5;

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
  const { spool, clock, identity, log } = context;
  const maxConnections = config.maxConnections ?? 100;
  const maxPerMember = Math.max(1, Math.floor(maxConnections * MEMBER_SHARE));
  const maxPerProvider = config.maxPerProvider ?? 10;
  const messagesPerConnection = config.messagesPerConnection ?? 100;
  const deadlines = { ...DEADLINES, ...config.deadlines };
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
    const key = `${hosts.map((host) => host.name).join(" ")}${job.requireTls ? "" : " clear"}`;
    let lane = lanes.get(key);
    if (!lane) {
      lane = {
        hosts,
        provider,
        requireTls: job.requireTls,
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

  /** The first job of the lane whose member has a place, which it then takes. */
  function next(lane: Lane): Job | undefined {
    const index = lane.queue.findIndex(hasPlace);
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
    const started = clock.now();
    const opened = await connect(lane);
    if (!opened.ok) {
      occupy(first, -1);
      // Where other connections are open this one was one too many.
      if (lane.connected > 0) {
        lane.limit = Math.max(1, lane.sessions - 1);
        lane.queue.unshift(first);
        return;
      }
      for (const job of [first, ...lane.queue.splice(0)]) job.done({ ...opened.result, at: started });
      return;
    }
    const { conversation, host } = opened;
    lane.connected++;
    try {
      let job: Job | undefined = first;
      for (let sent = 1; job; sent++) {
        const usable: boolean = await send(conversation, job, lane, host).finally(() => occupy(job!, -1));
        job = usable && sent < messagesPerConnection ? next(lane) : undefined;
        // The place of another member's job may be what one of its other lanes waits for.
        fill();
      }
    } catch (err) {
      log.error({ err, host }, "a delivery session failed");
    } finally {
      lane.connected--;
      conversation.close();
    }
  }

  /** The hosts in turn, for a limited time. The first that takes a conversation is it; else the last refusal. */
  async function connect(
    lane: Lane,
  ): Promise<
    { ok: true; conversation: Conversation; host: string } | { ok: false; result: Omit<AttemptResult, "at"> }
  > {
    const began = performance.now();
    const transcripts: string[] = [];
    let last: { reply: Reply; host: string } | undefined;
    for (const { name, address } of targetsOf(lane.hosts)) {
      const left = deadlines.allHosts - (performance.now() - began);
      if (left < LEAST_MS) break;
      const host = `${name} [${address}]`;
      const result = await openConversation({
        name,
        address,
        port: config.port ?? 25,
        requireTls: lane.requireTls,
        ehlo: identity.hostname,
        localAddress: config.localAddress,
        deadlines: { ...deadlines, connect: Math.min(deadlines.connect, left) },
      });
      if (result.ok) return { ok: true, conversation: result.conversation, host };
      transcripts.push(result.transcript);
      last = { reply: result.reply, host };
    }
    const reply = last?.reply ?? { code: 0, enhanced: "", text: "no host to ask", phase: "connect" as const };
    return {
      ok: false,
      result: {
        durationMs: Math.round(performance.now() - began),
        host: last?.host ?? "",
        provider: lane.provider,
        reply,
        judged: judge(reply),
        tls: "",
        tells: false,
        transcript: transcripts.join("\n").slice(0, 8_192),
      },
    };
  }

  /** One message over an open connection. False when the connection is of no more use. */
  async function send(conversation: Conversation, job: Job, lane: Lane, host: string): Promise<boolean> {
    const at = clock.now();
    const began = performance.now();
    const { message } = job.leased;
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
        to: job.leased.address,
        size: message.size,
        eightBit: message.eightBit,
        smtpUtf8: message.smtpUtf8,
        dsn: {
          ret: message.ret,
          envid: message.envid,
          notify: job.leased.notify,
          orcpt: job.leased.orcpt,
        },
        content: pieces(content.head, content.body()),
        mayFinish: job.mayGo,
      });
      if (result.aborted) {
        job.done(undefined);
        return false;
      }
      const { reply, tls, transcript, tells, usable } = result;
      const durationMs = Math.round(performance.now() - began);
      job.done({
        at,
        durationMs,
        host,
        provider: lane.provider,
        reply,
        judged: judge(reply),
        tls,
        transcript,
        tells,
      });
      return usable;
    } catch (err) {
      log.error({ err, message: message.id }, "a message could not be sent for a fault of ours");
      const reply = {
        code: 0,
        enhanced: "4.3.0",
        text: "a local fault of the relay",
        phase: "connect" as const,
      };
      const judged = { class: "system", permanent: false, fault: "pool" } as const;
      const transcript = `*: ${reply.text}`;
      job.done({
        at,
        durationMs: 0,
        host,
        provider: lane.provider,
        reply,
        judged,
        tls: "",
        tells: false,
        transcript,
      });
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

function wantsSession({ queue, sessions, limit }: Lane): boolean {
  if (queue.length === 0 || sessions >= limit) return false;
  return sessions < 2 || queue.length > sessions * QUEUE_PER_SESSION;
}

async function* pieces(head: Uint8Array, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  yield* body;
}
