export { INLINE_BYTES, type BodyWriter } from "./bodies.ts";
export { SpoolError, createSpool, type MessageContent, type Spool, type SpoolOptions } from "./spool.ts";
export type { HeldRequest, LeaseRequest } from "./store.ts";
export * from "./types.ts";
