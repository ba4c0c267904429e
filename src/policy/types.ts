/** Standing of a member: the ladder of events and standing. */
export const STANDINGS = ["good", "warned", "probation", "suspended", "ejected"] as const;
export type Standing = (typeof STANDINGS)[number];

/** Where a member is in warm-up. */
export const TIERS = ["new", "warming", "steady", "trusted"] as const;
export type Tier = (typeof TIERS)[number];

export type CredentialPolicy = {
  id: string;
  username: string;
  /** HMAC-SHA-256 of the secret under the user name, base64url. */
  hash: string;
  /** Domains that it may send as; every entry is one of the member's. */
  domains: string[];
  revoked: boolean;
  /** The breaker stopped it: what it submits is held, what it has in the spool waits. */
  paused?: boolean;
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
  keys: DkimKeyPolicy[];
};

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
  standing: Standing;
  tier: Tier;
  joinedAt: number;
  /** The breaker stopped the whole member. */
  paused?: boolean;
  /** Why mail is refused or throttled: shown in SMTP replies. */
  reason: { text: string; url: string } | null;
  domains: DomainPolicy[];
  credentials: CredentialPolicy[];
};

export const POLICY_TOPIC = "policy";
