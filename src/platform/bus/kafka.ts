import type { Database } from "../database.ts";
import type { Logger } from "../log.ts";
import { createEmbeddedBus, type EmbeddedBusOptions } from "./embedded.ts";
import { newOrigin, type KafkaConnection } from "./kafka-connection.ts";
import { createFollower } from "./kafka-follower.ts";
import { createSender } from "./kafka-sender.ts";
import type { BusTopic } from "./topics.ts";
import type { Bus, BusEntry } from "./types.ts";

export type KafkaBusOptions = Omit<EmbeddedBusOptions, "compacted"> & {
  connection: KafkaConnection;
  topics: readonly BusTopic[];
  now: () => number;
};

export type KafkaBus = Bus & {
  /** Messages that wait here for the brokers. */
  waiting(): number;
  /** Of each topic that is followed: whether it is, and how far behind; null while the brokers cannot be asked. */
  followed(): Promise<{ topic: string; isFollowing: boolean; behind: number | null }[]>;
};

const SEEN_MS = 30 * 86_400_000;
const PAUSE_MS = 20;

/**
 * The bus of several hosts. What is published is on the local disk first and goes to the brokers from there; what they have
 * is copied to the local disk first and handled from there, as the embedded bus does it. So nothing waits for the brokers:
 * without them facts gather here, and each is handled once however often it came.
 */
export function createKafkaBus(db: Database, log: Logger, options: KafkaBusOptions): KafkaBus {
  const { connection, topics, now } = options;
  const compacted = topics.filter((topic) => topic.compacted).map(({ name }) => name);
  const local = createEmbeddedBus(db, log, { ...options, compacted });
  const origin = newOrigin();
  const sender = createSender({ db, connection, topics, log });
  const followers = new Map<string, ReturnType<typeof createFollower>>();

  const topicOf = (name: string): BusTopic => {
    const topic = topics.find((one) => one.name === name);
    if (!topic) throw new Error(`the topic ${name} is in no list of topics`);
    return topic;
  };
  const hand = (topic: string, key: string, value: string) =>
    db.run("INSERT INTO bus_out (topic, key, value, origin) VALUES (?, ?, ?, ?)", topic, key, value, origin);
  const keep = (topic: string, key: string, value: string) =>
    void db.run("INSERT INTO bus_message (topic, key, value) VALUES (?, ?, ?)", topic, key, value);

  // A cooperative that leaves the single host takes along what holds now.
  db.transaction(() => {
    for (const { name: topic } of topics.filter((one) => one.compacted && !one.private)) {
      if (db.get("SELECT 1 FROM bus_moved WHERE topic = ?", topic)) continue;
      const rows = db.all<{ key: string; value: string }>(
        `SELECT key, value FROM bus_message WHERE topic = ?1 AND seq IN
           (SELECT max(seq) FROM bus_message WHERE topic = ?1 GROUP BY key) ORDER BY seq`,
        topic,
      );
      for (const { key, value } of rows) hand(topic, key, value);
      db.run("INSERT INTO bus_moved (topic) VALUES (?)", topic);
    }
  });
  sender.wake();

  function publish(topic: string, entries: readonly BusEntry[]): void {
    topicOf(topic);
    db.transaction(() => {
      for (const { key, value } of entries) hand(topic, key, JSON.stringify(value));
    });
    sender.wake();
  }

  return {
    hand: publish,
    async publish(topic, entries) {
      if (entries.length > 0) publish(topic, entries);
    },
    subscribe(topic, group, handle, knownUpTo) {
      const subscription = local.subscribe(topic, group, handle, knownUpTo);
      if (!followers.has(topic)) {
        const onNews = () => local.wake(topic);
        followers.set(
          topic,
          createFollower({ db, connection, topic: topicOf(topic), keep, onNews, now, log }),
        );
      }
      return subscription;
    },
    async settle() {
      for (;;) {
        await sender.drained();
        const behind = await Promise.all(
          [...followers.values()].map((follower) => follower.behind().catch(() => 1)),
        );
        await local.settle();
        if (sender.depth() === 0 && behind.every((n) => n === 0)) return;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    },
    async prune() {
      db.run("DELETE FROM bus_seen WHERE at < ?", now() - SEEN_MS);
      return local.prune();
    },
    waiting: () => sender.depth(),
    followed: () =>
      Promise.all(
        [...followers].map(async ([topic, follower]) => ({
          topic,
          isFollowing: follower.isFollowing(),
          behind: await follower.behind().catch(() => null),
        })),
      ),
    async close() {
      await Promise.all([...followers.values()].map((follower) => follower.close()));
      await local.close();
      await sender.close();
    },
  };
}
