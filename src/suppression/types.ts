/** Why nothing is sent to an address. The first three come from bounces, and end by themselves. */
export const SUPPRESSION_REASONS = [
  "bad-mailbox",
  "inactive",
  "bad-domain",
  "complaint",
  "unsubscribe",
  "manual",
  "import",
] as const;
export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];

/** `bulk`: who has unsubscribed from a newsletter still gets a login code. */
export const SUPPRESSION_STREAMS = ["all", "bulk"] as const;
export type SuppressionStreams = (typeof SUPPRESSION_STREAMS)[number];

/** What the other side said. `text` has no addresses. */
export type SuppressionEvidence = { code: number; enhanced: string; text: string; provider: string };

export type NewSuppression = {
  /** Whom it binds; null: every member of the pool. */
  did: string | null;
  streams: SuppressionStreams;
  /** The keyed hash that stands for the address in events. The address is not kept. */
  key: string;
  /** Of the address; empty where only the hash is known. */
  domain: string;
  reason: SuppressionReason;
  /** The `dedupe_key` of the event, or who did it. */
  source: string;
  /** Ms since the epoch; null: until it is released. */
  createdAt: number;
  expiresAt: number | null;
  evidence: SuppressionEvidence | null;
  /** The message that came back, in the spool, as long as that knows it. */
  messageId: string | null;
  /** A member's release of what binds the whole pool: this member alone may write. */
  exempt?: boolean;
};

export type Suppression = Required<NewSuppression> & {
  id: number;
  /** Rises with every change of any entry, and is no lower than the time in ms. */
  version: number;
  releasedAt: number | null;
  /** Who lifted it, or what. */
  releasedBy: string | null;
};

/** An entry as relay nodes hold it, as core publishes it on `SUPPRESSION_TOPIC`. */
export type ToldSuppression = Pick<
  Suppression,
  "did" | "streams" | "key" | "domain" | "reason" | "createdAt" | "expiresAt" | "exempt" | "version"
> & {
  id: number;
  /** Code and words of the other side in one line, or empty. */
  words: string;
  /** False: it was released. */
  open: boolean;
};

/**
 * Core was put back from a backup and has lost the versions after `after`: what a node has of them, up to `upTo`, is
 * forgotten, and all of the list is told again.
 */
export type SuppressionRecall = { recall: { after: number; upTo: number } };

/** Core to relay nodes: `ToldSuppression` or `SuppressionRecall`. */
export const SUPPRESSION_TOPIC = "suppression";
/** A relay node to core, at its start: `{knows}`, the highest version that it has. */
export const SUPPRESSION_ASK_TOPIC = "suppression.ask";
/**
 * A relay node to core: `{did, key, by, seen}`, a member's release through the HTTP API of what it saw; `seen`: the highest
 * version among that. What came later stays.
 */
export const SUPPRESSION_RELEASE_TOPIC = "suppression.release";
