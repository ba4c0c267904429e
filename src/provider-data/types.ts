/** Who reports: the two that are asked over the network, and what we count ourselves of a third and of blocklists. */
export const PROVIDERS = ["gmail", "microsoft", "yahoo", "blocklists"] as const;
export type Provider = (typeof PROVIDERS)[number];

/** Those that a person connects. */
export const CONNECTED = ["gmail", "microsoft"] as const;
export type ConnectedProvider = (typeof CONNECTED)[number];

/** What figures are about. `member`: a DID, where we count ourselves. */
export type SubjectKind = "domain" | "feedback-id" | "address" | "member";

export type Subject = {
  provider: Provider;
  kind: SubjectKind;
  /** A domain, `domain/feedback id`, an IP address, a DID. */
  subject: string;
};

/** A figure that the provider did not give is absent, never zero. Rates are shares between 0 and 1. */
export type Figures = Record<string, number | string | boolean>;

/** What one provider said of one subject for one day, `YYYY-MM-DD` as the provider counts days. */
export type DayFigures = Subject & { day: string; figures: Figures };

/** A requirement that a provider checks by itself, such as Gmail's `SPF`. */
export type Compliance = { requirement: string; status: "met" | "unmet" | "unknown"; reason: string };

export type DomainCompliance = { domain: string; rows: Compliance[] };

/** A question to a provider that has no answer. `broken`: a person must connect it anew; the others pass by themselves. */
export type Failure = {
  ok: false;
  kind: "broken" | "forbidden" | "absent" | "limited" | "unavailable" | "malformed";
  why: string;
  /** The provider asked for this wait. */
  retryAfterMs?: number;
};

export type Outcome<T> = { ok: true; value: T } | Failure;

/** What one look at a provider brought. `faults`: parts of it that failed while others did not. */
export type Collected = {
  days: DayFigures[];
  subjects: Subject[];
  compliance: DomainCompliance[];
  faults: string[];
};
