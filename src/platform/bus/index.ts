export { busMigration, createEmbeddedBus, type EmbeddedBusOptions } from "./embedded.ts";
export { createKafkaBus, type KafkaBus, type KafkaBusOptions } from "./kafka.ts";
export type { KafkaConnection } from "./kafka-connection.ts";
export { kafkaBusMigration } from "./kafka-schema.ts";
export type { BusTopic } from "./topics.ts";
export type * from "./types.ts";
