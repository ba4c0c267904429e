import type { ActionName, BounceWindow, ComplaintWindow } from "../event/index.ts";
import type { Application, CredentialView, Rotation } from "../member/index.ts";
import type { RecipientState, ToldKind } from "../spool/index.ts";
import type { BounceChoice, Membership, Standing, Tier } from "../policy/index.ts";
import type { ReplyClass, ReplyFault } from "../protocol/smtp-reply/index.ts";
import type { TlsReason } from "../transport/index.ts";
import type { MailReceipt } from "../notice/index.ts";
import type { Ending, Pause } from "../standing/index.ts";
import type { EgressView, MeasureLine, WaitingAt } from "./view-egress.ts";

/**
 * What the pages show. Instants are milliseconds since the epoch, shares are between 0 and 1, days are `YYYY-MM-DD`
 * in UTC. Every list is already bounded and sorted by whoever fills it in; newest first unless it says otherwise.
 */
export type DayVolume = { day: string; delivered: number; deferred: number; bounced: number };

/** A positive public statement. Its end is never listed or explained. */
export type PublicLabel = {
  value: string;
  /** The DID or the record that it is about. */
  uri: string;
  /** Mail domain of the member, for reading. */
  domain: string;
  issuedAt: number;
  expiresAt: number | null;
};

export type LabelledOperator = { did: string; domain: string; labels: string[]; since: number };

/** Everything on it is public: no standing, no rate and no volume of a named member. */
export type PublicOverview = {
  asOf: number;
  today: {
    /** Messages accepted from members. */
    messages: number;
    /** Recipients by outcome. */
    delivered: number;
    deferred: number;
    bounced: number;
  };
  /** Recipients by outcome, the last seven days, oldest first; the last is today. */
  days: DayVolume[];
  together: {
    /** Messages a day from which a large provider shows a sender its own figures. */
    threshold: number;
    /** Mean messages a day of each operator, without names, in any order. */
    operators: number[];
  };
  operators: LabelledOperator[];
  labeler: { did: string; url: string };
  allowlist: {
    /** Zone of DKIM domains, without the last dot. */
    zone: string;
    serial: number;
    entries: number;
    publishedAt: number;
    /** An entry that is listed now, for the example; null when the list is empty. */
    example: { domain: string; answer: string } | null;
    /** `@host -p port` arguments where the zone is not in the public DNS. */
    digServer: string | null;
  } | null;
  recentLabels: PublicLabel[];
};

export type CommitteeMember = {
  did: string;
  domain: string;
  standing: Standing;
  paused: boolean;
  tier: Tier;
  today: number;
  /** Messages of the last seven days, oldest first. */
  week: number[];
  bounce: BounceWindow | null;
  lastEvent: { action: ActionName; at: number } | null;
};

export type ChangeLine = {
  id: string;
  at: number;
  did: string;
  domain: string;
  from: Standing;
  to: Standing;
  cause: string;
  /** Name of the rule; null when a person or time decided. */
  rule: string | null;
  /** The person who decided; null when a rule or time did. */
  by: string | null;
};

export type EventLine = {
  id: string;
  at: number;
  action: ActionName;
  did: string;
  domain: string;
  /** One line without addresses. */
  summary: string;
};

export { RECIPIENT_STATES, type RecipientState } from "../spool/index.ts";

export type CommitteeOverview = {
  overview: PublicOverview;
  /** Those that wait for a decision, the longest first. */
  applications: Application[];
  /** Those that have not ended, the oldest first. */
  pauses: (MemberPause & { domain: string })[];
  /** Open ones, those first that are due first. */
  cases: CaseLine[];
  members: CommitteeMember[];
  changes: ChangeLine[];
  events: EventLine[];
  /** Recipients in the spools now; a state that is absent counts none. */
  queue: Partial<Record<RecipientState, number>>;
  /** When the oldest recipient that still waits was accepted. */
  oldestWaiting: number | null;
  /** In force now, those that end last first. */
  measures: MeasureLine[];
  /** The addresses that mail leaves from; null where no relay runs. */
  egress: EgressView | null;
  /** Logins by which figures of providers are fetched. */
  providers: ProviderState[];
};

