import { Admin, Producer, stringSerializers } from "@platformatic/kafka";
import type { Database } from "../database.ts";
import type { Logger } from "../log.ts";
import {
  clientOptions,
  ORIGIN_HEADER,
  SCHEMA,
  SCHEMA_HEADER,
  topicAtBrokers,
  type KafkaConnection,
} from "./kafka-connection.ts";
import { createTopics } from "./kafka-topics.ts";
import type { BusTopic } from "./topics.ts";
import { createWorker } from "./worker.ts";

type Row = { seq: number; topic: string; key: string; value: string; origin: string };
type TextProducer = Producer<string, string, string, string>;

const AT_ONCE = 500;

export type SenderParts = {
  db: Database;
  connection: KafkaConnection;
  topics: readonly BusTopic[];
  log: Logger;
};

/**
 * Takes what waits in `bus_out` to the brokers, in order, until all of them in sync have it. What was sent and not yet
 * crossed out when a process dies is sent again, under the same origin and number.
 */
export function createSender({ db, connection, topics, log }: SenderParts) {
  let producer: TextProducer | undefined;
  let isMade = false;

  const next = () =>
    db.all<Row>("SELECT seq, topic, key, value, origin FROM bus_out ORDER BY seq LIMIT ?", AT_ONCE);

  async function send(): Promise<"more" | "idle"> {
    if (!isMade) {
      const admin = new Admin(clientOptions(connection));
      try {
        await createTopics(admin, connection, topics);
        isMade = true;
      } finally {
        await admin.close();
      }
    }
    const rows = next();
    const last = rows.at(-1);
    if (!last) return "idle";
    producer ??= new Producer({
      ...clientOptions(connection),
      serializers: stringSerializers,
      idempotent: true,
      acks: -1,
    });
    await producer.send({
      messages: rows.map(({ seq, topic, key, value, origin }) => ({
        topic: topicAtBrokers(connection, topic),
        key,
        value,
        headers: new Map([
          [SCHEMA_HEADER, SCHEMA],
          [ORIGIN_HEADER, `${origin}:${seq}`],
        ]),
      })),
    });
    db.run("DELETE FROM bus_out WHERE seq <= ?", last.seq);
    return rows.length === AT_ONCE ? "more" : "idle";
  }

  /** A producer that failed may have lost its place in its own numbering. */
  async function forget(): Promise<void> {
    const old = producer;
    producer = undefined;
    await old?.close(true).catch(() => undefined);
  }

  const worker = createWorker({
    what: "messages do not go to the brokers; they wait here",
    work: send,
    onFailure: forget,
    log,
  });
  return {
    wake: worker.wake,
    /** Messages that wait. */
    depth: (): number => db.get<{ n: number }>("SELECT count(*) AS n FROM bus_out")!.n,
    /** Resolves once nothing waits. */
    drained: worker.idle,
    async close(): Promise<void> {
      await worker.close();
      await forget();
    },
  };
}
