import type { BounceChoice, MemberPolicy } from "../policy/index.ts";
import { createBounces } from "./bounces.ts";
import { createCredentialStore } from "./credential-store.ts";
import { createCredentials } from "./credentials.ts";
import type { MemberError } from "./errors.ts";
import { createKeyStore } from "./key-store.ts";
import { createMembership } from "./membership.ts";
import type { MemberOptions, MemberParts } from "./parts.ts";
import { recordsFor, type DnsRecordToPublish } from "./records.ts";
import { createRemoval } from "./removal.ts";
import { createRotations, makeKeys } from "./rotations.ts";
import type { DkimKeyRow, DomainRow } from "./schema.ts";
import { createMemberStore } from "./store.ts";

export { memberMigration } from "./schema.ts";
export type { DkimKeyRow, DomainRow, KeyState, MemberRow } from "./schema.ts";
export type { Application, ApplicationForm } from "./applications.ts";
export { isWholeSecret } from "./credential.ts";
export type { CredentialUse, CredentialView, MadeCredential, NewCredential } from "./credentials.ts";
export { describePublicKey, newDkimKey } from "./dkim-keys.ts";
export type { MemberError } from "./errors.ts";
export type { MemberOptions } from "./parts.ts";
export { lookForRecords, type AskAuthority, type Diagnosis, type Published } from "./published.ts";
export type { DomainRemoval } from "./removal.ts";
export { proofRecord, type DnsRecordToPublish } from "./records.ts";
export { vouchRefusal, type OwnVouch, type Vouch, type VouchRefusal } from "./vouches.ts";
export type { Rotation } from "./rotations.ts";

export type Members = ReturnType<typeof createMembers>;

/** The registry: who belongs, which domains they hold, with which keys and credentials they send. */
export function createMembers(options: MemberOptions) {
  const store = createMemberStore(options.db);
  const keyStore = createKeyStore(options.db);
  const listeners = new Set<(did: string) => void>();
  const parts: MemberParts = {
    ...options,
    store,
    keyStore,
    credentialStore: createCredentialStore(options.db),
    changed: (did) => listeners.forEach((listen) => listen(did)),
  };
  const { changed } = parts;
  const { credentialPolicies, ...credentials } = createCredentials(parts);

  function conflict(did: string, domain: string): MemberError | undefined {
    if (store.domain(domain)) return { error: "domain-taken", domain };
    const other = store.overlapping(domain, did)?.name;
    return other === undefined ? undefined : { error: "domain-overlaps", domain, other };
  }

  const liveKeys = (domain: string) => keyStore.keysOf(domain).filter((key) => key.state !== "retired");

  const membership = createMembership(parts);
  const bounces = createBounces(parts, membership.applications);

  return {
    ...membership,
    ...bounces,
    ...credentials,
    ...createRotations(parts),
    ...createRemoval(parts, credentials.credentialsOf),

    /** Called with the DID after every change of a member, their domains or credentials. */
    onChange: (listen: (did: string) => void) => void listeners.add(listen),

    /**
     * Makes the domain's keys; it may send once its records are published and its checks pass. Whoever holds a domain
     * sends for its subdomains, so members' domains do not lie within each other's.
     */
    async addDomain(
      did: string,
      domain: string,
    ): Promise<{ records: DnsRecordToPublish[]; keys: DkimKeyRow[] } | MemberError> {
      const refusal = (): MemberError | undefined => {
        const member = store.member(did);
        if (!member) return { error: "not-a-member", did };
        if (member.membership === "left") return { error: "has-left", did, membership: member.membership };
        return conflict(did, domain);
      };
      const before = refusal();
      if (before) return before;
      const keys = await makeKeys(parts, domain, "active");
      const taken = store.transaction(() => {
        const meanwhile = refusal();
        if (meanwhile) return meanwhile;
        store.insertDomain({
          name: domain,
          did,
          status: "held",
          return_path: null,
          added_at: options.clock.now(),
        });
        keys.forEach((key) => keyStore.insertKey(key));
        return undefined;
      });
      if (taken) return taken;
      changed(did);
      return { keys, records: recordsFor(did, domain, keys, options) };
    },

    /** The records that the owner of a domain publishes: with those of a rotation that is under way. */
    recordsFor: (did: string, domain: string) => recordsFor(did, domain, liveKeys(domain), options),

    /** `held` while the domain's authentication is broken. */
    setDomainStatus(domain: string, status: DomainRow["status"]): void {
      const row = store.domain(domain);
      if (row && store.setDomainStatus(domain, status)) changed(row.did);
    },

    /** The delegated return-path name, or null while the delegation is not seen. */
    setReturnPath(domain: string, returnPath: string | null): void {
      const row = store.domain(domain);
      if (row && store.setReturnPath(domain, returnPath)) changed(row.did);
    },

    get: (did: string) => store.member(did),
    /** Members, applicants and those who have left. */
    list: () => store.members(),
    domain: (name: string) => store.domain(name),
    domainsOf: (did: string) => store.domainsOf(did),
    /** Keys whose records belong in the DNS: of the next pair, of the one that signs, of those that have signed of late. */
    keysOf: liveKeys,
    /** Those, and retired ones whose record was not yet seen to be gone. */
    allKeysOf: (domain: string) => keyStore.keysOf(domain),

    /** What relay nodes must know of a member's domains and credentials, and of where it is told of its mail. */
    sendingRights(
      did: string,
    ): Pick<MemberPolicy, "bounces" | "replies" | "domains" | "credentials" | "gone"> {
      const member = store.member(did);
      const replies = member ? bounces.repliesOf(member) : null;
      const chosen: BounceChoice = member ? bounces.bouncesOf(member) : { to: "nobody" };
      return {
        ...(chosen.to !== "nobody" && { bounces: chosen }),
        ...(replies !== null && { replies }),
        domains: store.domainsOf(did).map((row) => ({
          name: row.name,
          status: row.status,
          returnPath: row.return_path,
          addedAt: row.added_at,
          keys: keyStore
            .keysOf(row.name)
            .filter((key) => key.state === "active")
            .map(({ selector, algorithm, sealed }) => ({ selector, algorithm, sealed })),
        })),
        ...credentialPolicies(did),
      };
    },
  };
}
