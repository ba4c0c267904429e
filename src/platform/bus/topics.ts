/**
 * A topic as the brokers hold it. One partition keeps a topic in one order; more share it out by key, each key in order.
 * `compacted`: only the latest message of each key matters, and that is kept for good. `oneNode`: each message is for one
 * node of those that follow the topic, not for all.
 */
export type BusTopic = {
  name: string;
  partitions: number;
  compacted?: true;
  /** What a single host published is not for brokers: whoever publishes says it again, in another form. */
  private?: true;
  oneNode?: true;
  /** How long brokers keep what is not compacted. */
  retentionMs?: number;
  /** The largest message, in octets; default: as the brokers have it, which is 1 MiB. */
  maxBytes?: number;
};

const DAY_MS = 86_400_000;
const USUAL_RETENTION_MS = 14 * DAY_MS;

/** Settings of a topic at the brokers (Kafka's names). */
export function brokerSettings(topic: BusTopic): Record<string, string> {
  const size: Record<string, string> =
    topic.maxBytes === undefined ? {} : { "max.message.bytes": String(topic.maxBytes) };
  if (topic.compacted)
    // A delete marker is there for a week, so that a node that was away that long still learns of it.
    return { "cleanup.policy": "compact", "delete.retention.ms": String(7 * DAY_MS), ...size };
  return {
    ...size,
    "cleanup.policy": "delete",
    "retention.ms": String(topic.retentionMs ?? USUAL_RETENTION_MS),
  };
}
