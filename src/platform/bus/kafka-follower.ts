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
import { LEAVING_MS, within } from "./within.ts";

type TextMessage = Message<string, string, string, string>;
type TextConsumer = Consumer<string, string, string, string>;
type TextStream = MessagesStream<string, string, string, string>;

const AT_ONCE = 500;
/** How long a fetch may wait at a broker for news. */
const FETCH_MS = 500;
/** After a broker was away the stream can stand still without an error: no answer for so long, and it is begun anew. */
const STALLED_MS = 8_000;
/** To join a group; a client whose broker goes away meanwhile may never answer. */
const JOINING_MS = 30_000;
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
  const closing = new AbortController();
  const isClosed = () => closing.signal.aborted;
  let wakeUp: (() => void) | undefined;
  let consumer: TextConsumer | undefined;
  let stream: TextStream | undefined;

  const placeOf = (part: number) =>
    db.get<{ position: number }>(
      "SELECT position FROM bus_place WHERE topic = ? AND part = ?",
      topic.name,
      part,
    )?.position;

  const placeAfter = (part: number) => BigInt((placeOf(part) ?? -1) + 1);

  /** Up to where the nodes that share the topic have taken it, by partition. */
  async function committed(of: TextConsumer, partitions: number): Promise<bigint[]> {
    const all = Array.from({ length: partitions }, (_, part) => part);
    const places = await of.listCommittedOffsets({ topics: [{ topic: name, partitions: all }] });
    return all.map((part) => places.get(name)?.[part] ?? 0n).map((place) => (place < 0n ? 0n : place));
  }

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
      const after = placeAfter(partition);
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
      maxWaitTime: FETCH_MS,
      sessionTimeout: 10_000,
      heartbeatInterval: 1_000,
    });
    consumer = own;
    let watchdog: NodeJS.Timeout | undefined;
    try {
      // What the brokers no longer have is for `places` to say, not to be skipped.
      const how = topic.oneNode
        ? ({ mode: "committed", fallbackMode: "earliest" } as const)
        : ({ mode: "manual", fallbackMode: "fail", offsets: await within(JOINING_MS, places(own)) } as const);
      if (isClosed()) return;
      const messages = await within(JOINING_MS, own.consume({ topics: [name], ...how }));
      // `for await` reports the error; one that comes before or after it must not end the process.
      messages.on("error", () => undefined);
      stream = messages;
      if (isClosed()) return;
      watchdog = setTimeout(
        () => messages.destroy(new Error(`the brokers have not answered for ${STALLED_MS} ms`)),
        STALLED_MS,
      );
      const isAlive = () => void watchdog!.refresh();
      messages.on("fetch", isAlive);
      own.on("consumer:heartbeat:end", () => {
        // Of a topic that nodes share, this one may have no part.
        if (!own.assignments?.some(({ partitions }) => partitions.length > 0)) isAlive();
      });
      log.debug({ topic: name }, "following");
      let batch: TextMessage[] = [];
      for await (const message of messages) {
        failures = 0;
        batch.push(message);
        if (messages.readableLength > 0 && batch.length < AT_ONCE) continue;
        await store(batch, own);
        isAlive();
        batch = [];
      }
    } finally {
      clearTimeout(watchdog);
      await leave(own);
      stream = undefined;
      consumer = undefined;
    }
  }

  /** Out of the group as well, so that the others need not wait for the end of a session. */
  async function leave(own: TextConsumer): Promise<void> {
    stream?.destroy();
    await within(LEAVING_MS, own.close(true)).catch(() => undefined);
  }

  let failures = 0;
  const running = (async () => {
    while (!isClosed()) {
      try {
        await follow();
      } catch (err) {
        if (isClosed()) break;
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
      const taken = topic.oneNode
        ? await committed(consumer, ends.length)
        : ends.map((_, part) => placeAfter(part));
      return ends.reduce((sum, end, part) => sum + Math.max(0, Number(end - taken[part]!)), 0);
    },
    isFollowing: (): boolean => stream !== undefined,
    async close(): Promise<void> {
      closing.abort();
      wakeUp?.();
      stream?.destroy();
      await within(LEAVING_MS, running).catch(() => undefined);
      // It was joining: that ends with its client.
      await within(LEAVING_MS, consumer?.close(true)).catch(() => undefined);
      await running;
    },
  };
}
