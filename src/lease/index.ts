export { createLeaseHolder, type LeaseHolder } from "./holder.ts";
export { answerAsk } from "./master.ts";
export { createLeaseStore, leaseMigration, type LeaseStore } from "./store.ts";
export * from "./words.ts";
