import type { Finding } from "./view-dns.ts";

/** One check of a domain, without advice: what anybody can see in the DNS and on the wire. */
export type ExplainedCheck = {
  check: string;
  outcome: Finding["outcome"];
  at: number;
  findings: { code: string; text: string; observed: string | null }[];
};

/** A proved record whose label is in force. */
export type ExplainedRecord = {
  uri: string;
  cid: string;
  domain: string;
  /** When it was last proved to be in its repository. */
  provedAt: number;
  checks: ExplainedCheck[];
};

/** A label in force, with what it rests on. */
export type ExplainedLabel = {
  value: string;
  uri: string;
  cid: string | null;
  /** First said, however often renewed. */
  since: number;
  /** Last said: its `cts`. */
  issuedAt: number;
  expiresAt: number | null;
  /** URIs of the records whose checks it rests on; empty where it rests on membership or conduct. */
  records: string[];
};

/**
 * Labels in force of an account, a record or a domain. What is not in force is not there, whatever once was: why a
 * label ended is nobody's to read here.
 */
export type LabelExplanation = {
  asOf: number;
  /** As it was asked for, in its usual form. */
  subject: string;
  labeler: { did: string; url: string };
  labels: ExplainedLabel[];
  records: ExplainedRecord[];
};

/** What came of looking at a domain for a visitor. */
export type CheckAnswer =
  | { status: "no-domain"; asked: string }
  | { status: "too-many" | "busy"; domain: string }
  | {
      status: "checked";
      domain: string;
      /** When the DNS was asked, ms. */
      at: number;
      summary: "verified" | "broken" | "unknown";
      /** The attestation that the checks were compared with; null when the domain has none. */
      attested: string | null;
      findings: Finding[];
      /** What large providers ask of senders, as far as the DNS shows it. */
      requirements: { provider: string; need: string; status: "pass" | "fail" | "unknown" }[];
    };
