export { compile, type Compilation } from "./compile.ts";
export { renderDiagnostic, type Diagnostic, type DiagnosticKind } from "./diagnostics.ts";
export { evaluate } from "./evaluate.ts";
export type {
  Action,
  AppliedLabel,
  EvaluateOptions,
  ExistingLabel,
  Feature,
  FeatureType,
  FiredRule,
  Outcome,
  RuleTrace,
} from "./outcome.ts";
export type { LabelsConfig, Program } from "./program.ts";
export type { Json, JsonObject } from "./values.ts";
