export * from "./envelope.ts";
export * from "./outbox.ts";
