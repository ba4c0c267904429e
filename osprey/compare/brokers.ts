import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from "@platformatic/kafka";
import type { Envelope } from "../../src/event/index.ts";
import {
  clientOptions,
  SCHEMA_HEADER,
  type KafkaConnection,
} from "../../src/platform/bus/kafka-connection.ts";
import { createTopics } from "../../src/platform/bus/kafka-topics.ts";
import type { EffectsMessage } from "./differences.ts";

export const INPUT = "osprey.actions_input";
export const EFFECTS = "osprey.effects";
const AT_ONCE = 500;

export type Received = { key: string; schema: string | undefined; message: EffectsMessage };

export async function makeTopics(connection: KafkaConnection, partitions: number): Promise<void> {
  const admin = new Admin(clientOptions(connection));
  await createTopics(
    admin,
    connection,
    [INPUT, EFFECTS].map((name) => ({ name, partitions })),
  );
  await admin.close();
}

export async function feed(connection: KafkaConnection, events: readonly Envelope[]): Promise<void> {
  const producer = new Producer({
    ...clientOptions(connection),
    serializers: stringSerializers,
    idempotent: true,
    acks: -1,
  });
  for (let at = 0; at < events.length; at += AT_ONCE)
    await producer.send({
      messages: events.slice(at, at + AT_ONCE).map((envelope) => ({
        topic: INPUT,
        key: keyOf(envelope),
        value: JSON.stringify(envelope),
        headers: new Map([[SCHEMA_HEADER, "1"]]),
      })),
    });
  await producer.close();
}

/** As the plugin keys its messages. */
function keyOf({ data }: Envelope): string {
  const did: unknown = (data.data as { member?: { did?: unknown } | null }).member?.did;
  return typeof did === "string" && /^[ -~]{1,2048}$/.test(did) ? did : data.action_id;
}

/** Everything on the effects topic from its beginning; it goes on filling until `stop`. */
export async function listen(
  connection: KafkaConnection,
): Promise<{ received: Received[]; stop: () => Promise<void> }> {
  const consumer = new Consumer({
    ...clientOptions(connection),
    groupId: "compare",
    deserializers: stringDeserializers,
    autocommit: false,
    maxWaitTime: 200,
  });
  const stream = await consumer.consume({ topics: [EFFECTS], mode: "earliest" });
  const received: Received[] = [];
  stream.on("data", ({ key, value, headers }) =>
    received.push({
      key,
      schema: headers.get(SCHEMA_HEADER),
      message: JSON.parse(value ?? "null") as EffectsMessage,
    }),
  );
  return { received, stop: () => consumer.close(true) };
}
