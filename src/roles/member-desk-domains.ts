import { normalizeDomain } from "../attestation/index.ts";
import {
  lookForRecords,
  proofRecord,
  type Diagnosis,
  type DnsRecordToPublish,
  type DomainRemoval,
  type MemberError,
  type Rotation,
} from "../member/index.ts";
import { presentOf, wordsFor, type DeskParts, type DeskRefusal } from "./member-desk-parts.ts";

/** A domain of a member. Times in ms since the epoch. */
export type DeskDomain = {
  domain: string;
  /** `held`: it was never verified, or its authentication is broken: its mail waits. */
  status: "active" | "held";
  addedAt: number;
  /** What is to be published for it. */
  records: DnsRecordToPublish[];
  keys: Rotation;
};

/** What ends with a domain, before it is taken out. */
export type DeskRemoval = DomainRemoval & {
  /** Recipients whose mail still waits for it here; null: not known in this process. */
  waiting: number | null;
  /** Records in the member's repository that attest it. */
  attestations: string[];
  /** It is the only one. */
  isLast: boolean;
};

const MOST = { applicant: 5, member: 20 } as const;
const MOST_WAITING = 10_000;

/** What a member does with its domains: the same for its pages, the API and joining. */
export function domainDesk({ core, labeler, spool, resolver, askAuthority, clock }: DeskParts) {
  const { members } = core;
  const parts = { core };
  const look = (records: readonly DnsRecordToPublish[]) => lookForRecords(records, resolver, askAuthority);

  /** Its name as it is kept, when the member holds it. */
  function held(did: string, asked: string): string | DeskRefusal {
    const domain = normalizeDomain(asked);
    if (domain === undefined || members.domain(domain)?.did !== did)
      return wordsFor({ error: "domain-not-held", domain: asked.slice(0, 253) });
    return domain;
  }

  async function turn(
    did: string,
    asked: string,
    work: (domain: string) => Promise<Rotation | MemberError>,
  ): Promise<Rotation | DeskRefusal> {
    const domain = held(did, asked);
    if (typeof domain !== "string") return domain;
    const rotation = await work(domain);
    return "error" in rotation ? wordsFor(rotation) : rotation;
  }

  /** Whether a domain may be added, and the record that proves that it is the member's, with what stands there now. */
  async function claim(
    did: string,
    asked: string,
  ): Promise<{ domain: string; proof: Diagnosis } | DeskRefusal> {
    const domain = normalizeDomain(asked);
    if (domain === undefined)
      return { error: "NoDomain", message: "That is no domain name: type one like willow.example." };
    const owner = members.domain(domain)?.did;
    if (owner === did) return { error: "YoursAlready", message: `${domain} is yours here already.` };
    if (owner !== undefined) return wordsFor({ error: "domain-taken", domain });
    const [proof] = await look([proofRecord(did, domain)]);
    return { domain, proof: proof! };
  }

  return {
    list(did: string): DeskDomain[] {
      return members.domainsOf(did).flatMap((row) => {
        const keys = members.rotation(row.name);
        if ("error" in keys) return [];
        const { name: domain, status, added_at: addedAt } = row;
        return [{ domain, status, addedAt, records: members.recordsFor(did, domain), keys }];
      });
    },

    /** Asks the DNS for each record now. */
    async look(did: string, asked: string): Promise<Diagnosis[] | DeskRefusal> {
      const domain = held(did, asked);
      return typeof domain === "string" ? look(members.recordsFor(did, domain)) : domain;
    },

    claim,

    /** Adds a domain that names the member's account in the DNS; its mail waits until its records pass a check. */
    async add(
      did: string,
      asked: string,
    ): Promise<{ domain: string; records: DnsRecordToPublish[] } | DeskRefusal> {
      const member = presentOf(parts, did);
      if ("error" in member) return member;
      const most = member.membership === "member" ? MOST.member : MOST.applicant;
      if (members.domainsOf(did).length >= most)
        return {
          error: "TooManyDomains",
          message: `${most} domains are the most; ask the committee for more.`,
        };
      const claimed = await claim(did, asked);
      if ("error" in claimed) return claimed;
      const { domain, proof } = claimed;
      const { state } = proof.published;
      if (state !== "right" && state !== "spreading") {
        const { name, value } = proof.record;
        const message = `${domain} does not name your account yet. Publish TXT ${name} "${value}", and try again.`;
        return { error: "NotProved", message };
      }
      const added = await members.addDomain(did, domain);
      if ("error" in added) return wordsFor(added);
      await core.told();
      return { domain, records: added.records };
    },

    rotation: (did: string, domain: string) => turn(did, domain, async (name) => members.rotation(name)),
    /** New keys; the present ones sign until the new ones have been in the DNS for an hour. */
    rotate: (did: string, domain: string) => turn(did, domain, (name) => members.rotate(name)),
    /** Forgets the new keys before they sign. */
    cancelRotation: (did: string, domain: string) =>
      turn(did, domain, async (name) => members.cancelRotation(name)),
    /** Looks at the DNS now; the new keys sign at once when they are there. Otherwise the rotation is as it was. */
    hurryRotation: (did: string, domain: string) =>
      turn(did, domain, async (name) => {
        const before = members.rotation(name);
        if ("error" in before) return before;
        if (before.publish.length === 0) return { error: "no-rotation", domain: name };
        await core.hurryRotation(name);
        await core.told();
        return members.rotation(name);
      }),

    /** What would end with it. Nothing is done. */
    async removal(did: string, asked: string): Promise<DeskRemoval | DeskRefusal> {
      const domain = held(did, asked);
      if (typeof domain !== "string") return domain;
      const waiting = await spool?.drop({
        filter: { did, fromDomain: domain, states: ["queued", "deferred", "held"] },
        by: "",
        why: "",
        now: clock.now(),
        limit: MOST_WAITING,
        dryRun: true,
      });
      const attested = labeler?.attestations.byDomain(domain) ?? [];
      return {
        ...members.removalOf(did, domain),
        waiting: waiting?.recipients ?? null,
        attestations: attested.filter((one) => one.did === did && one.endedAt === null).map(({ uri }) => uri),
        isLast: members.domainsOf(did).length === 1,
      };
    },

    /** Takes a domain out for good. `by`: who, for the record. */
    async remove(did: string, asked: string, by: string): Promise<DomainRemoval | DeskRefusal> {
      const domain = held(did, asked);
      if (typeof domain !== "string") return domain;
      const removed = core.removeDomain(did, domain, by);
      if ("error" in removed) return wordsFor(removed);
      await core.told();
      return removed;
    },
  };
}
