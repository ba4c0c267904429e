export { createSuppressionCopy, suppressionCopyMigration, type SuppressionCopy } from "./copy.ts";
export { parseSuppressions, MOST_LINES, type ImportFormat, type Parsed, type ParsedLine } from "./import.ts";
export { BOUNCE_REASONS, suppressionFor, type Feedback } from "./rule.ts";
export {
  createSuppressionStore,
  SEEN,
  toldOf,
  suppressionMigration,
  type SuppressionQuery,
  type SuppressionStore,
} from "./store.ts";
export * from "./types.ts";
export { createUnsubscribeTokens, type UnsubscribeTokens, type Unsubscriber } from "./unsubscribe.ts";
export { REASON_WORDS, suppressionWords, verdictOf } from "./verdict.ts";
