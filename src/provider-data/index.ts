export { createCollector, type CollectorOptions, type Looked, type Secret } from "./collector.ts";
export { complianceLines, type ComplianceLine } from "./compliance.ts";
export { dayName, daysBetween, gaps } from "./days.ts";
export { providerReported, WINDOW_DAYS } from "./event.ts";
export { type Fetch } from "./http.ts";
export { judge, SPAM_RATE, type Level } from "./judge.ts";
export {
  beginAuthorization,
  finishAuthorization,
  oauthClient,
  SNDS_CLIENT_ID,
  type Endpoints,
  type Grant,
  type OAuthClient,
} from "./oauth.ts";
export {
  createProviderStore,
  providerDataMigration,
  type Connection,
  type ProviderStore,
  type StoredDay,
  type StoredSubject,
} from "./store.ts";
export * from "./types.ts";
