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
import { LEAVING_MS, within } from "./within.ts";
import { createWorker } from "./worker.ts";

type Row = { seq: number; topic: string; key: string; value: string; origin: string };
type TextProducer = Producer<string, string, string, string>;

const AT_ONCE = 500;
const SENDING_MS = 30_000;

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
        await within(SENDING_MS, createTopics(admin, connection, topics));
        isMade = true;
      } finally {
        await end(admin);
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
    const sent = producer.send({
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
    await within(SENDING_MS, sent);
    db.run("DELETE FROM bus_out WHERE seq <= ?", last.seq);
    return rows.length === AT_ONCE ? "more" : "idle";
  }

  /** A producer that failed may have lost its place in its own numbering. */
  async function forget(): Promise<void> {
    const old = producer;
    producer = undefined;
    if (old) await end(old);
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
      const ended = worker.close();
      await within(LEAVING_MS, ended).catch(forget);
      await ended;
      await forget();
    },
  };
}

const end = (client: Admin | TextProducer): Promise<void> =>
  within(LEAVING_MS, client instanceof Admin ? client.close() : client.close(true)).catch(() => undefined);
