import type { SafeFetch } from "../platform/fetch.ts";
import type * as attestationLexicon from "../protocol/lexicon/community/email/attestation.ts";
import type { SmtpProbe } from "../protocol/smtp-probe/index.ts";

export const ATTESTATION_COLLECTION = "community.email.attestation";
/** The attestation of atmos.email, indexed too. */
export const ATMOS_COLLECTION = "email.atmos.attestation";

export type AttestationRecord = attestationLexicon.Main;

export type CheckName =
  | "domain-control"
  | "mx"
  | "spf"
  | "dkim"
  | "dmarc"
  | "ptr"
  | "mta-sts"
  | "tls-rpt"
  | "dane"
  | "starttls"
  | "bimi";

/** `temperror`: the DNS gave no answer, so nothing is concluded. */
export type CheckStatus = "pass" | "warn" | "fail" | "temperror";

/** One observation (`community.email.defs#finding`). The codes are listed there. */
export type Finding = {
  code: string;
  severity: "info" | "warn" | "fail";
  /** Plain words for the operator: what is there, and what to do. */
  message: string;
  /** Why it matters. */
  why?: string;
  /** What the DNS said, such as `x.test MX: 10 mx.x.test` or `_dmarc.x.test TXT: NXDOMAIN`. */
  observed?: string;
  expected?: string;
  /** The DNS record to publish, as a line of a zone file. */
  remedy?: string;
};

/** What one check saw; `at` in ms since the epoch. */
export type CheckResult = { check: CheckName; status: CheckStatus; findings: Finding[]; at: number };

/** What all checks of a domain say together. */
export type Summary = "verified" | "broken" | "unknown";

/** The relay pool as members name it in their DNS. */
export type Pool = {
  /** The pool's own domain. */
  domain: string;
  /** What members put into `include:` of their SPF record. */
  spfInclude: string;
  /** Where members point the CNAME `bounce.<domain>`. */
  returnPathHost: string;
  /** Addresses from which it sends. Without them, those of the `ip4` and `ip6` terms at `spfInclude` are taken. */
  egress?: readonly string[];
};

/** Speaks to one mail host. Undefined: it was not asked, or nothing can be said about it. Never rejects. */
export type SmtpProber = (target: {
  host: string;
  address: string;
  port: number;
}) => Promise<SmtpProbe | undefined>;

/** What reaches out beyond the DNS, to hosts that a domain names. */
export type Transport = {
  /** For MTA-STS policies: `createSafeFetch`. */
  fetch: SafeFetch;
  /** For STARTTLS: `probeSmtp`, or `createProber` where it is done of our own accord. */
  probe: SmtpProber;
  /** Of the mail servers. Default 25. */
  port?: number;
};

/** The claims that checks compare with the DNS. */
type Claims = Pick<AttestationRecord, "dkim" | "mx" | "relay" | "egress">;

export type CheckInput = {
  domain: string;
  /** Who should control the domain. Without it, control is looked at and not judged. */
  did?: string | undefined;
  /** Without it, the DNS is looked at for itself. */
  attestation?: Claims | undefined;
  /** Selectors to look at without an attestation. */
  selectors?: readonly string[] | undefined;
  /** Keys that the cooperative made for this very account: one of them in the DNS proves control of it. */
  issued?: readonly { selector: string; fingerprint: string }[] | undefined;
  pool?: Pool | undefined;
  /** Sandbox and tests: mail hosts on private and reserved addresses count as reachable. Default false. */
  allowPrivate?: boolean | undefined;
};

/** One attestation as others see it. Times in ms since the epoch. */
export type Attestation = {
  uri: string;
  cid: string;
  did: string;
  domain: string;
  /** Which kind of record the account uses. */
  collection: string;
  /** In the form of `community.email.attestation`, whichever it was. */
  record: AttestationRecord;
  rev: string;
  indexedAt: number;
  /** When the record was last proved to be in the repository. */
  provedAt: number;
  endedAt: number | null;
  /** `unknown` also when the last conclusive check is too old to be believed. */
  summary: Summary;
  /** Failed checks in a row that had an answer from the DNS. */
  failures: number;
  checkedAt: number | null;
};

export type AttestationChange = {
  kind: "stored" | "ended" | "checked";
  uri: string;
  did: string;
  domain: string;
};
