import type { PauseCause } from "./outcomes.ts";

/** Standing of a member: the ladder of events and standing. */
export const STANDINGS = ["good", "warned", "probation", "suspended", "ejected"] as const;
export type Standing = (typeof STANDINGS)[number];

/** Where a member is in warm-up. */
export const TIERS = ["new", "warming", "steady", "trusted"] as const;
export type Tier = (typeof TIERS)[number];

/** What kind of mail it is: codes and notices that somebody waits for, or mail to many. */
export const STREAMS = ["transactional", "bulk"] as const;
export type Stream = (typeof STREAMS)[number];

/** An applicant waits for a person's decision; who has left sends no more. */
export type Membership = "applicant" | "member" | "left";

/**
 * What a relay node may do. `draining`: it sends what it has, and takes nothing. `cut-off`: it has not heard core, and takes
 * mail of members in good standing alone. `silent`: it has not for too long, and does nothing.
 */
export const NODE_STATES = ["serving", "draining", "cut-off", "silent"] as const;
export type NodeState = (typeof NODE_STATES)[number];

export type CredentialPolicy = {
  id: string;
  username: string;
  /** HMAC-SHA-256 of the secret under the user name, base64url. */
  hash: string;
  /** `secretKey` of the secret; absent of one that was made before there were keys. */
  key?: string;
  /** Domains that it may send as; every entry is one of the member's. */
  domains: string[];
  streams: Stream[];
  /** Caps of its own in recipients, below those of the tier; null: none. */
  hourly: number | null;
  daily: number | null;
  /** It logs in no more, and what it has in the spool waits. */
  revoked: boolean;
  /** When, ms since the epoch. A resumption (`resumedUpTo`) that is later frees what it had in the spool. */
  revokedAt?: number;
  /** Somebody else than its owner used it: what it has in the spool is dropped. It is revoked as well. */
  stolen?: boolean;
  /** Core stopped it: what it submits is held, what it has in the spool waits. */
  paused?: boolean;
  /** Pauses that a node's breaker began up to this time (its own stamp, ms since the epoch) are over. */
  resumedUpTo?: number;
  /** Set by the node itself, never by core: its breaker stopped it. */
  breaker?: PauseCause;
};

export type DkimKeyPolicy = {
  selector: string;
  algorithm: "rsa" | "ed25519";
  /** PKCS#8 PEM, sealed to the relay's key (`platform/seal`). */
  sealed: string;
};

export type DomainPolicy = {
  name: string;
  /** `held`: its authentication is broken, its mail waits in the spool. */
  status: "active" | "held";
  /** The delegated return-path name (`bounce.<domain>`), or null while the CNAME is not there. */
  returnPath: string | null;
  /** Ms since the epoch: a domain warms up by itself, whatever the tier of its member. */
  addedAt: number;
  /** Those that sign now; in a rotation the next pair is published before it is among them. */
  keys: DkimKeyPolicy[];
};

/**
 * Where a member chose to be told by mail of what was not delivered: at one address, which core has seen to be the member's;
 * at the sender of each message, where that is an address of the member; or nowhere, for its page has it in any case.
 */
export type BounceChoice = { to: "sender" } | { to: "nobody" } | { to: "address"; address: string };

/**
 * Everything a relay node must know of one member, as core publishes it on `POLICY_TOPIC`, keyed by DID. The node
 * keeps the last one on disk: without core, a suspended member stays suspended and good mail keeps flowing.
 */
export type MemberPolicy = {
  did: string;
  /** Opaque name of the member in headers (a DID has colons). */
  handle: string;
  /** Rises with every change; an older one is ignored. */
  version: number;
  membership: Membership;
  standing: Standing;
  tier: Tier;
  joinedAt: number;
  /** Core stopped the whole member. */
  paused?: boolean;
  /** As a credential's, for pauses of the whole member and of each of its credentials. */
  resumedUpTo?: number;
  /** Set by the node itself, never by core: its breaker stopped the whole member. */
  breaker?: PauseCause;
  /** Why mail is refused or throttled: shown in SMTP replies. */
  reason: { text: string; url: string } | null;
  /** Where what becomes of its mail is told; absent: nowhere but on its page. */
  bounces?: BounceChoice;
  /** Where replies that reach a return path are sent on to: an address that core has seen to be the member's; absent: nowhere. */
  replies?: string;
  domains: DomainPolicy[];
  /** Those in use, and those that were revoked of late. */
  credentials: CredentialPolicy[];
  /** Keys (`secretKey`) of credentials that were revoked longer ago. */
  gone?: string[];
};

export const POLICY_TOPIC = "policy";
