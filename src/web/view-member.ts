import type { BounceWindow, ComplaintWindow } from "../event/index.ts";
import type { Application, CredentialView, Rotation } from "../member/index.ts";
import type { MailReceipt } from "../notice/index.ts";
import type { BounceChoice, Membership, Standing, Tier } from "../policy/index.ts";
import type { Pause } from "../standing/index.ts";
import type { Finding } from "./view-dns.ts";
import type { WaitingAt } from "./view-egress.ts";
import type { MemberMessage, ReturnedMail } from "./view-mail.ts";

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
  /** What the member may say, or said, against it; null when there is nothing to appeal. */
  appeal: StandingAppeal | null;
};

export type StandingAppeal =
  | { state: "open" }
  /** `dueAt`: by then somebody should have decided. */
  | { state: "waits"; case: number; openedAt: number; dueAt: number; words: string }
  | { state: "decided"; case: number; at: number; by: string; reason: string };

export type MemberNote = { id: string; at: number; text: string };

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
  /** The way back waits for what the member changed, in its words. */
  remedyAsked: boolean;
  notes: MemberNote[];
  messages: MemberMessage[];
  returned: ReturnedMail[];
  /** Where it is told of its mail. */
  bounces: BounceChoice;
  /** Where replies to its return paths are sent on to; null: nowhere. */
  replies: string | null;
};
