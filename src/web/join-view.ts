import type { Application, Diagnosis } from "../member/index.ts";
import type { Membership } from "../policy/index.ts";
import type { Finding, ShownCredential } from "./view.ts";

/** `here`: what is to be done now. `later`: what comes after it. `waits`: somebody else's turn. */
export type StepState = "done" | "here" | "later" | "waits";
export const STEPS = [
  "domain",
  "application",
  "records",
  "attestation",
  "check",
  "credential",
  "test",
  "decision",
] as const;
export type StepName = (typeof STEPS)[number];

/** Whether each step is done. */
export type JoinFacts = Record<StepName, boolean>;

/**
 * Where somebody stands on the way to its first mail. The first step that is not done is here; what waits for the
 * committee is nobody's to do.
 */
export function joinSteps(facts: JoinFacts): { name: StepName; state: StepState }[] {
  let isBefore = true;
  return STEPS.map((name) => {
    if (facts[name]) return { name, state: "done" };
    if (!isBefore) return { name, state: name === "decision" && facts.application ? "waits" : "later" };
    isBefore = false;
    return { name, state: name === "decision" ? "waits" : "here" };
  });
}

export type JoinDomain = {
  name: string;
  diagnoses: Diagnosis[];
  /** The record that the account's repository holds for it; null: none that we have seen. */
  attestation: { uri: string; at: number; isComplete: boolean } | null;
  /** What our labeler saw of the domain as a whole; null: it has not looked yet. Only what is not as it should be. */
  check: { verdict: "verified" | "broken" | "unknown"; at: number; findings: Finding[] } | null;
  /** The record to write, as JSON. */
  record: string;
};

/** Of a person that is on its way to become a member. */
export type JoinView = {
  did: string;
  membership: Membership | null;
  steps: { name: StepName; state: StepState }[];
  /** The domain that it wants to claim, and the record that proves it; null: none was named, or all are claimed. */
  claim: { domain: string; proof: Diagnosis } | null;
  domains: JoinDomain[];
  application: Application | null;
  credentials: number;
  /** What it accepts when it applies. */
  rules: { version: string; url: string };
};

export type JoinForm = {
  domain: string;
  name: string;
  contact: string;
  daily: number | null;
  pds: string;
  purpose: string;
  words: string;
  rules: string;
};

export type JoinResult = { done: true } | { refused: string };

/** What the pages of joining ask for and do; `did` is who is logged in. */
export interface JoinPages {
  /** `asked`: a domain that it typed. */
  view(did: string, asked: string | undefined): Promise<JoinView | { refused: string }>;
  apply(did: string, form: JoinForm): Promise<JoinResult>;
  addDomain(did: string, domain: string): Promise<JoinResult>;
  /** The attestation of a domain of its own, to be written into its repository. */
  attestation(
    did: string,
    domain: string,
  ): Promise<{ rkey: string; record: Record<string, unknown> } | { refused: string }>;
  /** Looks at the repository and at the domain now. */
  attested(did: string, domain: string): Promise<void>;
  makeCredential(did: string, name: string): Promise<{ credential: ShownCredential } | { refused: string }>;
}
