import { randomBytes } from "node:crypto";
import type { BaseOptions } from "@platformatic/kafka";
import type { BusTopic } from "./topics.ts";

/** Where the brokers are, and as whom this node comes. */
export type KafkaConnection = {
  /** `host:port`. */
  brokers: readonly string[];
  /** Names this node to the brokers, and its own consumer groups. */
  node: string;
  /** Before each topic and group, so that one cluster can carry several cooperatives. */
  prefix: string;
  /** TLS with these authorities (PEM); with none of its own those of the system. Undefined: in clear. */
  tls?: { ca?: string | undefined } | undefined;
  sasl?:
    | { mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512"; username: string; password: string }
    | undefined;
};

const CONNECT_MS = 5_000;
const REQUEST_MS = 15_000;

export function clientOptions({ brokers, node, tls, sasl }: KafkaConnection): BaseOptions {
  return {
    clientId: `atmos-${node}`,
    bootstrapBrokers: [...brokers],
    connectTimeout: CONNECT_MS,
    requestTimeout: REQUEST_MS,
    // Who calls tries again in its own time.
    retries: 1,
    ...(tls && { tls: tls.ca === undefined ? {} : { ca: tls.ca }, tlsServerName: true }),
    ...(sasl && { sasl: { ...sasl } }),
  };
}

export const topicAtBrokers = ({ prefix }: KafkaConnection, name: string): string => `${prefix}${name}`;

/** Each node follows a topic for itself, or all share it. */
export const groupOf = ({ prefix, node }: KafkaConnection, { name, oneNode }: BusTopic): string =>
  oneNode ? `${prefix}${name}` : `${prefix}${name}.${node}`;

/** Of one run of a process: whatever it numbers from one is numbered by nobody else. */
export const newOrigin = (): string => randomBytes(9).toString("base64url");

/** Headers of each message: which form its value has, and who sent it as which of its messages. */
export const SCHEMA_HEADER = "atmos-schema";
export const ORIGIN_HEADER = "atmos-origin";
export const SCHEMA = "1";
