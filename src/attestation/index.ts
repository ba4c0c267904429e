export { createAttestations, type Attestations, type AttestationsOptions } from "./attestations.ts";
export { checkDomain } from "./checks/index.ts";
export { senderRequirements, type Requirement } from "./checks/requirements.ts";
export { normalizeDomain } from "./domain.ts";
export type { IntakeOutcome } from "./intake.ts";
export { proveAttestation, type Proved } from "./prove.ts";
export { createProber } from "./prober.ts";
export { LEXICON_AUTHORITY } from "./records.ts";
export type { RepoHint, Source } from "./source/index.ts";
export { attestationMigration, type Hint } from "./store.ts";
export { summarize } from "./summary.ts";
export {
  ATMOS_COLLECTION,
  ATTESTATION_COLLECTION,
  type Attestation,
  type AttestationChange,
  type AttestationRecord,
  type CheckInput,
  type CheckName,
  type CheckResult,
  type CheckStatus,
  type Finding,
  type Pool,
  type Summary,
  type Transport,
} from "./types.ts";
export { createIdentityResolver } from "./identity.ts";
