import { createHash } from "node:crypto";
import { ATTESTATION_COLLECTION, normalizeDomain } from "../attestation/index.ts";
import type { Clock } from "../lib/clock.ts";
import { lookForRecords, proofRecord, type AskAuthority, type Diagnosis } from "../member/index.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import type { RuleStore } from "../rules/index.ts";
import {
  joinSteps,
  type JoinDomain,
  type JoinPages,
  type JoinView,
  type ShownCredential,
} from "../web/index.ts";
import { refusal } from "./admin/refusal.ts";
import type { Core } from "./core/index.ts";
import type { Labeler } from "./labeler.ts";
import { findingsView } from "./queries/findings.ts";
import { envLines, pdsEnvironment, type SubmissionPoint } from "./pds-environment.ts";

type JoinParts = {
  core: Core;
  labeler: Labeler | undefined;
  resolver: Resolver;
  askAuthority: AskAuthority;
  rules: Pick<RuleStore, "status">;
  submission: () => SubmissionPoint;
  clock: Clock;
};

/** Credentials that somebody may make before it is a member. */
const MOST_CREDENTIALS = 5;
const MOST_DOMAINS = 5;
const MOST_HOSTS = 32;
const NO_DOMAIN = "That is no domain name: type one like willow.example.";

/** What the pages of joining show and do, in core. */
export function createJoinDesk(parts: JoinParts): JoinPages {
  const { core, labeler, resolver, askAuthority, submission, clock } = parts;
  const { members } = core;
  const look = (records: Parameters<typeof lookForRecords>[0]) =>
    lookForRecords(records, resolver, askAuthority);
  const proofOf = async (did: string, domain: string): Promise<Diagnosis> =>
    (await look([proofRecord(did, domain)]))[0]!;
  const attestationOf = (did: string, domain: string) =>
    labeler?.attestations.byDomain(domain).find((one) => one.did === did && one.endedAt === null);
  const rulesVersion = () =>
    createHash("sha256").update(JSON.stringify(parts.rules.status().hash)).digest("hex").slice(0, 12);

  async function recordOf(domain: string, createdAt: number): Promise<Record<string, unknown>> {
    const mx = await resolver.resolve(domain, "MX");
    const hosts =
      mx.status === "ok" ? mx.records.map(({ exchange }) => exchange).filter((host) => host !== "") : [];
    const { hostname, did } = { hostname: submission().host, did: labeler?.labels.did };
    return {
      $type: ATTESTATION_COLLECTION,
      domain,
      dkim: members
        .keysOf(domain)
        .map(({ selector, algorithm, fingerprint }) => ({ selector, algorithm, fingerprint })),
      mx: hosts.slice(0, MOST_HOSTS).map((host) => ({ host })),
      ...(did !== undefined && { relay: { did, hostname } }),
      createdAt: new Date(createdAt).toISOString(),
    };
  }

  async function domainView(did: string, name: string, addedAt: number): Promise<JoinDomain> {
    const attestation = attestationOf(did, name);
    const record = await recordOf(name, addedAt);
    const attested = new Set(attestation?.record.dkim?.map(({ selector }) => selector));
    return {
      name,
      diagnoses: await look(members.recordsFor(did, name)),
      attestation: attestation
        ? {
            uri: attestation.uri,
            at: attestation.indexedAt,
            isComplete: members.keysOf(name).every(({ selector }) => attested.has(selector)),
          }
        : null,
      check:
        attestation && labeler && attestation.checkedAt !== null
          ? {
              verdict: attestation.summary,
              at: attestation.checkedAt,
              findings: labeler.attestations
                .latestChecks(attestation.uri)
                .flatMap(findingsView)
                .filter(({ outcome }) => outcome === "fail" || outcome === "temperror"),
            }
          : null,
      record: JSON.stringify(record, null, 2),
    };
  }

  async function claimOf(
    did: string,
    asked: string | undefined,
  ): Promise<JoinView["claim"] | { refused: string }> {
    if (asked === undefined || asked.trim() === "") return null;
    const domain = normalizeDomain(asked);
    if (domain === undefined) return { refused: NO_DOMAIN };
    const owner = members.domain(domain)?.did;
    if (owner === did) return null;
    if (owner !== undefined) return { refused: refusal({ error: "domain-taken", domain }).message };
    return { domain, proof: await proofOf(did, domain) };
  }

  async function proved(did: string, asked: string): Promise<{ domain: string } | { refused: string }> {
    const domain = normalizeDomain(asked);
    if (domain === undefined) return { refused: NO_DOMAIN };
    const { record, published } = await proofOf(did, domain);
    if (published.state === "right" || published.state === "spreading") return { domain };
    return {
      refused: `${domain} does not name your account yet. Publish TXT ${record.name} "${record.value}", and try again.`,
    };
  }

  return {
    async view(did, asked) {
      const member = members.get(did);
      const claim = await claimOf(did, asked);
      if (claim !== null && "refused" in claim) return claim;
      const held = members.domainsOf(did);
      const domains = await Promise.all(held.map((row) => domainView(did, row.name, row.added_at)));
      const application = members.applications.of(did)[0] ?? null;
      const credentials = members.credentialsOf(did).filter(({ revoked }) => revoked === null).length;
      const isIn = member !== undefined && member.membership !== "left";
      const facts = {
        domain: domains.length > 0 || claim?.proof.published.state === "right",
        application: isIn,
        records:
          domains.length > 0 &&
          domains.every(({ diagnoses }) => diagnoses.every(({ published }) => published.state === "right")),
        attestation:
          domains.length > 0 && domains.every(({ attestation }) => attestation?.isComplete === true),
        check: domains.length > 0 && domains.every(({ check }) => check?.verdict === "verified"),
        credential: credentials > 0,
        test: core.tests.passedAt(did) !== null,
        decision: member?.membership === "member",
      };
      return {
        did,
        membership: member?.membership ?? null,
        steps: joinSteps(facts),
        claim,
        domains,
        application,
        credentials,
        rules: { version: rulesVersion(), url: "/rules" },
      };
    },

    async apply(did, { domain: asked, rules, ...form }) {
      if (rules !== rulesVersion())
        return { refused: "The rules have changed since you read them. Read them again, and apply then." };
      const claim = await proved(did, asked);
      if ("refused" in claim) return claim;
      const { domain } = claim;
      if (members.domain(domain) !== undefined)
        return { refused: refusal({ error: "domain-taken", domain }).message };
      const words = [form.words, `Accepted the rules ${rules}.`].filter((text) => text !== "").join("\n\n");
      const row = core.admission.apply(did, { ...form, domains: [domain], words }, did);
      if ("error" in row) return { refused: refusal(row).message };
      const added = await members.addDomain(did, domain);
      await core.told();
      return "error" in added ? { refused: refusal(added).message } : { done: true };
    },

    async addDomain(did, asked) {
      const claim = await proved(did, asked);
      if ("refused" in claim) return claim;
      if (members.domainsOf(did).length >= MOST_DOMAINS)
        return { refused: `${MOST_DOMAINS} domains are the most here; ask the committee for more.` };
      const added = await members.addDomain(did, claim.domain);
      await core.told();
      return "error" in added ? { refused: refusal(added).message } : { done: true };
    },

    async attestation(did, domain) {
      const row = members.domain(domain);
      if (row?.did !== did) return { refused: "This domain is not yours here." };
      return { rkey: domain, record: await recordOf(domain, clock.now()) };
    },

    async attested(did, domain) {
      await labeler?.attestations.intake({ did, collection: ATTESTATION_COLLECTION, rkey: domain });
      const attestation = attestationOf(did, domain);
      if (attestation) await labeler?.attestations.checkNow(attestation.uri);
    },

    async makeCredential(did, name) {
      const domains = members.domainsOf(did).map((row) => row.name);
      const inUse = members.credentialsOf(did).filter(({ revoked }) => revoked === null).length;
      if (inUse >= MOST_CREDENTIALS)
        return {
          refused: `${MOST_CREDENTIALS} credentials are the most here; revoke one on your page first.`,
        };
      const made = members.createCredential(did, domains, { name });
      if ("error" in made) return { refused: refusal(made).message };
      await core.told();
      const environment = pdsEnvironment(submission(), made, domains[0]!);
      const credential: ShownCredential = {
        name: made.name,
        username: made.username,
        secret: made.secret,
        lines: typeof environment === "string" ? environment : envLines(environment),
      };
      return { credential };
    },
  };
}
