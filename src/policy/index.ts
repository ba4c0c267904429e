export { createPolicyBook, type PolicyBook, type PolicyStore } from "./book.ts";
export { type Receipt } from "./counters.ts";
export { hashSecret, secretKey, secretMatches } from "./credential.ts";
export { acceptedText, decide, type DecideInput, type Decision } from "./decide.ts";
export { domainOf } from "./domains.ts";
export { whyHeld, type PolicyHold } from "./holds.ts";
export {
  BUCKET_NAMES,
  allowanceOf,
  limitsOf,
  MAX_WAIT_MS,
  remaining,
  type LeaseCheck,
  type LimitState,
  type PoolLimits,
  type TierLimits,
} from "./limits.ts";
export { type DecisionReason, type PauseCause } from "./outcomes.ts";
export { type Pause, type Resumption } from "./pauses.ts";
export { loadPolicies, policyMigration, saveLimits, savePause, savePolicy, type LimitRow } from "./store.ts";
export { closeSnapshot, openSnapshot } from "./snapshot.ts";
export * from "./types.ts";
export { createPolicyPublisher, policyPublisherMigration, type PolicyPublisher } from "./publisher.ts";
