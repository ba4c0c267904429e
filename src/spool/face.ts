import type { MessageFilter, MessageSearch } from "./search.ts";
import type { Envelope, OutboxSource } from "../event/index.ts";
import type { MemberPolicy, PolicyStore } from "../policy/index.ts";
import type { BodyWriter } from "./bodies.ts";
import type { HeldRequest, LeaseRequest } from "./lease.ts";
import type {
  Acceptance,
  Accepted,
  AttemptView,
  Hold,
  Leased,
  MessageRow,
  MessageView,
  OperationView,
  Outcome,
  QueueEntry,
  QueueFilter,
  QueueRequest,
  QueueResult,
  RecipientState,
  ToldView,
} from "./types.ts";

export type MessageContent = {
  head: Uint8Array;
  /** The body, piece by piece. */
  body(): AsyncIterable<Uint8Array>;
};

/** What holds depend on beside the policy. */
export type HoldOptions = {
  /** Why mail of this sender domain and credential may not leave now; default: `whyHeld` of the policy alone. */
  why?: (fromDomain: string, credential: string | null) => Hold | undefined;
};

/**
 * The store of messages, recipients and attempts. All that changes something is on disk when it resolves; everything
 * rejects with SpoolError.
 */
export interface Spool {
  /** A place for a body that comes in. */
  newBody(): BodyWriter;
  /** Whether the disk has more free than the reserve; looked up once a second at most. False: answer `452 4.3.1`. */
  room(): boolean;
  /** Message, recipients, limits and events in one transaction; nothing of it when its key is known. */
  accept(acceptance: Acceptance): Promise<Accepted>;
  /** What a credential submitted with a key in the last day. */
  submission(
    credential: string,
    key: string,
    now: number,
  ): Promise<{ message: string; digest: string } | undefined>;

  /** Due recipients, now the caller's alone, and when the next of the others is due. */
  lease(request: LeaseRequest): Promise<{ leased: Leased[]; nextDue: number | undefined }>;
  /**
   * The caller still works on these: their leases begin anew. To be called every few minutes with all that is in hand:
   * a lease that is not renewed runs out after half an hour, and another delivery may begin. Returns how many it had.
   */
  renew(recipientIds: string[], leaseMs?: number): Promise<number>;
  /** Held recipients to be given back: now the caller's alone, like those of `lease`. */
  leaseHeld(request: HeldRequest): Promise<Leased[]>;
  /** Waiting recipients that a person gives back to their sender: like `lease`. `record` them as `returned`, with the notice. */
  leaseFor(request: QueueRequest & { leaseMs?: number }): Promise<{ result: QueueResult; leased: Leased[] }>;
  record(outcomes: Outcome[], now: number): Promise<void>;

  /**
   * Holds what of a member's waiting mail may not leave, and frees what policy or breaker held and now may. What a
   * pause kept back leaves no faster than the member's hourly limit.
   */
  setHolds(policy: MemberPolicy, now: number, options?: HoldOptions): Promise<void>;
  /** What waits and is not held, also what is being delivered: that conversation ends as it ends. */
  hold(request: QueueRequest & { hold: Hold }): Promise<QueueResult>;
  /**
   * What breaker, committee or member hold. `perHour`: how fast a member's mail then leaves, by DID; default: at once.
   * What policy or signing hold is kept, and what the breaker holds while it is `paused`: it would be held again.
   */
  release(
    request: QueueRequest & { perHour?: (did: string) => number; paused?: (entry: QueueEntry) => boolean },
  ): Promise<QueueResult>;
  /** What waits for a retry is due now. */
  requeue(request: QueueRequest): Promise<QueueResult>;
  /** Forgets what waits; nobody is told. `event` makes what is told to core, for each recipient. */
  drop(request: QueueRequest & { event?: (entry: QueueEntry) => Envelope }): Promise<QueueResult>;
  /** Recipients that match, newest first. `next`: the `before` of the next page; undefined: there is none. */
  list(
    filter: QueueFilter,
    page?: { before?: number; limit?: number },
  ): Promise<{ entries: QueueEntry[]; next: number | undefined }>;
  /** What people did with a message, oldest first. */
  operations(messageId: string): Promise<OperationView[]>;

  /** Messages that could not be signed, oldest first; `after` is the `seq` of the last one of the page before. */
  unsigned(limit: number, after?: number): Promise<(MessageRow & { seq: number })[]>;
  /** Gives such a message its signed header block, and lets it go. False: nobody waits for it any more. */
  sign(messageId: string, head: Uint8Array, now: number): Promise<boolean>;

  /** Header block and body, or undefined when nobody waits for them any more. */
  content(messageId: string): Promise<MessageContent | undefined>;
  counts(): Promise<Partial<Record<RecipientState, number>>>;
  /** Recipients that are queued, held or deferred. */
  openCount(): Promise<number>;
  /** When the oldest message that still waits was received, ms since the epoch. */
  oldestWaiting(): Promise<number | undefined>;
  /** Newest first, of all credentials unless one is named; `before` is the `seq` of the last one of the page before. */
  messages(
    did: string,
    page?: { before?: number; limit?: number; credential?: string },
  ): Promise<MessageView[]>;
  /**
   * The mail of one member or of all that fits, newest first. It looks at 20,000 messages at most, a few at a time, so that
   * nobody waits behind it: with a `next` it can go on.
   */
  search(filter: MessageFilter, page?: { before?: number; limit?: number }): Promise<MessageSearch>;
  message(id: string): Promise<MessageView | undefined>;
  messageByRecipient(recipientId: string): Promise<MessageView | undefined>;
  /** Mail with this `Message-ID`, also one that its member gave it, the latest first; ten at most. */
  messagesByMessageId(messageId: string): Promise<MessageView[]>;
  attempts(messageId: string): Promise<AttemptView[]>;
  /** What a member was told of its mail, newest first; `before` is the `seq` of the last one of the page before. */
  toldTo(did: string, page?: { before?: number; limit?: number }): Promise<ToldView[]>;
  /** What was told of one message, oldest first. */
  toldOf(messageId: string): Promise<ToldView[]>;
  /**
   * Forgets finished messages received before `before`, and keys of submissions that are a day old at `now`, in groups
   * of `limit` between which others have their turn.
   */
  prune(before: number, options?: { limit?: number; signal?: AbortSignal; now?: number }): Promise<number>;
  /** Forgets the finished messages of one member that were received up to then, in groups of `limit`; returns how many. */
  forget(
    did: string,
    receivedUpTo: number,
    options?: { limit?: number; signal?: AbortSignal },
  ): Promise<number>;
  /** What is wrong with the database, at most 20 findings; nothing else is done meanwhile. */
  integrity(): Promise<string[]>;
  appendEvents(events: Envelope[]): Promise<void>;
  readonly outbox: OutboxSource & { depth(): Promise<number> };
  readonly policies: PolicyStore;
  close(): Promise<void>;
}
