import type { SuppressionReason, SuppressionStreams } from "../suppression/index.ts";
import type { Who } from "./view.ts";

/** One address to which nothing is sent. The pages know its domain, and its first letter as long as the spool does. */
export type SuppressedRecipient = {
  id: number;
  /** It binds every member, not this one alone. */
  pool: boolean;
  streams: SuppressionStreams;
  reason: SuppressionReason;
  /** `b…@example.com`, or the domain alone, or empty. */
  address: string;
  domain: string;
  since: number;
  until: number | null;
  /** Who put it on the list, when it was a person; otherwise empty. */
  by: string;
  /** Code and words of the other side; empty: there are none. The page masks addresses. */
  words: string;
  provider: string;
};

/** What came of looking for an address: `address` is masked. */
export type SuppressionSearch =
  | { found: "no-address"; asked: string }
  /** This process has no relay role, and so nothing to hash addresses with. */
  | { found: "no-key" }
  | { found: "nothing"; address: string }
  | { found: "entries"; address: string; entries: SuppressedRecipient[] };

export type SuppressionPage = {
  asOf: number;
  /** Newest first, one page. */
  entries: SuppressedRecipient[];
  /** `before` of the next page. */
  next: number | null;
  /** Of all in force, by reason. */
  counts: { reason: SuppressionReason; n: number }[];
};

export type MemberSuppressions = SuppressionPage & { did: string; domain: string };
export type PoolSuppressions = SuppressionPage & {
  members: { did: string; domain: string; n: number; reasons: { reason: SuppressionReason; n: number }[] }[];
};

/** What the pages of suppressed recipients ask for, and what their forms do. */
export interface SuppressionPages {
  /** Null when the DID is no member. */
  ofMember(did: string, before?: number): Promise<MemberSuppressions | null>;
  ofPool(before?: number): Promise<PoolSuppressions>;
  /** For a member: what binds it. Without: what is in force at all. */
  find(address: string, did?: string): Promise<SuppressionSearch>;
  /** For a member, or (null) the pool's entry itself. False: nothing of this number is in force there. */
  release(did: string | null, id: number, who: Who): Promise<boolean>;
}
