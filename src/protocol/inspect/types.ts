/** What a bounce or a refusal is about. */
export const INSPECT_CLASSES = [
  "bad-mailbox",
  "bad-domain",
  "inactive",
  "mailbox-full",
  "policy",
  "spam",
  "blocked",
  "authentication",
  "content",
  "too-large",
  "greylisted",
  "rate-limited",
  "network",
  "expired",
  "system",
  "configuration",
  "unknown",
] as const;
export type InspectClass = (typeof INSPECT_CLASSES)[number];

export type InspectedRecipient = {
  /** Lower-case domain; empty when the message does not say whom it is about. */
  address: string;
  /** RFC 3464 2.3.3; `unknown` when the message says none. */
  action: "failed" | "delayed" | "delivered" | "relayed" | "expanded" | "unknown";
  /** RFC 3463 such as `5.1.1`; empty when none is said and none follows from a reply code. */
  status: string;
  class: InspectClass;
  /** The address should be given up. */
  permanent: boolean;
  fault: "recipient" | "member" | "pool" | "unknown";
  /** The host that said so, or empty. */
  remoteMta: string;
  /** Its words, one line, at most 1,000 characters; or empty. */
  diagnostic: string;
};

/** A feedback report (RFC 5965), or a form of one that a provider uses. */
export type InspectedComplaint = {
  /** `abuse`, `fraud`, `virus`, `not-spam`, `opt-out`, `other`, ... in lower case. */
  type: string;
  /** `yahoo`, `microsoft`, ..., else the reporting domain; empty when nothing says it. */
  provider: string;
  /** Whom the mail had been for; empty when the provider leaves it out. */
  recipient: string;
  /** Envelope sender of the mail complained of, as quoted. */
  originalMailFrom: string;
  /** What can name the message: all that is quoted of it. Empty when absent. */
  messageId: string;
  feedbackId: string;
  sourceIp: string;
  /** ms since the epoch, or null. */
  arrivedAt: number | null;
  /** ARF's `Incidents`, at least 1. */
  incidents: number;
  /** Every address in the report and the quoted header that could be a return path of ours. */
  returnPaths: readonly string[];
  /** Quoted fields of the original, names in lower case, the first of each name. */
  original: Readonly<Record<string, string>>;
};

export type DmarcAlignment = "pass" | "fail";

/** One row of a DMARC aggregate report (RFC 7489 appendix C, RFC 9990). */
export type DmarcRow = {
  sourceIp: string;
  count: number;
  disposition: string;
  /** Aligned results. */
  dkim: DmarcAlignment;
  spf: DmarcAlignment;
  headerFrom: string;
  envelopeFrom: string;
  envelopeTo: string;
  dkimResults: readonly { domain: string; selector: string; result: string }[];
  spfResults: readonly { domain: string; scope: string; result: string }[];
  overrides: readonly { type: string; comment: string }[];
};

export type InspectedDmarcReport = {
  kind: "dmarc";
  /** Which form it has: without a namespace, `http://dmarc.org/dmarc-xml/0.1`, `urn:ietf:params:xml:ns:dmarc-2.0`, ... */
  namespace: string;
  organization: string;
  email: string;
  reportId: string;
  domain: string;
  /** ms since the epoch. */
  begin: number;
  end: number;
  policy: Readonly<Record<string, string>>;
  generator: string;
  errors: readonly string[];
  rows: readonly DmarcRow[];
  /** Messages in all rows; `aligned` passed by DKIM or SPF. */
  messages: number;
  aligned: number;
  /** Rows over the limit were left out. */
  truncated: boolean;
};

export type InspectedTlsReport = {
  kind: "tls";
  organization: string;
  contact: string;
  reportId: string;
  /** ms since the epoch. */
  begin: number;
  end: number;
  policies: readonly {
    type: string;
    domain: string;
    mxHosts: readonly string[];
    succeeded: number;
    failed: number;
    failures: readonly {
      type: string;
      sessions: number;
      sendingIp: string;
      receivingMx: string;
      receivingIp: string;
      reason: string;
    }[];
  }[];
  truncated: boolean;
};

export type Inspection = {
  kind: "bounce" | "complaint" | "dmarc-report" | "tls-report" | "auto-reply" | "message";
  /** Of a bounce whom it is about; else empty. */
  recipients: readonly InspectedRecipient[];
  complaint?: InspectedComplaint;
  report?: InspectedDmarcReport | InspectedTlsReport;
  /** What of a report could not be read, and why: it is told, and the kind stands all the same. */
  problem?: string;
  /** Of a bounce: what it quotes of the original, as in a complaint. */
  original?: Pick<InspectedComplaint, "messageId" | "feedbackId" | "returnPaths" | "original">;
};
