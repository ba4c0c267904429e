import type { ComplianceLine, Level, Provider, SubjectKind } from "../provider-data/index.ts";

/** One day of a subject: null words mean that nobody said anything, which is no zero. */
export type ProviderDay = {
  day: string;
  /** What the chart draws; null: there are words, and no number. */
  value: number | null;
  level: Level | null;
  words: string | null;
};

export type ProviderSubject = {
  provider: Provider;
  kind: SubjectKind;
  /** A domain, a feedback id, an address. */
  name: string;
  /** What `value` is. */
  unit: "spam reports" | "complaints" | "verdict" | "blocklists";
  /** The oldest first, today left out. */
  days: ProviderDay[];
  /** Of the newest day with figures. */
  figures: { name: string; value: string }[];
  figuresOf: string | null;
  /** Null: this provider has none. */
  compliance: ComplianceLine[] | null;
};

export type ProviderState = {
  provider: "gmail" | "microsoft";
  state: "none" | "good" | "late" | "broken";
  since: number | null;
  fetchedAt: number | null;
  /** What went wrong; empty: nothing. */
  why: string;
};

export type ProviderView = {
  asOf: number;
  /** Null: of a member's page the committee's connections are no part. */
  connections: ProviderState[] | null;
  subjects: ProviderSubject[];
  /** Of the pool's page: null. */
  member: { did: string; domain: string } | null;
};

/** What the pages of provider data ask for. */
export interface ProviderPages {
  ofPool(): ProviderView;
  /** Of its own domains alone. Null when the DID is no member. */
  ofMember(did: string): ProviderView | null;
}
