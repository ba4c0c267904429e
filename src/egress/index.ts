export { createEgress, type EgressOptions, type RunningEgress } from "./egress.ts";
export type { LastListed } from "./out.ts";
export { egressMigration } from "./store.ts";
export * from "./types.ts";
export { PROMISE_MS } from "./promises.ts";
export { createEgressNotices, EGRESS_TOPIC, egressNoticeMigration, type EgressNotices } from "./notices.ts";
export {
  planFrom,
  planWarmup,
  USUAL_PROVIDERS,
  type Plan,
  type PlanAddress,
  type PlanCell,
  type PlanDay,
  type PlanInput,
} from "./plan.ts";
export { judgeAddress } from "./watch.ts";
