export { createPolicyBook, type PolicyBook, type PolicyStore } from "./book.ts";
export { hashSecret, secretMatches } from "./credential.ts";
export { decide, domainOf, mayDeliver, whyHeld } from "./decide.ts";
export { BUCKET_NAMES, limitsOf, remaining, type LimitState, type TierLimits } from "./limits.ts";
export { loadPolicies, policyMigration, saveLimits, savePolicy, type LimitRow } from "./store.ts";
export * from "./types.ts";
export { createPolicyPublisher, policyPublisherMigration, type PolicyPublisher } from "./publisher.ts";
