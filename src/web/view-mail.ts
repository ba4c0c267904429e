import type { MessageFilter, ToldKind, RecipientState } from "../spool/index.ts";
import type { DeliveryView } from "./view-delivery.ts";
import type { Membership } from "../policy/index.ts";
import type { ReplyClass, ReplyFault } from "../protocol/smtp-reply/index.ts";
import type { TlsReason } from "../transport/index.ts";

export type Attempt = {
  at: number;
  /** Host and address that answered, or empty when none did. */
  server: string;
  code: number;
  enhanced: string;
  text: string;
  class: ReplyClass;
  /** Asking again would not help. */
  permanent: boolean;
  /** Who can mend it; null: it is not known. */
  fault: ReplyFault | null;
  /** The rule of the shaping file that judged the answer, or null. */
  rule: string | null;
  /** What that rule says is to be done; left out when it says nothing. */
  advice?: string;
  /** Address of ours; null: it is not known. */
  egress: string | null;
  /** Protocol and cipher; null when there was no TLS session. */
  tls: string | null;
  /** Why the connection had to be as it was; null: there was none, or it is not known. */
  tlsPolicy: TlsReason | null;
  /** Lines as they were said, `C: ` and `S: ` in front. The page masks addresses. */
  conversation: string[];
};

export type MessageRecipient = {
  id: string;
  /** Whole or masked; the page masks the local part in any case. */
  address: string;
  state: RecipientState;
  /** When the next attempt is due; null when there is none. */
  nextAttemptAt: number | null;
  /** Why it waits although nobody was asked; left out otherwise. */
  waits?: string;
  /** Of what was dropped: by whom and why; left out otherwise. */
  dropped?: { by: string; why: string };
  /** The last ones, oldest first. */
  attempts: Attempt[];
  /** Attempts before those; left out when there are none. */
  earlierAttempts?: number;
};

export type MemberMessage = {
  id: string;
  at: number;
  domain: string;
  stream: string;
  size: number;
  recipients: MessageRecipient[];
  /** Recipients beyond those; left out when there are none. */
  moreRecipients?: number;
};

/** What a member was told of mail of a recipient. */
export type ReturnedMail = {
  id: string;
  at: number;
  kind: ToldKind;
  /** Of the recipient, with its state now. The page masks it. */
  address: string;
  state: RecipientState;
  /** Where it was mailed to; null: nowhere. */
  sentTo: string | null;
  /** The words of the notice. The page masks addresses. */
  text: string;
  message: string;
};

/** What of a member's mail is asked for. */
export type LogFilter = Omit<MessageFilter, "did">;

type MailFrame = { asOf: number; did: string; domain: string; membership: Membership };

/** A page of a member's mail, the newest first. */
export type MessageLog = MailFrame & {
  /** Its domains and credentials, to choose from. */
  domains: string[];
  credentials: { id: string; name: string }[];
  providers: { id: string; name: string }[];
  /** False: no relay runs in this process, and nothing is known here. */
  isKnown: boolean;
  messages: MemberMessage[];
  /** `before` of the next page; null: that was all. */
  next: number | null;
  /** Messages that were looked at. */
  scanned: number;
  /** False with a `next`: it stopped looking for now, and can go on. */
  isFull: boolean;
};

/** One message with all that happened to it. */
export type MessageFound = MailFrame & {
  message: MemberMessage;
  /** Return path of the submission. */
  sender: string;
  /** Name of the credential that it came by; null: none, or it is not kept. */
  credential: string | null;
  /** What the member was told of it; addresses are masked. */
  told: { at: number; kind: ToldKind; address: string; sentTo: string | null; text: string }[];
};

/** What the pages of a member's mail ask for. Null: there is no such member, or it has none of this id. */
export interface MessagePages {
  /** A page of what fits, the newest first; `before`: the `next` of the page before. Without a filter nothing is looked for. */
  log(did: string, filter: LogFilter | null, before?: number): Promise<MessageLog | null>;
  show(did: string, id: string): Promise<MessageFound | null>;
  /** What became of it at each provider, and how long it took. */
  delivery(did: string): DeliveryView | null;
}