import type { ProviderState } from "./provider-view.ts";
export type { EgressView, MeasureLine, WaitingAt } from "./view-egress.ts";

export type DnsRecord = { name: string; type: string; value: string };

/** What only a person decides. Times in ms since the epoch. */
export type CaseLine = {
  id: number;
  did: string;
  domain: string;
  /** The change of standing that it is about; null when it is about something else. */
  change: string | null;
  /** A question or a sentence. */
  title: string;
  /** The member's own words, or empty. */
  words: string;
  openedAt: number;
  dueAt: number;
  isOverdue: boolean;
};

export type Finding = {
  /** What was looked at: `spf`, `dkim`, `dmarc`, `mx`, `ptr`, `starttls`, ... */
  check: string;
  outcome: "pass" | "warn" | "fail" | "temperror";
  /** What was observed, in a sentence. */
  text: string;
  /** What DNS or the server answered, word for word; null when it said nothing. */
  observed: string | null;
  remedy: { text: string; record: DnsRecord | null } | null;
};

export type MemberDomain = {
  name: string;
  /** `held`: its authentication is broken and its mail waits. */
  status: "active" | "held";
  attestation: { uri: string; cid: string; at: number } | null;
  returnPath: string | null;
  checkedAt: number | null;
  findings: Finding[];
  /** Its keys, while they turn; null while all of them just sign. */
  rotation: Rotation | null;
};

/** A pause in words. */
export type MemberPause = Pause & {
  title: string;
  remedy: string;
  /** Name of the credential; null: the whole member. */
  credentialName: string | null;
  /** A credential that it is about is in use: an answer replaces it. */
  inUse: boolean;
  /** Recipients whose mail waits for it; null when that is not known here. */
  held: number | null;
  /** What the member was told by mail when it began, and when somebody else ended it; null: nothing. */
  mails: { paused: MailReceipt | null; resumed: MailReceipt | null };
};

/** One value that a rule looked at. `key` is the field of the window; `threshold` is what the rule asks at least. */
export type EvidenceValue = { key: string; value: number | string | boolean; threshold: number | null };

export type StandingChange = {
  id: string;
  at: number;
  from: Standing;
  to: Standing;
  /** In plain words. */
  cause: string;
  evidence: EvidenceValue[];
  /** Event at which a rule concluded it, as `atmos rules explain` takes it. */
  actionId: string | null;
  /** The rule that concluded it, with its text as it is now, or what it said then; null when people decided. */
  rule: { name: string; text: string } | null;
  decidedBy: "rule" | "committee" | "breaker" | "time";
  /** The person who decided for the committee; null when none is known. */
  by: string | null;
  /** What to do; null when nothing is to be done. */
  remedy: string | null;
  /** How standing comes back, and on which day that is expected when it is known. */
  wayBack: { text: string; at: number | null } | null;
  /** How to appeal: a command or an address; null when there is nothing to appeal. */
  appeal: string | null;
};

export type MemberNote = { id: string; at: number; text: string };

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

export type LimitUse = {
  /** Reads after "Messages in": `10 minutes`, `an hour`, `a day`. */
  window: string;
  used: number;
  limit: number;
  /** When all of it is free again; null when nothing is used. */
  freeAt: number | null;
};

