import type { StepName } from "../join-view.ts";

/** What the steps of joining are called. */
export const TITLES: Record<StepName, string> = {
  domain: "Your mail domain",
  application: "Apply",
  records: "DNS records",
  attestation: "Say so yourself",
  check: "Verified",
  credential: "Credential for your PDS",
  test: "A test mail",
  decision: "The committee's word",
};
