import type { BounceClass, Envelope } from "../event/index.ts";
import type { LimitRow } from "../policy/index.ts";
import type { ReplyFault } from "../protocol/smtp-reply/index.ts";
import type { MessageAsk, TlsReason } from "../transport/index.ts";

export const RECIPIENT_STATES = [
  "queued",
  "held",
  "deferred",
  "delivered",
  "bounced",
  "suppressed",
  "expired",
  "returned",
  "dropped",
] as const;
export type RecipientState = (typeof RECIPIENT_STATES)[number];

/**
 * A body of up to 128 KiB in memory, or the name of a synced file of the spool. `given`: the memory is the body's alone, and
 * with `accept` it goes to the spool; nobody reads it after that.
 */
export type StoredBody = { bytes: Uint8Array; given?: true } | { file: string };

/**
 * `dsn`, `notice`, `report`: the pool's own, about a message, about a pause, and about TLS to another domain. `forward`: a
 * stranger's, sent on, with its return path as `sender`. `test`: a member's mail to its own test address, which leads to the
 * pool. Nothing holds these, nobody is told of their fate by mail.
 */
export type MessageKind = "mail" | "dsn" | "notice" | "report" | "forward" | "test";

export type MessageRow = {
  /** Opaque, 16 characters of base32. */
  id: string;
  did: string;
  /** Id of the credential that submitted it; null for mail of the relay itself. */
  credential: string | null;
  kind: MessageKind;
  /** MAIL FROM as the member gave it: where a DSN goes. Empty for mail of the pool. */
  sender: string;
  /** Domain of the `From:` field. */
  fromDomain: string;
  stream: string;
  /** Lower leaves first: 0 a login code, 1 other transactional mail and notices, 2 bulk. */
  priority: number;
  /** What its content is like (`breaker`), or null when that is not known. */
  template: string | null;
  /** Milliseconds since the epoch. */
  receivedAt: number;
  /** Octets, header and body. */
  size: number;
  /** What it needs of the next hop (RFC 6152, RFC 6531). */
  eightBit: boolean;
  smtpUtf8: boolean;
  /** RET and ENVID of RFC 3461, as they were given, or null. */
  ret: "FULL" | "HDRS" | null;
  envid: string | null;
  /** What it asks of TLS on its way (RFC 8689). */
  ask: MessageAsk;
};

/** `unsigned`: it could not be signed; it is held until it is (`sign`). */
export type NewMessage = MessageRow & {
  head: Uint8Array;
  body: StoredBody;
  unsigned?: boolean;
  /** A submission with the same key of the same credential is this one (HTTP API). */
  idempotency?: { key: string; digest: string };
};

/** Who keeps mail back: what a policy holds it frees again, what a person holds only a person frees. */
export const HOLD_OWNERS = ["policy", "breaker", "signing", "committee", "member"] as const;
export type HoldOwner = (typeof HOLD_OWNERS)[number];
/** `reason`: a name of an outcome (`paused`, `domain-held`, ...); `note`: words of the person. */
export type Hold = { reason: string; owner: HoldOwner; note?: string };

export type NewRecipient = {
  /** Opaque, 16 characters of base32: the id inside its return-path token. */
  id: string;
  address: string;
  domain: string;
  state: "queued" | "held";
  /** With `held`. */
  hold?: Hold;
  nextAt: number;
  /** The member has not had mail delivered to it before. */
  firstTime: boolean;
  /** NOTIFY (`NEVER`, or some of `SUCCESS,FAILURE,DELAY`) and ORCPT of RFC 3461, or null. */
  notify: string | null;
  orcpt: string | null;
};

/** Everything that becomes durable before `250`, in one transaction. */
export type Acceptance = {
  message: NewMessage;
  recipients: NewRecipient[];
  limits?: LimitRow[];
  events: Envelope[];
};

/**
 * What `accept` resolves to. `{}`: it is stored. `duplicateOf`: the same submission was taken before as this message,
 * and nothing was stored. `conflict`: its key was used for another submission within the last day; nothing was stored.
 */
export type Accepted = { duplicateOf?: string; conflict?: string };

/** How long a key of a submission is remembered, in ms. */
export const IDEMPOTENCY_MS = 86_400_000;

/** A recipient taken for delivery; nobody else gets it until its result is recorded or its lease has run out. */
export type Leased = {
  id: string;
  address: string;
  domain: string;
  attempts: number;
  firstTime: boolean;
  notify: string | null;
  orcpt: string | null;
  /** The address of ours that a greylist knows: of the last attempt, unless it was blocked or slowed there. */
  egress: string | null;
  message: MessageRow;
};

