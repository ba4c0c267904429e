export {
  createEmbeddedEngine,
  RulesError,
  type RuleEffect,
  type RuleResult,
  type RulesEngine,
  type RuleSet,
  type RuleVerdict,
} from "./engine.ts";
export { loadRules } from "./load.ts";
export { createVerdictLog, verdictMigration, type Verdict, type VerdictLog } from "./verdict-log.ts";
