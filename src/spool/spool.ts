import { Worker } from "node:worker_threads";
import type { Envelope, OutboxSource } from "../event/index.ts";
import type { MemberPolicy, PolicyStore } from "../policy/index.ts";
import { createBodyWriter, readBodyFile, type BodyWriter } from "./bodies.ts";
import type { Answer, OperationName, Operations, Request, WriterData } from "./operations.ts";
import type { HeldRequest, LeaseRequest } from "./store.ts";
import type { Acceptance, AttemptView, Leased, MessageView, Outcome, RecipientState } from "./types.ts";

export type SpoolOptions = {
  /** The SQLite file; bodies over 64 KiB are files in `<path>-bodies/`. */
  path: string;
  /** Size limit of the database in pages of 4 KiB. */
  maxPages?: number;
  /** Ms since the epoch: what waits for longer than any wait can be is brought back to the longest. */
  now?: number;
  /** The writer died. Nothing that was acknowledged is lost, and nothing more can be: end the process. Called once. */
  onFatal?: (error: Error) => void;
};

/** An operation that is not on disk. `full`: there was no room (answer `451 4.3.1`). */
export class SpoolError extends Error {
  readonly full: boolean;
  constructor(message: string, full: boolean) {
    super(message);
    this.name = "SpoolError";
    this.full = full;
  }
}

/** The store of messages, recipients and attempts. All that changes something is on disk when it resolves. */
export interface Spool {
  /** A place for a body that comes in. */
  newBody(): BodyWriter;
  /** Message, recipients, limits and events in one transaction. Rejects with SpoolError. */
  accept(acceptance: Acceptance): Promise<void>;
  /** Due recipients, now the caller's alone, and when the next of the others is due. */
  lease(request: LeaseRequest): Promise<{ leased: Leased[]; nextDue: number | undefined }>;
  record(outcomes: Outcome[], now: number): Promise<void>;
  /** Held recipients to be given back: now the caller's alone, like those of `lease`. */
  leaseHeld(request: HeldRequest): Promise<Leased[]>;
  /** Holds what of a member's waiting mail may not leave under `policy`, and releases the rest. */
  setHolds(policy: MemberPolicy, now: number): Promise<void>;
  /** Header block and body, or undefined when nobody waits for them any more. */
  content(messageId: string): Promise<MessageContent | undefined>;
  counts(): Promise<Partial<Record<RecipientState, number>>>;
  /** Recipients that are queued, held or deferred. */
  openCount(): Promise<number>;
  /** When the oldest message that still waits was received, ms since the epoch. */
  oldestWaiting(): Promise<number | undefined>;
  /** Newest first; `before` is the `seq` of the last one of the page before. */
  messages(did: string, page?: { before?: number; limit?: number }): Promise<MessageView[]>;
  message(id: string): Promise<MessageView | undefined>;
  messageByRecipient(recipientId: string): Promise<MessageView | undefined>;
  attempts(messageId: string): Promise<AttemptView[]>;
  /** Forgets finished messages received before `before`, in groups of `limit` between which others have their turn. */
  prune(before: number, options?: { limit?: number; signal?: AbortSignal }): Promise<number>;
  appendEvents(events: Envelope[]): Promise<void>;
  readonly outbox: OutboxSource & { depth(): Promise<number> };
  readonly policies: PolicyStore;
  close(): Promise<void>;
}

export type MessageContent = {
  head: Uint8Array;
  /** The body, piece by piece. */
  body(): AsyncIterable<Uint8Array>;
};

type Waiting = { resolve: (value: never) => void; reject: (error: Error) => void };

/** Opens a spool. Whatever a crashed process had leased is due again. Rejects when the file cannot be opened. */
export async function createSpool({ path, maxPages, now, onFatal }: SpoolOptions): Promise<Spool> {
  const bodyDir = `${path}-bodies`;
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const worker = new Worker(new URL(`./writer.worker.${extension}`, import.meta.url), {
    workerData: { path, bodyDir, maxPages, now } satisfies WriterData,
    execArgv: [],
  });
  const waiting = new Map<number, Waiting>();
  let outgoing: Request[] = [];
  let lastId = 0;
  let gone: Error | undefined;
  let closing = false;

  function fail(error: Error): void {
    const first = gone === undefined;
    gone ??= error;
    for (const { reject } of waiting.values()) reject(gone);
    waiting.clear();
    if (first && !closing) onFatal?.(error);
  }

  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", reject);
  });
  worker.on("error", (error: Error) =>
    fail(new SpoolError(`the writer of the spool died: ${error.message}`, false)),
  );
  worker.once("exit", () =>
    fail(new SpoolError(closing ? "the spool is closed" : "the writer of the spool ended", false)),
  );
  worker.on("message", (answers: Answer[]) => {
    for (const answer of answers) {
      const call = waiting.get(answer.id);
      waiting.delete(answer.id);
      if (answer.ok) call?.resolve(answer.value as never);
      else call?.reject(new SpoolError(answer.error, answer.full));
    }
  });

  /** Calls of one turn of the event loop travel together. */
  function post(request: Request): void {
    outgoing.push(request);
    if (outgoing.length > 1) return;
    setImmediate(() => {
      const batch = outgoing;
      outgoing = [];
      worker.postMessage(batch, []);
    });
  }

  function call<Name extends OperationName>(
    op: Name,
    args: Parameters<Operations[Name]>[0],
  ): Promise<ReturnType<Operations[Name]>> {
    return new Promise((resolve, reject) => {
      if (gone) return reject(gone);
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      post({ id, op, args });
    });
  }

  return {
    newBody: () => createBodyWriter(bodyDir),
    accept: (acceptance) => call("accept", acceptance),
    lease: (request) => call("lease", request),
    record: (outcomes, now) => call("record", { outcomes, now }),
    leaseHeld: (request) => call("leaseHeld", request),
    setHolds: (policy, now) => call("holds", { policy, now }),
    async content(messageId) {
      const content = await call("content", { messageId });
      if (!content) return undefined;
      const { head, body, file } = content;
      return {
        head,
        body: () => (file ? readBodyFile(bodyDir, file) : oneChunk(body ?? new Uint8Array())),
      };
    },
    counts: () => call("counts", null),
    openCount: () => call("openCount", null),
    oldestWaiting: () => call("oldestWaiting", null),
    messages: (did, { before = Number.MAX_SAFE_INTEGER, limit = 50 } = {}) =>
      call("messages", { did, before, limit: Math.min(limit, 500) }),
    message: (id) => call("message", { id }),
    messageByRecipient: (recipientId) => call("messageByRecipient", { recipientId }),
    attempts: (messageId) => call("attempts", { messageId }),
    async prune(before, { limit = 1_000, signal } = {}) {
      for (let total = 0; ;) {
        const pruned = await call("prune", { before, limit });
        total += pruned;
        if (pruned < limit || signal?.aborted) return total;
      }
    },
    appendEvents: (events) => call("appendEvents", events),
    outbox: {
      read: (limit) => call("readOutbox", { limit }),
      clear: (upTo) => call("clearOutbox", { upTo }),
      depth: () => call("outboxDepth", null),
    },
    policies: {
      loadPolicies: () => call("loadPolicies", null),
      savePolicy: (policy) => call("savePolicy", policy),
      savePause: (pause) => call("savePause", pause),
    },
    async close() {
      closing = true;
      if (!gone) {
        setImmediate(() => worker.postMessage([{ id: 0, op: "close", args: null }], []));
      }
      await exited;
    },
  };
}

async function* oneChunk(chunk: Uint8Array): AsyncIterable<Uint8Array> {
  yield chunk;
}
