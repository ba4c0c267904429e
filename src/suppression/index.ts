export { createSuppressionCopy, suppressionCopyMigration, type SuppressionCopy } from "./copy.ts";
export { readSuppressions, MOST_LINES, type ImportFormat, type Parsed, type ParsedLine } from "./import.ts";
export { bindsPool, suppressionFor, type Feedback } from "./rule.ts";
export {
  createSuppressionStore,
  SEEN,
  suppressionMigration,
  type SuppressionQuery,
  type SuppressionStore,
} from "./store.ts";
export * from "./types.ts";
export { createUnsubscribeTokens, type UnsubscribeTokens, type Unsubscriber } from "./unsubscribe.ts";
export { suppressionWords } from "./verdict.ts";
