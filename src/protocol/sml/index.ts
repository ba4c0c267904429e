export type { Assign, Expr, SourceFile } from "./ast.ts";
export { compile } from "./compile.ts";
export { renderDiagnostic } from "./diagnostics.ts";
export { evaluate } from "./evaluate.ts";
export type { AppliedLabel, ExistingLabel, Feature, FeatureType, Outcome, RuleTrace } from "./outcome.ts";
export { subjectsOf } from "./subjects.ts";
export type { LabelsConfig } from "./program.ts";
export type { JsonObject } from "./values.ts";
export {
  agrees,
  readExistingLabels,
  runCase,
  runEvent,
  type ConformanceCase,
  type ConformanceOutcome,
  type ConformanceProblem,
  type ConformanceResult,
} from "./conformance.ts";
export { lint, type Warning, type WarningKind } from "./lint.ts";
export type { Budget } from "./run-state.ts";
