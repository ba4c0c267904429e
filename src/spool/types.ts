import type { BounceClass, Envelope } from "../event/index.ts";
import type { LimitRow } from "../policy/index.ts";

export const RECIPIENT_STATES = [
  "queued",
  "held",
  "deferred",
  "delivered",
  "bounced",
  "suppressed",
  "expired",
  "returned",
] as const;
export type RecipientState = (typeof RECIPIENT_STATES)[number];

/** A body of up to 64 KiB in memory, or the name of a synced file of the spool. */
export type StoredBody = { bytes: Uint8Array } | { file: string };

export type MessageRow = {
  /** Opaque, 16 characters of base32. */
  id: string;
  did: string;
  /** Id of the credential that submitted it; null for mail of the relay itself. */
  credential: string | null;
  kind: "mail" | "dsn";
  /** MAIL FROM as the member gave it: where a DSN goes. Empty for a DSN. */
  sender: string;
  /** Domain of the `From:` field. */
  fromDomain: string;
  stream: string;
  /** Milliseconds since the epoch. */
  receivedAt: number;
  /** Octets, header and body. */
  size: number;
};

export type NewMessage = MessageRow & { head: Uint8Array; body: StoredBody };

export type NewRecipient = {
  /** Opaque, 16 characters of base32: the id inside its return-path token. */
  id: string;
  address: string;
  domain: string;
  state: "queued" | "held";
  nextAt: number;
};

/** Everything that becomes durable before `250`, in one transaction. */
export type Acceptance = {
  message: NewMessage;
  recipients: NewRecipient[];
  limits?: LimitRow[];
  events: Envelope[];
};

/** A recipient taken for delivery; nobody else gets it until its result is recorded or the spool is opened anew. */
export type Leased = {
  id: string;
  address: string;
  domain: string;
  attempts: number;
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
  /** Protocol and cipher, or empty. */
  tls: string;
  /** The conversation, without secrets and body. */
  transcript: string;
};

/** The result of a lease (or of a DSN that came later: then without `attempt`), recorded in one transaction. */
export type Outcome = {
  recipientId: string;
  state: RecipientState;
  /** When it is due again; used for queued and deferred. */
  nextAt: number;
  attempt?: AttemptRow;
  events: Envelope[];
  /** Mail that this result gives rise to: a DSN to the member. */
  follow?: Acceptance;
};

export type RecipientView = {
  id: string;
  address: string;
  domain: string;
  state: RecipientState;
  attempts: number;
  nextAt: number;
  updatedAt: number;
};

export type MessageView = MessageRow & { seq: number; recipients: RecipientView[] };

export type AttemptView = AttemptRow & { recipientId: string };
