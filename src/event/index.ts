export * from "./envelope.ts";
export * from "./windows.ts";
export * from "./outbox.ts";
export * from "./log.ts";
