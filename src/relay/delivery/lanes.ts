import type { Leased } from "../../spool/index.ts";
import type { DeliveryConfig, RelayContext } from "../context.ts";
import { DEADLINES, openConversation, type Conversation, type Reply } from "./conversation.ts";
import { judge, type AttemptResult } from "./result.ts";
import type { MailHost, Route } from "./route.ts";

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
 * Shares the connections between lanes: so many over all, so many to one provider. A lane whose hosts are slow or
 * dead holds only its own places.
 */
export function createLanes(context: RelayContext, config: DeliveryConfig): Lanes {
  const { spool, clock, identity, log } = context;
  const maxConnections = config.maxConnections ?? 100;
  const maxPerProvider = config.maxPerProvider ?? 10;
  const messagesPerConnection = config.messagesPerConnection ?? 100;
  const deadlines = { ...DEADLINES, ...config.deadlines };
  const lanes = new Map<string, Lane>();
  const providers = new Map<string, number>();
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

  /** Opens sessions where mail waits and a place is free; who has fewest comes first. */
  function fill(): void {
    for (;;) {
      if (sessions >= maxConnections) return;
      let next: Lane | undefined;
      for (const [key, lane] of lanes) {
        if (lane.queue.length === 0 && lane.sessions === 0) lanes.delete(key);
        if (!wantsSession(lane) || placesTaken(lane) >= maxPerProvider) continue;
        if (!next || lane.sessions < next.sessions) next = lane;
      }
      if (!next) return;
      begin(next);
    }
  }

  function begin(lane: Lane): void {
    const first = lane.queue.shift();
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
      for (let sent = 0; job && (await send(conversation, job, lane, host)); sent++) {
        job = sent + 1 < messagesPerConnection ? lane.queue.shift() : undefined;
      }
    } catch (err) {
      log.error({ err, host }, "a delivery session failed");
    } finally {
      lane.connected--;
      conversation.close();
    }
  }

  /** The hosts in turn, every address of each. The first that takes a conversation is it; else the last refusal. */
  async function connect(
    lane: Lane,
  ): Promise<
    { ok: true; conversation: Conversation; host: string } | { ok: false; result: Omit<AttemptResult, "at"> }
  > {
    const began = performance.now();
    const transcripts: string[] = [];
    let last: { reply: Reply; host: string } | undefined;
    for (const { name, addresses } of lane.hosts) {
      for (const address of addresses) {
        const host = `${name} [${address}]`;
        const result = await openConversation({
          name,
          address,
          port: config.port ?? 25,
          requireTls: lane.requireTls,
          ehlo: identity.hostname,
          localAddress: config.localAddress,
          deadlines,
        });
        if (result.ok) return { ok: true, conversation: result.conversation, host };
        transcripts.push(result.transcript);
        last = { reply: result.reply, host };
      }
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
      underWay.set(conversation, job);
      const result = await conversation.transfer({
        from: job.from,
        to: job.leased.address,
        size: message.size,
        content: pieces(content.head, content.body()),
        mayFinish: job.mayGo,
      });
      if (result.aborted) {
        job.done(undefined);
        return false;
      }
      const { reply, tls, transcript, usable } = result;
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
      job.done({ at, durationMs: 0, host, provider: lane.provider, reply, judged, tls: "", transcript });
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
