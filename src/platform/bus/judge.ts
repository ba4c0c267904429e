import type { BrokersView } from "./kafka-inspect.ts";
import { brokerSettings, type BusTopic } from "./topics.ts";

/** `remedy`: what to do, of everything that is not `ok`. */
export type BusFinding = { about: string; status: "ok" | "warn" | "fail"; text: string; remedy?: string };

/** More than this, and somebody is away. */
const FAR_BEHIND = 1_000;

/** Compares what is at the brokers with what there should be. Pure. */
export function judgeBrokers(view: BrokersView, topics: readonly BusTopic[], prefix: string): BusFinding[] {
  const findings: BusFinding[] = [];
  const { brokers } = view;
  findings.push({
    about: "brokers",
    status: "ok",
    text: `${brokers.length} ${brokers.length === 1 ? "answers" : "answer"}: ${brokers.join(", ")}`,
  });
  for (const topic of topics) findings.push(...judgeTopic(view, topic, prefix));
  const copies = Math.min(...view.topics.map((one) => one.copies));
  if (brokers.length > 1 && copies === 1)
    findings.push({
      about: "copies",
      status: "warn",
      text: "some topics are on one broker only, and are lost with its disk",
      remedy:
        "Set default.replication.factor=3 at the brokers, and move the topics (kafka-reassign-partitions).",
    });
  if (brokers.length === 1)
    findings.push({
      about: "copies",
      status: "warn",
      text: "there is one broker: while it is away nodes go on alone, and what its disk loses is lost",
      remedy:
        "Three brokers, with default.replication.factor=3 and min.insync.replicas=2, bear the loss of one.",
    });
  return findings;
}

function judgeTopic(view: BrokersView, topic: BusTopic, prefix: string): BusFinding[] {
  const about = topic.name;
  const name = prefix + topic.name;
  const there = view.topics.find((one) => one.name === topic.name);
  if (!there)
    return [
      {
        about,
        status: "fail",
        text: `there is no topic ${name}`,
        remedy: "A node makes it at its start where it may (ACL: Create, Describe); else make it by hand.",
      },
    ];
  const findings: BusFinding[] = [];
  const add = (status: "warn" | "fail", text: string, remedy: string) =>
    findings.push({ about, status, text, remedy });
  if (topic.partitions === 1 && there.partitions !== 1)
    add(
      "fail",
      `${there.partitions} partitions instead of one: its order is lost`,
      `Stop all nodes, delete ${name} and start them again.`,
    );
  if (topic.partitions > 1 && there.partitions !== topic.partitions)
    add(
      "warn",
      `${there.partitions} partitions, made with ${topic.partitions}`,
      "Leave it: a change while messages are on their way mixes up their order.",
    );
  for (const [setting, wanted] of Object.entries(brokerSettings(topic))) {
    const is = there.settings[setting];
    if (is === wanted) continue;
    // Somebody may well keep more than we need.
    const isMore = isNumber(is) && isNumber(wanted) && (Number(is) >= Number(wanted) || Number(is) < 0);
    if (isMore) continue;
    add(
      "fail",
      `${setting} is ${is ?? "not known"}, and should be ${wanted}`,
      `kafka-configs --alter --entity-type topics --entity-name ${name} --add-config ${setting}=${wanted}`,
    );
  }
  if (there.inSync < there.copies)
    add("warn", `${there.inSync} of ${there.copies} copies keep up`, "Look which broker is away.");
  const least = Number(there.settings["min.insync.replicas"] ?? 1);
  if (there.copies >= 3 && least < 2)
    add(
      "warn",
      "one copy alone may take a message, and a broker's loss can lose it",
      `kafka-configs --alter --entity-type topics --entity-name ${name} --add-config min.insync.replicas=2`,
    );
  for (const { node, behind } of view.places.filter((place) => place.topic === topic.name)) {
    if (behind <= FAR_BEHIND) continue;
    const who = node === null ? "the relay nodes are" : `node ${node} is`;
    add(
      "warn",
      `${who} ${behind} messages behind`,
      node === null
        ? "Look whether any of them runs."
        : `Look whether it runs; one that is gone for good is forgotten with: kafka-consumer-groups --delete --group ${name}.${node}`,
    );
  }
  return findings.length > 0
    ? findings
    : [{ about, status: "ok", text: `${there.partitions} partitions, ${there.copies} copies` }];
}

const isNumber = (text: string | undefined) => text !== undefined && /^-?\d+$/.test(text);
