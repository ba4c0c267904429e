import type { Membership } from "../policy/index.ts";

/** Why a request about a member was not done. */
export type MemberError =
  | { error: "not-a-member"; did: string }
  | { error: "already-a-member"; did: string }
  /** It has applied, and waits for a decision. */
  | { error: "already-applied"; did: string }
  | { error: "no-application"; did: string }
  | { error: "has-left"; did: string; membership: Membership }
  /** It is at none of its verified domains, and not the contact that it was admitted with. */
  | { error: "not-its-address"; did: string; address: string }
  /** It must leave first. */
  | { error: "not-left"; did: string }
  | { error: "domain-taken"; domain: string }
  /** `other` is a domain of another member, above or below `domain`. */
  | { error: "domain-overlaps"; domain: string; other: string }
  | { error: "domain-not-held"; domain: string }
  | { error: "too-many-credentials"; did: string; most: number }
  | { error: "credential-not-in-use"; credential: string }
  | { error: "unknown-domain"; domain: string }
  /** A next pair was made already. */
  | { error: "rotation-under-way"; domain: string }
  | { error: "no-rotation"; domain: string };
