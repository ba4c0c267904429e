import type { Tier } from "../policy/index.ts";
import type { Ending } from "../standing/index.ts";
import type { LabelExplanation } from "./view-label.ts";
import type { MemberView } from "./view-member.ts";
import type { CommitteeOverview, PublicOverview } from "./view-pool.ts";

/**
 * What the pages show. Instants are milliseconds since the epoch, shares are between 0 and 1, days are `YYYY-MM-DD`
 * in UTC. Every list is already bounded and sorted by whoever fills it in; newest first unless it says otherwise.
 */
export { RECIPIENT_STATES, type RecipientState } from "../spool/index.ts";
export type * from "./view-delivery.ts";
export type * from "./view-dns.ts";
export type { EgressView, MeasureLine, WaitingAt } from "./view-egress.ts";
export type * from "./view-label.ts";
export type * from "./view-mail.ts";
export type * from "./view-member.ts";
export type * from "./view-pool.ts";
export type * from "./view-portal.ts";

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
  decideApplication(
    did: string,
    /** `application`: the one that was read, which may have been decided since, and followed by another. */
    decision: { application: number; approve: boolean; tier: Tier; words: string; by: string },
  ): Promise<ActionResult>;
}
