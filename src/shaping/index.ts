export type { DomainTls, HeardReply, Limits, Measure, RuleWords, ShapedReply, Shaping } from "./types.ts";
export { OTHER, type Provider, type ShapingData } from "./build.ts";
export { builtInShaping, openShaping, type LiveShaping } from "./open.ts";
export { readShaping } from "./read.ts";
export { createShaping, unknownProvider } from "./shaping.ts";
export { conditionsOf, measureOf, providerView } from "./show.ts";
export {
  createMeasures,
  measuresMigration,
  type LiftedMeasure,
  type MeasureCause,
  type MeasureInForce,
  type MeasureKind,
  type Measures,
} from "./measures.ts";
