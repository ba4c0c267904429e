import { probeName, type Charge } from "./charge.ts";
import { createCounters, type Receipt } from "./counters.ts";
import { secretKey } from "./credential.ts";
import { planOf, type DecideInput, type Decision } from "./decide.ts";
import { LEASE_OPEN, type LimitState, type PoolLimits } from "./limits.ts";
import {
  isLifted,
  isObsolete,
  names,
  resumptions,
  withPauses,
  type Pause,
  type Resumption,
} from "./pauses.ts";
import type { LimitRow } from "./store.ts";
import type { CredentialPolicy, MemberPolicy } from "./types.ts";

/** Where the book is kept; the spool's writer is one. */
export interface PolicyStore {
  loadPolicies(): Promise<{ policies: MemberPolicy[]; limits: LimitRow[]; pauses: Pause[] }>;
  savePolicy(policy: MemberPolicy): Promise<void>;
  savePause(pause: Pause): Promise<void>;
}

export interface PolicyBook {
  /** As `createPolicyBook` got them, for `decide`. */
  readonly poolLimits: PoolLimits;
  /** The policies of members carry what this node's breaker stopped (`breaker`). */
  byDid(did: string): MemberPolicy | undefined;
  byUsername(username: string): { member: MemberPolicy; credential: CredentialPolicy } | undefined;
  /**
   * Whether this was a credential, so long ago that the policy has only its key: by its user name, which begins with the
   * handle of its member, or by the DID.
   */
  isGone(login: ({ username: string } | { did: string }) & { secret: string }): boolean;
  all(): MemberPolicy[];
  /**
   * Takes effect at once, and is on disk when it resolves. False when it was known already. Rejects when it could not be
   * written: the same policy again, or an older one, tries that again.
   */
  apply(policy: MemberPolicy): Promise<boolean>;
  /** Of the member and of the pool, for `decide`. */
  limits(did: string, now: number): LimitState;
  /** First-time recipients that the credential reached with unseen templates since the last yes, for `decide`. */
  probe(did: string, credentialId: string): number;
  /** What was spent for the member and core has not settled (`LEASE_OPEN`). */
  leaseOpen(did: string): number;
  /** Core has settled so many. */
  settleLease(did: string, units: number): void;
  /** So many of them do not count any more: their template became known, or a week went by without a bounce. */
  forgive(did: string, credentialId: string, count: number): void;
  /**
   * Takes what an accepting or holding decision takes, from all of its limits or from none; undefined when they changed
   * since. Never yields: between `decide` and this nothing may be awaited.
   */
  consume(input: DecideInput): { decision: Decision; receipt: Receipt; waitMs: number } | undefined;
  /** What was taken for did not happen. */
  refund(receipt: Receipt): void;
  /** The state to write in the transaction that accepts; to be asked for when it is handed over, not before. */
  limitRows(receipt: Receipt): LimitRow[];
  /** Takes effect at once, and is on disk when it resolves. False when it was paused (or resumed later) already. */
  pause(pause: Pause): Promise<boolean>;
  /** Called at once after each change of what a member may do. Returns how to stop. */
  onChange(listener: (policy: MemberPolicy) => void): () => void;
  /** Called when a person or a rule said yes: its templates are known from now on. Returns how to stop. */
  onResume(listener: (resumption: Resumption) => void): () => void;
}

