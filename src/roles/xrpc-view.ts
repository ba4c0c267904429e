import type { DatetimeString } from "@atproto/lex";
import type { Attestation, CheckResult } from "../attestation/index.ts";
import type { Diagnosis } from "../member/index.ts";
import type { Label } from "../protocol/labels/index.ts";
import type { CheckResult as CheckView, LabelView } from "../protocol/lexicon/community/email/defs.ts";
import type { DnsRecord } from "../protocol/lexicon/community/email/getJoining.ts";
import type { AttestationView } from "../protocol/lexicon/community/email/getAttestationStatus.ts";

/** Our facts in the words of the lexicons `community.email.*`. */

export const datetime = (ms: number) => new Date(ms).toISOString() as DatetimeString;

const LONGEST = 4_096;
const cut = (text: string, length = LONGEST) =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

export function checkView({ check, status, findings, at }: CheckResult): CheckView {
  return {
    check,
    status,
    findings: findings.slice(0, 64).map((finding) => ({
      code: finding.code,
      severity: finding.severity,
      message: cut(finding.message, 2_000),
      ...(finding.why !== undefined && { why: cut(finding.why, 2_000) }),
      ...(finding.observed !== undefined && { observed: cut(finding.observed) }),
      ...(finding.expected !== undefined && { expected: cut(finding.expected) }),
      ...(finding.remedy !== undefined && { remedy: cut(finding.remedy) }),
    })),
    at: datetime(at),
  };
}

export function labelView({ uri, val, cts, exp }: Label): LabelView {
  return {
    uri: uri as NonNullable<LabelView["uri"]>,
    val,
    cts: cts as DatetimeString,
    ...(exp !== undefined && { exp: exp as DatetimeString }),
  };
}

/** What is to be published, and what stands there now. */
export function recordView({ record, value, published }: Diagnosis): DnsRecord {
  const { name, type, purpose } = record;
  const { state } = published;
  return { name, type, value, state, purpose, ...("present" in published && { present: published.present }) };
}

export function attestationView(
  a: Attestation,
  labels: readonly Label[],
  checks: readonly CheckResult[],
): AttestationView {
  return {
    uri: a.uri as AttestationView["uri"],
    cid: a.cid as AttestationView["cid"],
    did: a.did as AttestationView["did"],
    domain: a.domain,
    collection: a.collection as AttestationView["collection"],
    summary: a.summary,
    labels: labels.map(labelView),
    checks: checks.map(checkView),
    indexedAt: datetime(a.indexedAt),
    provedAt: datetime(a.provedAt),
    ...(a.checkedAt !== null && { checkedAt: datetime(a.checkedAt) }),
  };
}
