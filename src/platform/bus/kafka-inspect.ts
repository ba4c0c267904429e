import { Admin, ConfigResourceTypes } from "@platformatic/kafka";
import { clientOptions, groupOf, topicAtBrokers, type KafkaConnection } from "./kafka-connection.ts";
import { brokerSettings, type BusTopic } from "./topics.ts";
import { LEAVING_MS, within } from "./within.ts";

/** A topic as it is at the brokers. */
export type TopicView = {
  name: string;
  partitions: number;
  /** Copies of the partition that has the fewest, and how many of those keep up. */
  copies: number;
  inSync: number;
  /** Kafka's names, among those that we set, and `min.insync.replicas`. */
  settings: Record<string, string>;
};

/** How far a node (null: all that share the topic) is with a topic. */
export type PlaceView = { topic: string; node: string | null; behind: number };

export type BrokersView = {
  brokers: string[];
  /** Only those that are there. */
  topics: TopicView[];
  places: PlaceView[];
};

const ASKING_MS = 20_000;
const LATEST = -1n;

/** What is at the brokers. Throws when they cannot be reached, or refuse. */
export async function inspectBrokers(
  connection: KafkaConnection,
  topics: readonly BusTopic[],
): Promise<BrokersView> {
  const admin = new Admin(clientOptions(connection));
  try {
    return await within(ASKING_MS, inspect(admin, connection, topics));
  } finally {
    await within(LEAVING_MS, admin.close()).catch(() => undefined);
  }
}

async function inspect(
  admin: Admin,
  connection: KafkaConnection,
  topics: readonly BusTopic[],
): Promise<BrokersView> {
  const there = new Set(await admin.listTopics());
  const known = topics.filter(({ name }) => there.has(topicAtBrokers(connection, name)));
  const names = known.map(({ name }) => topicAtBrokers(connection, name));
  const metadata = await admin.metadata({ topics: names, forceUpdate: true });
  const brokers = [...metadata.brokers.values()].map(({ host, port }) => `${host}:${port}`).toSorted();
  if (known.length === 0) return { brokers, topics: [], places: [] };

  const configs = await admin.describeConfigs({
    resources: names.map((resourceName) => ({
      resourceType: ConfigResourceTypes.TOPIC,
      resourceName,
      configurationKeys: null,
    })),
  });
  const views = known.map((topic): TopicView => {
    const name = topicAtBrokers(connection, topic.name);
    const partitions = metadata.topics.get(name)?.partitions ?? [];
    const wanted = new Set([...Object.keys(brokerSettings(topic)), "min.insync.replicas"]);
    const settings = configs.find(({ resourceName }) => resourceName === name)?.configs ?? [];
    return {
      name: topic.name,
      partitions: partitions.length,
      copies: Math.min(...partitions.map(({ replicas }) => replicas.length)),
      inSync: Math.min(...partitions.map(({ isr }) => isr.length)),
      settings: Object.fromEntries(
        settings.filter((one) => wanted.has(one.name)).map((one) => [one.name, one.value ?? ""]),
      ),
    };
  });
  return { brokers, topics: views, places: await placesOf(admin, connection, known, views) };
}

async function placesOf(
  admin: Admin,
  connection: KafkaConnection,
  topics: readonly BusTopic[],
  views: readonly TopicView[],
): Promise<PlaceView[]> {
  const ends = await admin.listOffsets({
    topics: views.map(({ name, partitions }) => ({
      name: topicAtBrokers(connection, name),
      partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
        partitionIndex,
        timestamp: LATEST,
      })),
    })),
  });
  const groups = [...(await admin.listGroups()).keys()];
  const places: PlaceView[] = [];
  for (const topic of topics) {
    const name = topicAtBrokers(connection, topic.name);
    const ofNode = groupOf({ ...connection, node: "" }, topic);
    for (const group of groups) {
      const node = topic.oneNode ? null : group.slice(ofNode.length);
      if (topic.oneNode ? group !== ofNode : !group.startsWith(ofNode) || node === "" || node?.includes("."))
        continue;
      const [committed] = await admin.listConsumerGroupOffsets({ groups: [group] });
      const partitions = committed?.topics.find((one) => one.name === name)?.partitions ?? [];
      const end = ends.find((one) => one.name === name)?.partitions ?? [];
      const behind = end.reduce((sum, { partitionIndex, offset }) => {
        const place = partitions.find((one) => one.partitionIndex === partitionIndex)?.committedOffset ?? 0n;
        return sum + Math.max(0, Number(offset - (place < 0n ? 0n : place)));
      }, 0);
      places.push({ topic: topic.name, node, behind });
    }
  }
  return places;
}
