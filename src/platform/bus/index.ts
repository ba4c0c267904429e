export { busMigration, createEmbeddedBus, type EmbeddedBusOptions } from "./embedded.ts";
export { createKafkaBus, type KafkaBus, type KafkaBusOptions } from "./kafka.ts";
export type { KafkaConnection } from "./kafka-connection.ts";
export { kafkaBusMigration } from "./kafka-schema.ts";
export type { BusTopic } from "./topics.ts";
export type * from "./types.ts";
export { judgeBrokers, type BusFinding } from "./judge.ts";
export { inspectBrokers, type BrokersView } from "./kafka-inspect.ts";
export { judgeLocal, localView } from "./local-view.ts";
