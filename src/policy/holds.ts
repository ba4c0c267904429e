import { domainOf } from "./domains.ts";
import type { DecisionReason, PauseCause } from "./outcomes.ts";
import type { CredentialPolicy, DomainPolicy, MemberPolicy } from "./types.ts";

/** Why mail waits: the name of the outcome, and who frees it. */
export type PolicyHold = {
  reason: Extract<
    DecisionReason,
    "suspended" | "ejected" | "left" | "applicant" | "revoked" | "paused" | "domain-held" | PauseCause
  >;
  owner: "policy" | "breaker";
};

/** Why what this credential sends from this domain waits, of those who may submit at all. */
export function holdOf(
  member: MemberPolicy,
  domain: DomainPolicy | undefined,
  credential: CredentialPolicy | undefined,
): PolicyHold | undefined {
  const cause = credential?.breaker ?? member.breaker;
  if (cause) return { reason: cause, owner: "breaker" };
  if (member.paused || credential?.paused) return { reason: "paused", owner: "policy" };
  if (domain?.status === "held") return { reason: "domain-held", owner: "policy" };
  return undefined;
}

/** Why what is in the spool may not go out now; undefined: it may. `credentialId` null: mail of the relay itself. */
export function whyHeld(
  member: MemberPolicy,
  fromDomain: string,
  credentialId: string | null,
): PolicyHold | undefined {
  const { standing, membership } = member;
  if (standing === "suspended" || standing === "ejected") return { reason: standing, owner: "policy" };
  if (membership !== "member") return { reason: membership, owner: "policy" };
  const credential = member.credentials.find(({ id }) => id === credentialId);
  // No pause that ends and no person lets it go: it is dropped.
  if (credential?.stolen) return { reason: "revoked", owner: "policy" };
  const domain = domainOf(member, fromDomain);
  const hold = holdOf(member, domain, credential);
  if (hold) return hold;
  // One that the policy does not name is gone.
  if (credential ? isRevoked(credential) : credentialId !== null)
    return { reason: "revoked", owner: "policy" };
  return domain ? undefined : { reason: "domain-held", owner: "policy" };
}

/** What a revoked credential left in the spool goes out only by a resumption that came with the revocation or later. */
function isRevoked({ revoked, revokedAt = 0, resumedUpTo }: CredentialPolicy): boolean {
  return revoked && (resumedUpTo === undefined || resumedUpTo < revokedAt);
}
