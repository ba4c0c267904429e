import { DAY_MS, type Clock } from "../lib/clock.ts";
import { claimsOf, type ProofClaims } from "../protocol/proof/index.ts";
import { KEPT_MS } from "./core/retention.ts";
import type { Core } from "./core/index.ts";
import type { Labeler } from "./labeler.ts";

export type ProofRefusal = { error: "NotAMember" | "NotYetAMember" | "NotHere"; message: string };
export type ProofDesk = ReturnType<typeof createProofDesk>;

type ProofParts = {
  core: Pick<Core, "members" | "standings" | "evidence">;
  labeler: Labeler | undefined;
  clock: Clock;
  /** Of the pool: who vouches. */
  domain: string;
};

const COMPLAINT_DAYS = 90;
const MOST_CHANGES = 10_000;

/** Signs what is known of a member's reputation, as its page, the API and the command line give it. */
export function createProofDesk({ core, labeler, clock, domain }: ProofParts) {
  const { members, standings, evidence } = core;
  return {
    /** A JWS in compact form, and what it says. Who has left has one too: it is for going elsewhere. */
    async of(did: string): Promise<{ proof: string; claims: ProofClaims } | ProofRefusal> {
      const member = members.get(did);
      if (!member) return { error: "NotAMember", message: `${did} is not a member here.` };
      const { approved_at: approvedAt, left_at: leftAt, tier } = member;
      if (approvedAt === null || member.membership === "applicant")
        return {
          error: "NotYetAMember",
          message: "There is no reputation to prove yet: the application waits for a decision.",
        };
      if (!labeler)
        return {
          error: "NotHere",
          message: "The labeler, whose key signs proofs, does not run in this process: ask where it runs.",
        };
      const asOf = clock.now();
      const keptFrom = asOf - KEPT_MS.events;
      const { standing, since } = standings.state(did);
      const changes = standings.changesOf(did, MOST_CHANGES);
      const bounces = evidence.bounces(did, asOf);
      const complaints = evidence.complaints(did, asOf, COMPLAINT_DAYS);
      const claims = claimsOf({
        iss: labeler.labels.did,
        sub: did,
        asOf,
        cooperative: domain,
        membership: { state: member.membership, approvedAt, leftAt, tier },
        standing: { current: standing, since },
        changes,
        keptFrom,
        days: evidence.volumes(Math.floor(keptFrom / DAY_MS), did),
        bounces,
        complaints,
        labels: labeler.labels
          .inForceOf(did)
          .map(({ label, since: stands }) => ({ val: label.val, uri: label.uri, since: stands })),
      });
      return { proof: await labeler.labels.prove(claims), claims };
    },
  };
}
