import type { Clock } from "../lib/clock.ts";
import { randomId, type RandomBytes } from "../lib/ids.ts";
import type { Database } from "../platform/database.ts";
import { seal, type SealingKey } from "../platform/seal.ts";
import { STREAMS, type CredentialPolicy, type DomainPolicy, type Tier } from "../policy/index.ts";
import { mintCredential } from "./credential.ts";
import { newDkimKeys } from "./dkim-keys.ts";
import { createMemberStore, type DkimKeyRow, type DomainRow, type MemberRow } from "./store.ts";

export { memberMigration } from "./store.ts";
export type { DkimKeyRow, DomainRow, MemberRow } from "./store.ts";
export { describePublicKey, newDkimKey } from "./dkim-keys.ts";

/** One record that the owner of a domain publishes. */
export type DnsRecordToPublish = { name: string; type: "TXT" | "CNAME"; value: string; purpose: string };

export type MemberError =
  | { error: "not-a-member"; did: string }
  | { error: "already-a-member"; did: string }
  | { error: "domain-taken"; domain: string }
  /** `other` is a domain of another member, above or below `domain`. */
  | { error: "domain-overlaps"; domain: string; other: string }
  | { error: "domain-not-held"; domain: string };

export type Members = ReturnType<typeof createMembers>;

export type MemberOptions = {
  db: Database;
  clock: Clock;
  random: RandomBytes;
  /** Members' DKIM keys are sealed to the relay as soon as they are made. */
  sealTo: SealingKey;
  /** Name under which the pool receives bounces; members delegate `bounce.<domain>` to it. */
  returnPathHost: string;
  /** The name that members include in their SPF record. */
  spfInclude: string;
};

/** The registry: who belongs, which domains they hold, with which keys and credentials they send. */
export function createMembers(options: MemberOptions) {
  const { db, clock, random, sealTo } = options;
  const store = createMemberStore(db);
  const listeners = new Set<(did: string) => void>();
  const changed = (did: string) => listeners.forEach((listen) => listen(did));

  function conflict(did: string, domain: string): MemberError | undefined {
    if (store.domain(domain)) return { error: "domain-taken", domain };
    const other = store.overlapping(domain, did)?.name;
    return other === undefined ? undefined : { error: "domain-overlaps", domain, other };
  }

  return {
    /** Called with the DID after every change of a member, their domains or credentials. */
    onChange: (listen: (did: string) => void) => void listeners.add(listen),

    join(did: string, name: string, tier: Tier = "new"): MemberRow | MemberError {
      if (store.member(did)) return { error: "already-a-member", did };
      const row: MemberRow = {
        did,
        handle: randomId(5, random),
        name,
        tier,
        joined_at: clock.now(),
        left_at: null,
      };
      store.insertMember(row);
      changed(did);
      return row;
    },

    setTier(did: string, tier: Tier): void {
      store.setTier(did, tier);
      changed(did);
    },

    /**
     * Makes the domain's keys; it may send once its records are published and its checks pass. Whoever holds a domain
     * sends for its subdomains, so members' domains do not lie within each other's.
     */
    async addDomain(
      did: string,
      domain: string,
    ): Promise<{ records: DnsRecordToPublish[]; keys: DkimKeyRow[] } | MemberError> {
      if (!store.member(did)) return { error: "not-a-member", did };
      const before = conflict(did, domain);
      if (before) return before;
      const fresh = await newDkimKeys(`atms${randomId(3, random)}`);
      const keys: DkimKeyRow[] = [];
      for (const { privatePem, ...key } of fresh)
        keys.push({ ...key, domain, sealed: await seal(sealTo, privatePem) });
      const now = clock.now();
      const taken = store.transaction(() => {
        const meanwhile = conflict(did, domain);
        if (meanwhile) return meanwhile;
        store.insertDomain({ name: domain, did, status: "held", return_path: null, added_at: now });
        for (const key of keys) store.insertKey(key, now);
        return undefined;
      });
      if (taken) return taken;
      changed(did);
      return { keys, records: recordsFor(did, domain, keys, options) };
    },

    /** The records that the owner of a domain publishes. */
    recordsFor: (did: string, domain: string) => recordsFor(did, domain, store.keysOf(domain), options),

    /** The secret is shown once: only its hash is kept. */
    createCredential(
      did: string,
      domains: string[],
    ): { id: string; username: string; secret: string } | MemberError {
      const member = store.member(did);
      if (!member) return { error: "not-a-member", did };
      const held = new Set(store.domainsOf(did).map((row) => row.name));
      const stranger = domains.find((domain) => !held.has(domain));
      if (stranger !== undefined || domains.length === 0)
        return { error: "domain-not-held", domain: stranger ?? "" };
      const { username, secret, hash } = mintCredential(member.handle, random);
      const id = randomId(8, random);
      store.insertCredential({
        id,
        did,
        username,
        hash,
        domains: JSON.stringify(domains),
        created_at: clock.now(),
        revoked_at: null,
      });
      changed(did);
      return { id, username, secret };
    },

    revokeCredential(did: string, id: string): boolean {
      const revoked = store.revokeCredential(id, clock.now());
      if (revoked) changed(did);
      return revoked;
    },

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
    list: () => store.members(),
    domain: (name: string) => store.domain(name),
    domainsOf: (did: string) => store.domainsOf(did),
    credentialsOf: (did: string) => store.credentialsOf(did),
    keysOf: (domain: string) => store.keysOf(domain),

    /** What relay nodes must know of a member's domains and credentials. */
    sendingRights(did: string): { domains: DomainPolicy[]; credentials: CredentialPolicy[] } {
      return {
        domains: store.domainsOf(did).map((row) => ({
          name: row.name,
          status: row.status,
          returnPath: row.return_path,
          addedAt: row.added_at,
          keys: store
            .keysOf(row.name)
            .map(({ selector, algorithm, sealed }) => ({ selector, algorithm, sealed })),
        })),
        credentials: store.credentialsOf(did).map((row) => ({
          id: row.id,
          username: row.username,
          hash: row.hash,
          domains: JSON.parse(row.domains) as string[],
          streams: [...STREAMS],
          hourly: null,
          daily: null,
          revoked: row.revoked_at !== null,
        })),
      };
    },
  };
}

function recordsFor(
  did: string,
  domain: string,
  keys: readonly DkimKeyRow[],
  { returnPathHost, spfInclude }: Pick<MemberOptions, "returnPathHost" | "spfInclude">,
): DnsRecordToPublish[] {
  return [
    {
      name: `_email-attestation.${domain}`,
      type: "TXT",
      value: `did=${did}`,
      purpose: "proves that you control the domain",
    },
    ...keys.map((key) => ({
      name: `${key.selector}._domainkey.${domain}`,
      type: "TXT" as const,
      value: key.txt,
      purpose: `verifies your ${key.algorithm === "rsa" ? "RSA" : "Ed25519"} DKIM signature`,
    })),
    {
      name: `bounce.${domain}`,
      type: "CNAME",
      value: returnPathHost,
      purpose: "brings bounces back to the pool and aligns SPF",
    },
    {
      name: domain,
      type: "TXT",
      value: `v=spf1 include:${spfInclude} -all`,
      purpose: "authorises the pool; merge it into the SPF record that you have, never publish two",
    },
    {
      name: `_dmarc.${domain}`,
      type: "TXT",
      value: "v=DMARC1; p=quarantine",
      purpose: "tells receivers to distrust mail that fails; keep your own record if you have one",
    },
  ];
}
