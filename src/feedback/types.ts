import type { Authentication } from "../protocol/authentication/index.ts";
import type { Inspection } from "../protocol/inspect/types.ts";

/** May mail come to this address? With how much, or with what reply. */
export type Admission =
  /** `people`: what comes may be for people to read. */
  | { ok: true; maxBytes: number; people?: boolean }
  | { ok: false; code: 550 | 451; enhanced: string; text: string };

/** One mail for one of its recipients. */
export type Incoming = {
  to: string;
  raw: Uint8Array;
  /** Empty: the null sender. */
  mailFrom: string;
  /** What the host that handed it in calls itself, and its address. */
  from: string;
  ip: string;
  /** Protocol of the connection, such as `TLSv1.3`; null: in clear. */
  tls: string | null;
  authentication: Authentication;
};

export type Received =
  | { outcome: "bounced"; recipientId: string }
  /** `by`: what named the message. Without a recipient: it counts for the member, and nobody knows whose it is. */
  | { outcome: "complained"; by: MatchedBy; did: string; recipientId?: string }
  /** A report says that the recipient wants no more bulk mail of the member. */
  | { outcome: "unsubscribed"; by: MatchedBy; did: string; recipientId: string }
  /** Understood, and nothing changes. */
  | { outcome: "ignored"; why: string }
  | { outcome: "kept-for-people"; entry: number }
  | { outcome: "forwarded"; id: string }
  | { outcome: "report"; kind: string }
  /** A test of a member: what was seen of it is an event. */
  | { outcome: "test"; did: string }
  | { outcome: "refused"; why: string; code: number; enhanced: string; text: string }
  /** The delivery that it is about is not written down yet: it must come again. Ends with the wait of the recipient. */
  | { outcome: "too-early"; recipientId: string }
  | { outcome: "full" }
  /** It names a message of the pool that another node sent, and that node hears of it. */
  | { outcome: "passed-on" };

/** What of a complaint names the message, in the order in which it is asked. */
export type MatchedBy = "token" | "header" | "message-id" | "feedback-id";

/** A reply to somebody's mail that came to its return path, to be sent on. */
export type ForwardWish = {
  /** The same mail to the same address has the same: 16 characters of base32. */
  id: string;
  raw: Uint8Array;
  to: string;
  mailFrom: string;
  from: string;
  ip: string;
  authentication: Authentication;
  /** The member for whom; null: it is mail to a role address. */
  member: { did: string; domain: string } | null;
};

/** Has every other node of the pool look at it; durable once resolved. */
export type PassOn = (mail: Incoming) => Promise<void>;

/** `known`: it was taken before. The others say why it is not sent on. */
export type Forwarded = "taken" | "known" | "loop" | "malformed" | "too-much" | "too-large" | "full";

/** `later`: who sent it could not be looked up, and it must come again. */
export type ReportReader = (
  report: NonNullable<Inspection["report"]>,
  about: Incoming,
) => Promise<"taken" | "later">;
