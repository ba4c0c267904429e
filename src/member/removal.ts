import type { MemberError } from "./errors.ts";
import type { MemberParts } from "./parts.ts";

type Reach = { id: string; name: string; domains: readonly string[]; revoked: { at: number } | null };

/** What becomes of credentials when a domain goes. */
export type DomainRemoval = {
  domain: string;
  /** They go on for their other domains. */
  narrowed: { id: string; name: string }[];
  /** It was all that they sent for. */
  revoked: { id: string; name: string }[];
};

/** What the removal of a domain does to credentials in use. */
function removalOf(credentials: readonly Reach[], domain: string): DomainRemoval {
  const named = credentials.filter((one) => one.revoked === null && one.domains.includes(domain));
  const brief = ({ id, name }: Reach) => ({ id, name });
  return {
    domain,
    narrowed: named.filter(({ domains }) => domains.length > 1).map(brief),
    revoked: named.filter(({ domains }) => domains.length === 1).map(brief),
  };
}

/** Taking one domain out, for a member that stays. */
export function createRemoval(
  { store, credentialStore, clock, changed }: MemberParts,
  credentialsOf: (did: string) => readonly Reach[],
) {
  return {
    removalOf: (did: string, domain: string): DomainRemoval => removalOf(credentialsOf(did), domain),

    /** Its keys are destroyed, its credentials reach no further than the others, and it is free for somebody else. */
    removeDomain(did: string, domain: string, by: string): DomainRemoval | MemberError {
      const removed = store.transaction((): DomainRemoval | MemberError => {
        if (store.domain(domain)?.did !== did) return { error: "domain-not-held", domain };
        const credentials = credentialsOf(did);
        const removal = removalOf(credentials, domain);
        for (const { id } of removal.narrowed) {
          const domains = credentials.find((one) => one.id === id)!.domains;
          credentialStore.setDomains(
            id,
            domains.filter((name) => name !== domain),
          );
        }
        for (const { id } of removal.revoked) credentialStore.revokeCredential(did, id, clock.now(), by);
        store.deleteDomain(domain);
        return removal;
      });
      if (!("error" in removed)) changed(did);
      return removed;
    },
  };
}
