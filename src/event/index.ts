export * from "./envelope.ts";
export * from "./outbox.ts";
export * from "./log.ts";
