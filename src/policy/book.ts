import { chargeOf, type Charge } from "./decide.ts";
import { giveBack, limitsOf, settledState, take, type BucketName, type LimitState } from "./limits.ts";
import type { LimitRow } from "./store.ts";
import type { CredentialPolicy, MemberPolicy } from "./types.ts";

/** Where the book is kept; the spool's writer is one. */
export interface PolicyStore {
  loadPolicies(): Promise<{ policies: MemberPolicy[]; limits: LimitRow[] }>;
  savePolicy(policy: MemberPolicy): Promise<void>;
}

/** What was taken from a member's limits, to be kept (`limitRows`) or given back. */
type Receipt = { did: string; charge: Charge };

export interface PolicyBook {
  byDid(did: string): MemberPolicy | undefined;
  byUsername(username: string): { member: MemberPolicy; credential: CredentialPolicy } | undefined;
  all(): MemberPolicy[];
  /**
   * Takes effect at once, and is on disk when it resolves. False when it was known already. Rejects when it could not be
   * written: the same policy again, or an older one, tries that again.
   */
  apply(policy: MemberPolicy): Promise<boolean>;
  limits(did: string, now: number): LimitState;
  /** Takes `recipients` from the member's limits, or undefined when they are used up. Never yields: no race. */
  consume(
    member: MemberPolicy,
    credential: CredentialPolicy,
    recipients: number,
    now: number,
  ): Receipt | undefined;
  refund(receipt: Receipt): void;
  /** The state to write in the transaction that accepts. */
  limitRows(did: string): LimitRow[];
  /** Called at once after each change. Returns how to stop. */
  onChange(listener: (policy: MemberPolicy) => void): () => void;
}

/** The policies that a relay node knows, in memory; decisions never wait for a disk or for core. */
export async function createPolicyBook(store: PolicyStore): Promise<PolicyBook> {
  const members = new Map<string, MemberPolicy>();
  const usernames = new Map<string, string>();
  const limits = new Map<string, LimitState>();
  const listeners = new Set<(policy: MemberPolicy) => void>();
  /** Version of each policy that the store has. */
  const onDisk = new Map<string, number>();

  function put(policy: MemberPolicy): void {
    const before = members.get(policy.did);
    for (const { username } of before?.credentials ?? []) {
      if (usernames.get(username) === policy.did) usernames.delete(username);
    }
    members.set(policy.did, policy);
    for (const { username } of policy.credentials) usernames.set(username, policy.did);
  }

  async function keep(policy: MemberPolicy): Promise<void> {
    const { did, version } = policy;
    if ((onDisk.get(did) ?? -Infinity) >= version) return;
    await store.savePolicy(policy);
    onDisk.set(did, Math.max(onDisk.get(did) ?? version, version));
  }

  function limitsAt(did: string, now: number): LimitState {
    const state = limits.get(did);
    const member = members.get(did);
    if (!state || !member) return state ?? {};
    const settled = settledState(limitsOf(member), state, now);
    limits.set(did, settled);
    return settled;
  }

  const saved = await store.loadPolicies();
  for (const policy of saved.policies) {
    put(policy);
    onDisk.set(policy.did, policy.version);
  }
  for (const { did, bucket, tat } of saved.limits) limits.set(did, { ...limits.get(did), [bucket]: tat });

  return {
    byDid: (did) => members.get(did),
    byUsername(username) {
      const member = members.get(usernames.get(username) ?? "");
      const credential = member?.credentials.find((c) => c.username === username);
      return member && credential && { member, credential };
    },
    all: () => [...members.values()],
    async apply(policy) {
      const known = members.get(policy.did);
      const stale = known !== undefined && known.version >= policy.version;
      const latest = stale ? known : policy;
      if (!stale) put(policy);
      const kept = keep(latest);
      if (!stale) for (const listener of listeners) listener(policy);
      await kept;
      return !stale;
    },
    limits: limitsAt,
    consume(member, credential, recipients, now) {
      const charge = chargeOf(member, credential, recipients);
      const result = take(charge.buckets, limitsAt(member.did, now), now, charge.cost);
      if (!result.ok) return undefined;
      limits.set(member.did, result.state);
      return { did: member.did, charge };
    },
    refund({ did, charge }) {
      limits.set(did, giveBack(charge.buckets, limits.get(did) ?? {}, charge.cost));
    },
    limitRows(did) {
      const state = limits.get(did) ?? {};
      return (Object.entries(state) as [BucketName, number][]).map(([bucket, tat]) => ({ did, bucket, tat }));
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
