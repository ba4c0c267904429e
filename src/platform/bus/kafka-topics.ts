import { MultipleErrors, type Admin } from "@platformatic/kafka";
import { topicAtBrokers, type KafkaConnection } from "./kafka-connection.ts";
import { brokerSettings, type BusTopic } from "./topics.ts";

/** Makes the topics that are not there. Those that are stay as somebody set them: `atmos bus doctor` compares. */
export async function createTopics(
  admin: Admin,
  connection: KafkaConnection,
  topics: readonly BusTopic[],
): Promise<void> {
  const there = new Set(await admin.listTopics());
  for (const topic of topics) {
    const name = topicAtBrokers(connection, topic.name);
    if (there.has(name)) continue;
    try {
      await admin.createTopics({
        topics: [name],
        partitions: topic.partitions,
        // -1: as many copies as the brokers make by default.
        replicas: -1,
        configs: Object.entries(brokerSettings(topic)).map(([key, value]) => ({ name: key, value })),
      });
    } catch (error) {
      // Another node was faster.
      if (!(error instanceof MultipleErrors && error.findBy("apiId", "TOPIC_ALREADY_EXISTS"))) throw error;
    }
  }
}
