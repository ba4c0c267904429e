export { canonicalAddress, proveAddress, type AddressEntry } from "./addresses.ts";
export { labelValues, type Claim, type Entry } from "./entries.ts";
export { readPasted, type PastedHeader } from "./header.ts";
export { followLabeler, type LabelerState, type ResolveLabeler } from "./labeler-stream.ts";
export { createList, type List, type ListPool } from "./list.ts";
export { unlistable, type ListPlace } from "./names.ts";
export { openPublication, type Publication, type PublishOutcome } from "./publication.ts";
export { readSnapshot, SnapshotError } from "./snapshot.ts";
export type { SnapshotFile } from "./snapshot-file.ts";
export {
  addressKey,
  allowlistMigration,
  createStore as createAllowlistStore,
  isAddressKey,
  type AllowlistStore,
  type HistoryLine,
  type Listing,
} from "./store.ts";
export { verifySnapshot, type Finding, type Verification } from "./verify.ts";
export { checkWith } from "./zone/checkers.ts";
export { MAPS } from "./zone/maps.ts";
export { ipName } from "./zone/names.ts";
export { snippets, type Snippet } from "./snippets/index.ts";