export type AttemptRow = {
  at: number;
  durationMs: number;
  /** MX host and address, or empty when there was none to ask. */
  host: string;
  code: number;
  enhanced: string;
  text: string;
  class: BounceClass;
  /** True: asking again would not help. */
  permanent: boolean;
  /** Who can mend it; null: it was not kept then. */
  fault: ReplyFault | null;
  /** The rule of the shaping file that said so, such as `microsoft/s3140`; null: the general table. */
  rule: string | null;
  /** Protocol and cipher, or empty. */
  tls: string;
  /** Why the connection had to be as it was; null: nothing was connected. */
  tlsPolicy: TlsReason | null;
  /** The conversation, without secrets and body. */
  transcript: string;
  /** Our address that it left from; empty: the system chose; null or none: no host was asked. */
  egress?: string | null;
  /** The provider of the host, as the shaping file names it; null or none: it was not kept then. */
  provider?: string | null;
};

/** The result of a lease (or of a DSN that came later: then without `attempt`), recorded in one transaction. */
export type Outcome = {
  recipientId: string;
  state: RecipientState;
  /** With `held`; by default the policy holds it. */
  hold?: Hold;
  /** When it is due again; used for queued and deferred. */
  nextAt: number;
  /** With `queued`: why it waits although nobody was asked, a sentence for the member. */
  waits?: string;
  attempt?: AttemptRow;
  events: Envelope[];
  /** Mail that this result gives rise to: a DSN to the member. */
  follow?: Acceptance;
  /** What the member is told, by that mail or only where it looks for it. Of a second delay nothing is. */
  told?: NewTold;
};

/**
 * `failed`: refused for good. `expired`: five days without success. `returned`: held and never sent. `delayed`: it is still
 * tried. `relayed`: the next host took it and tells no more. `delivered`: it told that it is in the mailbox.
 */
export const TOLD_KINDS = ["failed", "expired", "returned", "delayed", "relayed", "delivered"] as const;
export type ToldKind = (typeof TOLD_KINDS)[number];

/** What the member is told of a recipient; kept as long as the message is. */
export type NewTold = {
  at: number;
  kind: ToldKind;
  /** RFC 3463. */
  status: string;
  /** The address that the notice is mailed to; null: to none. */
  sentTo: string | null;
  /** The words of the notice, lines ending with LF. */
  text: string;
  /** On whose page it stands; absent: of the member whose message it is. A forward is the pool's, and told to another. */
  did?: string;
};

export type ToldView = Omit<NewTold, "did"> & {
  seq: number;
  messageId: string;
  recipientId: string;
  /** Of the recipient, with its state now. */
  address: string;
  state: RecipientState;
  fromDomain: string;
  stream: string;
};

export type RecipientView = {
  id: string;
  address: string;
  domain: string;
  state: RecipientState;
  hold: Hold | null;
  attempts: number;
  nextAt: number;
  updatedAt: number;
  /** Why it waits until `nextAt` although nobody was asked, a sentence; null: it does not, or the reason is another one. */
  waits?: string | null;
  /** It is being delivered at this moment. */
  inFlight: boolean;
  firstTime: boolean;
  /** As in `NewRecipient`. */
  notify: string | null;
  orcpt: string | null;
};

export type MessageView = MessageRow & { seq: number; recipients: RecipientView[] };

export type AttemptView = AttemptRow & { recipientId: string };

/** Which recipients are meant. What is given must hold all together; at least one thing must be given. */
export type QueueFilter = {
  /** Ids of messages or of recipients. */
  ids?: string[];
  did?: string;
  credential?: string;
  /** Domain of the `From:` field. */
  fromDomain?: string;
  /** Address of the recipient. */
  recipient?: string;
  recipientDomain?: string;
  states?: RecipientState[];
  holdReason?: string;
  holdOwner?: HoldOwner;
  stream?: string;
  /** Received at or before, ms since the epoch. */
  receivedUpTo?: number;
};

/** One recipient with what an operator wants to know of its message. */
export type QueueEntry = RecipientView & {
  seq: number;
  messageId: string;
  did: string;
  credential: string | null;
  kind: MessageKind;
  sender: string;
  fromDomain: string;
  stream: string;
  priority: number;
  size: number;
  receivedAt: number;
};

/** What a person can do with mail that waits. */
export const QUEUE_ACTIONS = ["hold", "release", "requeue", "bounce", "drop"] as const;
export type QueueAction = (typeof QUEUE_ACTIONS)[number];

/** An operation of a person: it leaves a trace in the history of each message that it touches. */
export type QueueRequest = {
  filter: QueueFilter;
  /** Who, and why: both are shown with the message. */
  by: string;
  why: string;
  now: number;
  /** With `requeue`: due so many ms before its time, but not before now; default: now. */
  earlierBy?: number;
  /** Recipients at most; default 1,000, at most 10,000. */
  limit?: number;
  /** Counts, and changes nothing. */
  dryRun?: boolean;
};

export type QueueResult = {
  recipients: number;
  messages: number;
  /** Some of those touched. */
  messageIds: string[];
  /** Left alone, because they are being delivered at this moment. */
  inFlight: number;
  /** Left alone, because only a change of policy, the end of a pause or a signature frees them. */
  kept: number;
  /** There are more than the limit. */
  more: boolean;
};

/** What a person did with a message. */
export type OperationView = {
  at: number;
  by: string;
  action: QueueAction;
  why: string;
  recipients: number;
};
