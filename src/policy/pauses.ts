import type { PauseCause } from "./outcomes.ts";
import type { MemberPolicy } from "./types.ts";

/** A pause that this node's breaker began, until the policy says that it is over. */
export type Pause = {
  did: string;
  /** Null: every credential of the member. */
  credential: string | null;
  cause: PauseCause;
  /** Ms since the epoch; a resumption up to this time or a later one ends it. */
  at: number;
};

/** A person or a rule said yes: to one credential, or (null) to the member and all of them. */
export type Resumption = { did: string; credential: string | null; upTo: number };

/** Does the policy say that this pause is over? */
export function isLifted({ credential, at }: Pause, policy: MemberPolicy): boolean {
  const own = policy.credentials.find(({ id }) => id === credential)?.resumedUpTo;
  return Math.max(own ?? -Infinity, policy.resumedUpTo ?? -Infinity) >= at;
}

/** Does the policy know the credential? Of one that it does not know nothing leaves, paused or not. */
export function names(policy: MemberPolicy, credential: string): boolean {
  return policy.credentials.some(({ id }) => id === credential);
}

/** Is it about a credential that is long gone? */
export function isObsolete({ credential }: Pause, policy: MemberPolicy): boolean {
  return credential !== null && !names(policy, credential);
}

/** The policy as it counts on this node: with what its breaker stopped. */
export function withPauses(policy: MemberPolicy, pauses: readonly Pause[]): MemberPolicy {
  const open = pauses.filter((pause) => !isLifted(pause, policy));
  if (open.length === 0) return policy;
  const causeOf = (id: string | null) => open.find(({ credential }) => credential === id)?.cause;
  const whole = causeOf(null);
  return {
    ...policy,
    ...(whole ? { breaker: whole } : {}),
    credentials: policy.credentials.map((credential) => {
      const cause = causeOf(credential.id);
      return cause ? { ...credential, breaker: cause } : credential;
    }),
  };
}

function rose(earlier: number | undefined, now: number | undefined): now is number {
  return now !== undefined && now > (earlier ?? -Infinity);
}

/** What `next` resumes that `before` had not. */
export function resumptions(before: MemberPolicy | undefined, next: MemberPolicy): Resumption[] {
  const { did } = next;
  const found: Resumption[] = [];
  if (rose(before?.resumedUpTo, next.resumedUpTo)) {
    found.push({ did, credential: null, upTo: next.resumedUpTo });
  }
  for (const { id, resumedUpTo } of next.credentials) {
    const earlier = before?.credentials.find((credential) => credential.id === id)?.resumedUpTo;
    if (rose(earlier, resumedUpTo)) found.push({ did, credential: id, upTo: resumedUpTo });
  }
  return found;
}