export type MemberView = {
  asOf: number;
  did: string;
  domain: string;
  handle: string | null;
  joinedAt: number;
  standing: Standing;
  standingSince: number;
  membership: Membership;
  /** Open ones first, then the newest. */
  pauses: MemberPause[];
  /** Every application with its decision, the newest first. */
  applications: Application[];
  credentials: CredentialView[];
  tier: Tier;
  /** What brings the next tier; null at the last. */
  nextTier: string | null;
  limits: LimitUse[];
  /** Where its mail waits because a provider asked for it. */
  waitsAt: WaitingAt[];
  bounce: BounceWindow | null;
  complaints: ComplaintWindow | null;
  domains: MemberDomain[];
  labels: PublicLabel[];
  changes: StandingChange[];
  notes: MemberNote[];
  messages: MemberMessage[];
  returned: ReturnedMail[];
  /** Where it is told of its mail. */
  bounces: BounceChoice;
  /** Where replies to its return paths are sent on to; null: nowhere. */
  replies: string | null;
};

/** One check of a domain, without advice: what anybody can see in the DNS and on the wire. */
export type ExplainedCheck = {
  check: string;
  outcome: Finding["outcome"];
  at: number;
  findings: { code: string; text: string; observed: string | null }[];
};

/** A proved record whose label is in force. */
export type ExplainedRecord = {
  uri: string;
  cid: string;
  domain: string;
  /** When it was last proved to be in its repository. */
  provedAt: number;
  checks: ExplainedCheck[];
};

/** A label in force, with what it rests on. */
export type ExplainedLabel = {
  value: string;
  uri: string;
  cid: string | null;
  /** First said, however often renewed. */
  since: number;
  /** Last said: its `cts`. */
  issuedAt: number;
  expiresAt: number | null;
  /** URIs of the records whose checks it rests on; empty where it rests on membership or conduct. */
  records: string[];
};

/**
 * Labels in force of an account, a record or a domain. What is not in force is not there, whatever once was: why a
 * label ended is nobody's to read here.
 */
export type LabelExplanation = {
  asOf: number;
  /** As it was asked for, in its usual form. */
  subject: string;
  labeler: { did: string; url: string };
  labels: ExplainedLabel[];
  records: ExplainedRecord[];
};

/** What came of looking at a domain for a visitor. */
export type CheckAnswer =
  | { status: "no-domain"; asked: string }
  | { status: "too-many" | "busy"; domain: string }
  | {
      status: "checked";
      domain: string;
      /** When the DNS was asked, ms. */
      at: number;
      summary: "verified" | "broken" | "unknown";
      /** The attestation that the checks were compared with; null when the domain has none. */
      attested: string | null;
      findings: Finding[];
      /** What large providers ask of senders, as far as the DNS shows it. */
      requirements: { provider: string; need: string; status: "pass" | "fail" | "unknown" }[];
    };

/** What the pages ask for. `member` is null when the DID is no member. */
export interface WebQueries {
  publicOverview(): Promise<PublicOverview>;
  committeeOverview(): Promise<CommitteeOverview>;
  member(did: string): Promise<MemberView | null>;
  /** Null when the subject is no DID, AT URI or domain, or no labeler runs here. `value` narrows it to one label. */
  label(subject: string, value?: string): Promise<LabelExplanation | null>;
}

/** A credential as it is shown once: its block for a PDS's environment file. */
export type ShownCredential = { name: string; username: string; secret: string; lines: string };

export type Who = { who: "member" | "committee"; by: string };

/** `refused`: why, in a sentence. */
export type ActionResult = { done: true; credentials: ShownCredential[] } | { refused: string };

/** What the forms of the pages do. */
export interface WebActions {
  answerPause(did: string, id: number, answer: Ending, who: Who, reason: string): Promise<ActionResult>;
  revokeCredential(did: string, id: string, by: string): Promise<ActionResult>;
  chooseBounces(did: string, choice: BounceChoice): Promise<ActionResult>;
  chooseReplies(did: string, to: string | null): Promise<ActionResult>;
  decideApplication(
    did: string,
    /** `application`: the one that was read, which may have been decided since, and followed by another. */
    decision: { application: number; approve: boolean; tier: Tier; words: string; by: string },
  ): Promise<ActionResult>;
}
