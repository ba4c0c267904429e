import { isValidDid } from "@atproto/syntax";
import {
  normalizeDomain,
  type Attestation,
  type Attestations,
  type CheckResult,
} from "../../attestation/index.ts";
import type { Labels } from "../../label/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ExplainedCheck, ExplainedLabel, ExplainedRecord, LabelExplanation } from "../../web/index.ts";

type Sources = {
  labels: Pick<Labels, "did" | "inForceOf">;
  attestations: Pick<Attestations, "byDid" | "byDomain" | "latestChecks">;
};

export type ExplainParts = { labeler: Sources | undefined; clock: Pick<Clock, "now">; publicUrl: string };

type Subject =
  | { kind: "account"; did: string }
  | { kind: "record"; did: string; uri: string }
  | { kind: "domain"; domain: string };

const OPERATOR = "verified-mail-operator";
const MAX_LABELS = 250;

/** Reads a DID, an AT URI (with or without `at://`, as in a path) or a domain; undefined when it is none. */
export function parseSubject(text: string): Subject | undefined {
  const [did = "", collection, rkey, ...more] = text.replace(/^at:\/{1,2}/, "").split("/");
  if (!did.startsWith("did:")) {
    const domain = text === did ? normalizeDomain(text) : undefined;
    return domain === undefined ? undefined : { kind: "domain", domain };
  }
  if (!isValidDid(did) || more.length > 0) return undefined;
  if (collection === undefined) return { kind: "account", did };
  return rkey ? { kind: "record", did, uri: `at://${did}/${collection}/${rkey}` } : undefined;
}

/** Labels in force and what they rest on: public facts alone. Of what is not in force it says nothing at all. */
export function explainLabels(
  { labeler, clock, publicUrl }: ExplainParts,
  text: string,
  value?: string,
): LabelExplanation | null {
  const subject = parseSubject(text);
  if (!labeler || !subject) return null;
  const dids =
    subject.kind === "domain"
      ? [...new Set(labeler.attestations.byDomain(subject.domain).map((attestation) => attestation.did))]
      : [subject.did];
  const explained = dids.map((did) => explainAccount(labeler, did, subject));
  const labels = explained
    .flatMap((account) => account.labels)
    .filter((label) => value === undefined || label.value === value)
    .slice(0, MAX_LABELS);
  const used = new Set(labels.flatMap((label) => label.records));
  return {
    asOf: clock.now(),
    subject:
      subject.kind === "domain" ? subject.domain : subject.kind === "record" ? subject.uri : subject.did,
    labeler: { did: labeler.labels.did, url: publicUrl },
    labels,
    records: explained.flatMap((account) => account.records).filter((record) => used.has(record.uri)),
  };
}

function explainAccount({ labels, attestations }: Sources, did: string, subject: Subject) {
  const inForce = labels.inForceOf(did);
  const labelled = attestations
    .byDid(did)
    .filter(({ uri, cid, endedAt }) =>
      inForce.some(({ label }) => endedAt === null && label.uri === uri && label.cid === cid),
    );
  const about =
    subject.kind === "domain"
      ? new Set(labelled.filter(({ domain }) => domain === subject.domain).map(({ uri }) => uri))
      : undefined;
  // A domain without a label of its own is not explained by those of its owner.
  if (about?.size === 0) return { labels: [], records: [] };
  const shown = inForce.filter(({ label: { uri } }) => {
    if (subject.kind === "record") return uri === subject.uri;
    return about === undefined || about.has(uri) || uri === did;
  });
  return {
    labels: shown.map(({ label, since }): ExplainedLabel => ({
      value: label.val,
      uri: label.uri,
      cid: label.cid ?? null,
      since,
      issuedAt: Date.parse(label.cts),
      expiresAt: label.exp === undefined ? null : Date.parse(label.exp),
      records:
        label.val !== OPERATOR
          ? []
          : labelled.map(({ uri }) => uri).filter((uri) => label.uri === did || label.uri === uri),
    })),
    records: labelled.map((attestation) =>
      explainRecord(attestation, attestations.latestChecks(attestation.uri)),
    ),
  };
}

function explainRecord({ uri, cid, domain, provedAt }: Attestation, checks: CheckResult[]): ExplainedRecord {
  return { uri, cid, domain, provedAt, checks: checks.map(explainCheck) };
}

function explainCheck({ check, status, at, findings }: CheckResult): ExplainedCheck {
  return {
    check,
    outcome: status,
    at,
    findings: findings.map(({ code, message, observed }) => ({
      code,
      text: message,
      observed: observed ?? null,
    })),
  };
}
