export type { AddressEntry } from "./addresses.ts";
export type { Claim, Entry } from "./entries.ts";
export { followLabeler, type LabelerState, type ResolveLabeler } from "./labeler-stream.ts";
export { createList, type List, type ListPool } from "./list.ts";
export { openPublication, type Publication, type PublishOutcome } from "./publication.ts";
export type { SnapshotFile } from "./snapshot-file.ts";
export { allowlistMigration, createStore as createAllowlistStore, type AllowlistStore } from "./store.ts";
export { checkWith } from "./zone/checkers.ts";
