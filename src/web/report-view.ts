import type { DmarcAdvice } from "../report/index.ts";
import type { DnsRecord } from "./view.ts";

/** `ours`: the pool. `aligned`: others of whose mail most passed. `unaligned`: others. */
export type SourceKind = "ours" | "aligned" | "unaligned";

/** A day or a week. */
export type ReportedPeriod = {
  /** Its first day, ms since the epoch. */
  at: number;
  /** Somebody reported about one of its days. */
  known: boolean;
  ours: number;
  aligned: number;
  unaligned: number;
};

/** One address that sent as the domain. Empty: several that are not told apart. */
export type ReportedSource = {
  ip: string;
  messages: number;
  aligned: number;
  quarantined: number;
  rejected: number;
  /** First and last day, ms since the epoch. */
  since: number;
  until: number;
};

/** Who reported, over the days that are shown; those of whom nothing is proven count in nothing else. */
export type Reporter = {
  organization: string;
  /** The domain that proves it; `import`: an operator brought it; empty: nothing does. */
  provenBy: string;
  kind: "dmarc" | "tls";
  reports: number;
  messages: number;
  /** The last day that was reported about, ms since the epoch. */
  until: number;
};

/** What others report of one domain of a member. */
export type DomainReportsView = {
  did: string;
  domain: string;
  asOf: number;
  /** By day while reports are few, then by week; oldest first, gaps included. */
  periods: ReportedPeriod[];
  by: "day" | "week";
  sources: Record<SourceKind, ReportedSource[]>;
  /** Messages of others that did not pass, and what receivers did with them. */
  pretended: { messages: number; stopped: number };
  reporters: Reporter[];
  /** TLS sessions of servers that delivered to the domain. */
  tls: { succeeded: number; failed: number; failures: { failure: string; sessions: number }[] };
  /** What a domain publishes so that reports come: one tag in any case, and what follows from its present record. */
  publish: { rua: string; dmarc: DmarcAdvice; tls: DnsRecord };
  /** That the pool takes them: the pool's own record. */
  authorisation: DnsRecord;
};

/** Totals of the pool, for the committee. */
export type PoolReportsView = {
  asOf: number;
  days: number;
  reports: number;
  unverified: number;
  messages: number;
  aligned: number;
  sessions: number;
  failed: number;
  /** Members' domains that somebody reported about, of all. */
  domains: number;
  known: number;
  authorisation: DnsRecord;
};

/** What the pages of reports ask for. */
export interface ReportPages {
  /** Null when this member has no such domain. */
  ofDomain(did: string, domain: string): Promise<DomainReportsView | null>;
  ofPool(): PoolReportsView;
}
