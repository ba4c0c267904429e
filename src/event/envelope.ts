import type { ReplyClass, ReplyFault } from "../protocol/smtp-reply/index.ts";
import type { EventWindows } from "./windows.ts";

/**
 * Events: immutable facts in the past tense, in Osprey's own input envelope
 * (`{send_time, data: {action_id, action_name, data}}`), so that real Osprey workers read them unchanged.
 */
export type ActionName =
  | "message_accepted"
  | "message_held"
  | "message_refused"
  | "recipient_delivered"
  | "recipient_deferred"
  | "recipient_bounced"
  | "recipient_expired"
  | "recipient_dropped"
  | "complaint_received"
  /** A recipient wants no more bulk mail of the member: one click (RFC 8058). */
  | "recipient_unsubscribed"
  | "report_received"
  | "provider_reported"
  | "domain_checked"
  | "member_paused"
  | "member_resumed"
  | "first_contacts_slowed"
  /** A provider asked one of our addresses to be slower, or to stay away, or has enough of one member for a while. */
  | "provider_slowed"
  | "provider_paused"
  | "member_held_at_provider"
  | "notice_concluded"
  /** A member's mail to its own test address: what was seen of it. */
  | "test_arrived"
  | "standing_changed"
  | "member_joined"
  | "member_left"
  | "credential_used_anew";

/** How an attempt or a bounce ended. */
export type BounceClass = ReplyClass;

/** What a remote server said, classified. `fault` names who can mend it. */
export type SmtpFacts = {
  /** Three-digit reply code; 0 when the conversation broke before a reply. */
  code: number;
  /** RFC 3463 code such as `5.1.1`, or empty. */
  enhanced: string;
  /** The reply text, without addresses, at most 300 characters. */
  text: string;
  provider: string;
  class: BounceClass;
  fault: ReplyFault;
  /** The rule of the shaping file that said so, such as `microsoft/s3140`; without: the general table. */
  rule?: string;
};

export type MessageFacts = {
  /** Opaque id of the spool. Never a subject, a body or a full recipient address. */
  id: string;
  size: number;
  recipients: number;
  stream: string;
  /** When the member handed it in, ms since the epoch. */
  received_at: number;
  /** Somebody waits for it: mail to one recipient that is not bulk, or that was handed in as a login code. */
  code?: boolean;
  /** What the content is like, opaque; and whether 20 or more earlier deliveries of the member were like it. */
  template?: string;
  template_known?: boolean;
  /** Recipients that the member has not had mail delivered to before. */
  first_time?: number;
};

/** A recipient by keyed hash: distinct people can be counted without being named. */
export type RecipientFacts = {
  key: string;
  domain: string;
  /** The member had had no mail delivered to it when the message was handed in. */
  first_time?: boolean;
};

export type MemberFacts = {
  did: string;
  domain: string;
  age_days: number;
  tier: string;
  standing: string;
  labels: string[];
};

/**
 * What the reporter of a fact fills in. `member` needs only `did` and `domain` at the relay; core completes it, and
 * adds `window`, before the rules see the event.
 */
export type EventData = {
  /** A fact that is told twice counts once. */
  dedupe_key: string;
  member: Pick<MemberFacts, "did" | "domain"> & Partial<MemberFacts>;
  credential?: string;
  message?: MessageFacts;
  recipient?: RecipientFacts;
  /** With `message_accepted` and `message_held`: all of them. */
  recipients?: RecipientFacts[];
  smtp?: SmtpFacts;
  window?: EventWindows;
  /** An outcome that came after the delivery (a DSN): it replaces the delivery, it is no second trial. */
  late?: boolean;
  /** Facts of single actions: findings of a check, reason of a refusal, change of standing. */
  detail?: Record<string, unknown>;
};

export type Envelope = {
  /** RFC 3339, UTC, microseconds. */
  send_time: string;
  data: { action_id: string; action_name: ActionName; data: EventData };
};

export type EventMaker = (action: ActionName, data: EventData) => Envelope;

/** Makes envelopes with the time of `now` (ms since the epoch) and ids from `nextId`. */
export function eventMaker(now: () => number, nextId: () => string): EventMaker {
  return (action_name, data) => ({
    send_time: new Date(now()).toISOString().replace(/Z$/, "000Z"),
    data: { action_id: nextId(), action_name, data },
  });
}

export function eventTime(envelope: Envelope): number {
  return Date.parse(envelope.send_time);
}