/** The policies that a relay node knows, in memory; decisions never wait for a disk or for core. */
export async function createPolicyBook(store: PolicyStore, poolLimits: PoolLimits = {}): Promise<PolicyBook> {
  /** As core published them, and as they count here. */
  const published = new Map<string, MemberPolicy>();
  const members = new Map<string, MemberPolicy>();
  const pauses = new Map<string, Pause[]>();
  const usernames = new Map<string, string>();
  const handles = new Map<string, string>();
  const changeListeners = new Set<(policy: MemberPolicy) => void>();
  const resumeListeners = new Set<(resumption: Resumption) => void>();
  /** Version of each policy that the store has. */
  const onDisk = new Map<string, number>();

  function put(policy: MemberPolicy): void {
    const { did } = policy;
    for (const { username } of published.get(did)?.credentials ?? []) {
      if (usernames.get(username) === did) usernames.delete(username);
    }
    published.set(did, policy);
    handles.set(policy.handle, did);
    for (const { username } of policy.credentials) usernames.set(username, did);
    merge(policy);
  }

  function merge(policy: MemberPolicy): MemberPolicy {
    const { did } = policy;
    const open = (pauses.get(did) ?? []).filter(
      (pause) => !isLifted(pause, policy) && !isObsolete(pause, policy),
    );
    if (open.length > 0) pauses.set(did, open);
    else pauses.delete(did);
    const merged = withPauses(policy, open);
    members.set(did, merged);
    return merged;
  }

  async function keep(policy: MemberPolicy): Promise<void> {
    const { did, version } = policy;
    if ((onDisk.get(did) ?? -Infinity) >= version) return;
    await store.savePolicy(policy);
    onDisk.set(did, Math.max(onDisk.get(did) ?? version, version));
  }

  const saved = await store.loadPolicies();
  for (const pause of saved.pauses) pauses.set(pause.did, [...(pauses.get(pause.did) ?? []), pause]);
  for (const policy of saved.policies) {
    put(policy);
    onDisk.set(policy.did, policy.version);
  }
  const counters = createCounters(saved.limits);

  function promise(charges: readonly Charge[], sign: 1 | -1, now: number): void {
    for (const { promisedTo, cost } of charges)
      if (promisedTo !== undefined) poolLimits.promised?.(promisedTo, sign * cost, now);
  }

  /** After a yes the counts of the breaker begin anew, and the room for held mail is free. */
  function resume(before: MemberPolicy | undefined, policy: MemberPolicy): void {
    const { did } = policy;
    for (const resumption of resumptions(before, policy)) {
      for (const { id } of policy.credentials) {
        if (resumption.credential === null || resumption.credential === id) {
          counters.set(did, probeName(id), 0);
        }
      }
      for (const listener of resumeListeners) listener(resumption);
    }
    for (const { id } of before?.credentials ?? []) {
      if (!names(policy, id)) counters.set(did, probeName(id), 0);
    }
    if (before && isFreed(before, policy)) counters.set(did, "held", 0);
  }

  return {
    poolLimits,
    byDid: (did) => members.get(did),
    byUsername(username) {
      const member = members.get(usernames.get(username) ?? "");
      const credential = member?.credentials.find((c) => c.username === username);
      return member && credential && { member, credential };
    },
    isGone(login) {
      const did = "did" in login ? login.did : handles.get(login.username.split("-")[0]!);
      const keys = members.get(did ?? "")?.gone;
      return keys !== undefined && keys.includes(secretKey(did!, login.secret));
    },
    all: () => [...members.values()],
    async apply(policy) {
      const known = published.get(policy.did);
      const stale = known !== undefined && known.version >= policy.version;
      const latest = stale ? known : policy;
      if (!stale) put(policy);
      const kept = keep(latest);
      if (!stale) {
        resume(known, policy);
        for (const listener of changeListeners) listener(members.get(policy.did) ?? policy);
      }
      await kept;
      return !stale;
    },
    limits: (did, now) => counters.view(did, now),
    probe: (did, credentialId) => counters.get(did, probeName(credentialId)),
    leaseOpen: (did) => counters.get(did, LEASE_OPEN),
    settleLease(did, units) {
      counters.set(did, LEASE_OPEN, Math.max(0, counters.get(did, LEASE_OPEN) - units));
    },
    forgive(did, credentialId, count) {
      const name = probeName(credentialId);
      counters.set(did, name, Math.max(0, counters.get(did, name) - count));
    },
    consume(input) {
      const { member, credential, now } = input;
      const { did } = member;
      const probe = counters.get(did, probeName(credential.id));
      const facts = input.facts && { ...input.facts, probe };
      const plan = planOf({ ...input, facts, limits: counters.view(did, now), poolLimits });
      if ("refusal" in plan) return undefined;
      const { decision, waitMs, charges, state } = plan;
      promise(charges, 1, now);
      const receipt = counters.take(did, charges, state, now);
      poolLimits.lease?.spent(did, now);
      return { decision, receipt, waitMs };
    },
    refund(receipt) {
      counters.giveBack(receipt);
      promise(receipt.charges, -1, receipt.at);
    },
    limitRows: (receipt) => counters.rows(receipt),
    async pause(pause) {
      const policy = published.get(pause.did);
      if (!policy || isLifted(pause, policy)) return false;
      const open = pauses.get(pause.did) ?? [];
      const known = open.find(({ credential }) => credential === pause.credential);
      if (!known) {
        pauses.set(pause.did, [...open, pause]);
        const merged = merge(policy);
        for (const listener of changeListeners) listener(merged);
      }
      await store.savePause(known ?? pause);
      return known === undefined;
    },
    onChange: (listener) => subscribe(changeListeners, listener),
    onResume: (listener) => subscribe(resumeListeners, listener),
  };
}

function subscribe<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const freed = (was: boolean | undefined, is: boolean | undefined) => was === true && is !== true;

/** Does `after` let go what `before` held? */
function isFreed(before: MemberPolicy, after: MemberPolicy): boolean {
  return (
    resumptions(before, after).length > 0 ||
    freed(before.paused, after.paused) ||
    before.credentials.some(({ id, paused }) => {
      const now = after.credentials.find((credential) => credential.id === id);
      return now !== undefined && freed(paused, now.paused);
    }) ||
    before.domains.some(
      ({ name, status }) =>
        status === "held" && after.domains.find((domain) => domain.name === name)?.status === "active",
    )
  );
}
