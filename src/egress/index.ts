export { createEgress, type EgressOptions, type RunningEgress } from "./egress.ts";
export type { LastListed } from "./out.ts";
export { egressMigration } from "./store.ts";
export * from "./types.ts";
