export { INLINE_BYTES, type BodyWriter } from "./bodies.ts";
export { SpoolError, type SpoolErrorKind } from "./errors.ts";
export type { HoldOptions, MessageContent, Spool } from "./face.ts";
export type { Integrity } from "./integrity.ts";
export { LEASE_MS, type HeldRequest, type LeaseRequest } from "./lease.ts";
export { salvage, SalvageError, type Salvage } from "./salvage/index.ts";
export { createSpool, RESERVE_BYTES, type SpoolOptions } from "./spool.ts";
export * from "./types.ts";
