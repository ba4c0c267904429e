export { readRules, type Condition, type RuleReading } from "./conditions.ts";
export { createEmbeddedEngine, type RuleResult, type RulesEngine, type RuleVerdict } from "./engine.ts";
export { loadRules, readLabels } from "./load.ts";
export { compileSet, rulesOf, shadowFaults } from "./program.ts";
export { createJudgements } from "./judgements.ts";
export { RulesError, type RuleSet } from "./rule-set.ts";
export { createRuleStore, explain, type Explanation, type RuleStore } from "./store.ts";
export { createVerdictLog, verdictMigration, type Verdict, type VerdictLog } from "./verdict-log.ts";
