export { createEmbeddedEngine, RulesError, type RulesEngine } from "./engine.ts";
export { loadRules } from "./load.ts";
export { createVerdictLog, verdictMigration, type VerdictLog } from "./verdict-log.ts";
