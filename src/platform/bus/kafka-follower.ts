import {
  Consumer,
  ListOffsetTimestamps,
  stringDeserializers,
  type Message,
  type MessagesStream,
} from "@platformatic/kafka";
import type { Database } from "../database.ts";
import type { Logger } from "../log.ts";
import {
  clientOptions,
  groupOf,
  ORIGIN_HEADER,
  SCHEMA,
  SCHEMA_HEADER,
  topicAtBrokers,
  type KafkaConnection,
} from "./kafka-connection.ts";
import type { BusTopic } from "./topics.ts";

type TextMessage = Message<string, string, string, string>;
type TextConsumer = Consumer<string, string, string, string>;
type TextStream = MessagesStream<string, string, string, string>;

const AT_ONCE = 500;
const RETRY_MS = [250, 500, 1_000, 2_000, 5_000] as const;

export type FollowerParts = {
  db: Database;
  connection: KafkaConnection;
  topic: BusTopic;
  /** Puts a message into the local copy; in the transaction that notes the place. */
  keep: (topic: string, key: string, value: string) => void;
  /** Something new is in the local copy. */
  onNews: () => void;
  now: () => number;
  log: Logger;
};

/**
 * Copies a topic of the brokers into the local one, each message once: place and message are written in one transaction,
 * and what its sender sent twice is known by origin and number. Ends by itself never; whatever fails is tried again.
 */
export function createFollower(parts: FollowerParts) {
  const { db, connection, topic, log } = parts;
  const name = topicAtBrokers(connection, topic.name);
  let closed = false;
  let wakeUp: (() => void) | undefined;
  let consumer: TextConsumer | undefined;
  let stream: TextStream | undefined;

  const placeOf = (part: number) =>
    db.get<{ position: number }>(
      "SELECT position FROM bus_place WHERE topic = ? AND part = ?",
      topic.name,
      part,
    )?.position;

  /** False: it was taken over before. */
  function take(message: TextMessage): boolean {
    const part = message.partition;
    const position = Number(message.offset);
    // Of a topic that nodes share, another node took what came between; a place says nothing there.
    if (!topic.oneNode && position <= (placeOf(part) ?? -1)) return false;
    db.run(
      "INSERT OR REPLACE INTO bus_place (topic, part, position) VALUES (?, ?, ?)",
      topic.name,
      part,
      position,
    );
    const [, origin = "", number = ""] =
      /^([\w-]+):(\d+)$/.exec(message.headers.get(ORIGIN_HEADER) ?? "") ?? [];
    if (origin !== "") {
      const seen = db.get<{ seq: number }>(
        "SELECT seq FROM bus_seen WHERE topic = ? AND part = ? AND origin = ?",
        topic.name,
        part,
        origin,
      );
      if (seen && seen.seq >= Number(number)) return false;
      db.run(
        "INSERT OR REPLACE INTO bus_seen (topic, part, origin, seq, at) VALUES (?, ?, ?, ?, ?)",
        topic.name,
        part,
        origin,
        Number(number),
        parts.now(),
      );
    }
    // A tombstone says that a key is gone; none of our topics has any.
    if (message.value === undefined) return false;
    parts.keep(topic.name, message.key, message.value);
    return true;
  }

  async function store(batch: readonly TextMessage[], from: TextConsumer): Promise<void> {
    const foreign = batch.find(({ headers }) => (headers.get(SCHEMA_HEADER) ?? SCHEMA) !== SCHEMA);
    if (foreign)
      throw new Error(
        `a message of ${name} has schema ${foreign.headers.get(SCHEMA_HEADER)}, and this version knows ${SCHEMA}: upgrade this node`,
      );
    const kept = db.transaction(() => batch.filter(take).length);
    if (kept > 0) parts.onNews();
    const ends = new Map(batch.map((message) => [message.partition, message.offset + 1n]));
    await from.commit({
      offsets: [...ends].map(([partition, offset]) => ({ topic: name, partition, offset, leaderEpoch: -1 })),
    });
  }

  /** Where to begin in each partition: after what is here, or with what the brokers still have. */
  async function places(of: TextConsumer): Promise<{ topic: string; partition: number; offset: bigint }[]> {
    const [first, end] = await Promise.all(
      [ListOffsetTimestamps.EARLIEST, ListOffsetTimestamps.LATEST].map(
        async (timestamp) => (await of.listOffsets({ topics: [name], timestamp })).get(name) ?? [],
      ),
    );
    return first!.map((earliest, partition) => {
      const after = BigInt((placeOf(partition) ?? -1) + 1);
      if (after > (end![partition] ?? 0n)) {
        log.error(
          { topic: name, partition, after },
          "the brokers have less than was here: read from their first",
        );
        db.run("DELETE FROM bus_place WHERE topic = ? AND part = ?", topic.name, partition);
        return { topic: name, partition, offset: earliest };
      }
      if (after < earliest && after > 0n)
        log.error({ topic: name, partition, after, earliest }, "messages are gone that were never here");
      return { topic: name, partition, offset: after > earliest ? after : earliest };
    });
  }

  async function follow(): Promise<void> {
    const own: TextConsumer = new Consumer({
      ...clientOptions(connection),
      groupId: groupOf(connection, topic),
      deserializers: stringDeserializers,
      autocommit: false,
      maxWaitTime: 500,
      sessionTimeout: 10_000,
      heartbeatInterval: 1_000,
    });
    consumer = own;
    try {
      const how = topic.oneNode
        ? ({ mode: "committed", fallbackMode: "earliest" } as const)
        : ({ mode: "manual", offsets: await places(own) } as const);
      if (closed) return;
      const messages = await own.consume({ topics: [name], ...how });
      stream = messages;
      log.debug({ topic: name }, "following");
      let batch: TextMessage[] = [];
      for await (const message of messages) {
        failures = 0;
        batch.push(message);
        if (messages.readableLength > 0 && batch.length < AT_ONCE) continue;
        await store(batch, own);
        batch = [];
      }
    } finally {
      stream = undefined;
      consumer = undefined;
      await own.close(true).catch(() => undefined);
    }
  }

  let failures = 0;
  const running = (async () => {
    while (!closed) {
      try {
        await follow();
      } catch (err) {
        if (closed) break;
        if (failures === 0)
          log.error({ err, topic: name }, "a topic cannot be followed; it goes on from here later");
        const wait = RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]!;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, wait);
          wakeUp = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    }
  })();

  return {
    /** How many messages the brokers have that are not here; throws while they cannot be asked. */
    async behind(): Promise<number> {
      if (!consumer) throw new Error(`${name} is not followed now`);
      const ends = (await consumer.listOffsets({ topics: [name] })).get(name) ?? [];
      return ends.reduce((sum, end, part) => sum + Math.max(0, Number(end) - 1 - (placeOf(part) ?? -1)), 0);
    },
    isFollowing: (): boolean => stream !== undefined,
    async close(): Promise<void> {
      closed = true;
      wakeUp?.();
      await stream?.close().catch(() => undefined);
      await consumer?.close(true).catch(() => undefined);
      await running;
    },
  };
}
