export { createEmbeddedEngine, type RuleResult, type RulesEngine, type RuleVerdict } from "./engine.ts";
export { loadRules, readLabels } from "./load.ts";
export { compileSet, rulesOf, shadowFaults } from "./program.ts";
export { RulesError } from "./rule-set.ts";
export { createRuleStore, explain, type Explanation, type RuleStore } from "./store.ts";
export { createVerdictLog, verdictMigration, type VerdictLog } from "./verdict-log.ts";
