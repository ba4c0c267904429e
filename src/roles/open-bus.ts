import { readFileSync } from "node:fs";
import {
  createEmbeddedBus,
  createKafkaBus,
  type Bus,
  type KafkaBus,
  type KafkaConnection,
} from "../platform/bus/index.ts";
import type { Config, Secrets } from "../platform/config/index.ts";
import { isStorageOutage, type Database } from "../platform/database.ts";
import type { Logger } from "../platform/log.ts";
import { SpoolError } from "../spool/index.ts";
import { TOPICS } from "./topics.ts";

type BusSettings = Pick<
  Config,
  | "KAFKA_BROKERS"
  | "NODE_NAME"
  | "KAFKA_PREFIX"
  | "KAFKA_TLS"
  | "KAFKA_CA_FILE"
  | "KAFKA_USERNAME"
  | "KAFKA_SASL_MECHANISM"
>;

/** Where the configured brokers are; undefined: there are none. Throws when the file of the authority cannot be read. */
export function connectionOf(
  config: BusSettings,
  secrets: Pick<Secrets, "kafka">,
): KafkaConnection | undefined {
  if (config.KAFKA_BROKERS.length === 0 || config.NODE_NAME === undefined) return undefined;
  const { KAFKA_CA_FILE: caFile, KAFKA_USERNAME: username, KAFKA_SASL_MECHANISM: mechanism } = config;
  const password = secrets.kafka;
  return {
    brokers: config.KAFKA_BROKERS.map(
      ({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`,
    ),
    node: config.NODE_NAME,
    prefix: config.KAFKA_PREFIX,
    ...(config.KAFKA_TLS && { tls: { ca: caFile === undefined ? undefined : readFileSync(caFile, "utf8") } }),
    ...(username !== undefined && password !== undefined && { sasl: { mechanism, username, password } }),
  };
}

export type OpenBus = { bus: Bus; kafka: KafkaBus | undefined };

/** The bus of this process, which keeps its place in `db`: over the brokers where there are some. */
export function openBus(
  db: Database,
  connection: KafkaConnection | undefined,
  { log, now }: { log: Logger; now: () => number },
): OpenBus {
  const options = {
    isOutage: (error: unknown) =>
      (error instanceof SpoolError && error.kind !== "fault") || isStorageOutage(error),
  };
  if (!connection) {
    const compacted = TOPICS.filter((topic) => topic.compacted).map(({ name }) => name);
    return { bus: createEmbeddedBus(db, log, { ...options, compacted }), kafka: undefined };
  }
  const kafka = createKafkaBus(db, log, { ...options, connection, topics: TOPICS, now });
  return { bus: kafka, kafka };
}
