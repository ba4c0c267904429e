import { describe, expect, test } from "vitest";
import { judgeBrokers } from "./judge.ts";
import type { BrokersView, TopicView } from "./kafka-inspect.ts";
import { judgeLocal } from "./local-view.ts";
import { brokerSettings, type BusTopic } from "./topics.ts";

const facts: BusTopic = { name: "facts", partitions: 6 };
const state: BusTopic = { name: "state", partitions: 1, compacted: true };
const TOPICS = [facts, state];

const asMade = (topic: BusTopic, change: Partial<TopicView> = {}): TopicView => ({
  name: topic.name,
  partitions: topic.partitions,
  copies: 3,
  inSync: 3,
  ...change,
  settings: { ...brokerSettings(topic), "min.insync.replicas": "2", ...change.settings },
});
const view = (change: Partial<BrokersView> = {}): BrokersView => ({
  brokers: ["k1:9092", "k2:9092", "k3:9092"],
  topics: [asMade(facts), asMade(state)],
  places: [
    { topic: "facts", node: "core1", behind: 3 },
    { topic: "state", node: "mx1", behind: 0 },
  ],
  ...change,
});
const statuses = (of: BrokersView) =>
  judgeBrokers(of, TOPICS, "eu-")
    .filter(({ status }) => status !== "ok")
    .map(({ about, status, text }) => `${status} ${about}: ${text}`);

describe("what is at the brokers", () => {
  test.each<[string, Partial<BrokersView>, RegExp[]]>([
    ["all as it was made", {}, []],
    [
      "more is kept than we need",
      { topics: [asMade(facts, { settings: { "retention.ms": "-1" } }), asMade(state)] },
      [],
    ],
    ["a topic that is not there", { topics: [asMade(facts)] }, [/^fail state: there is no topic eu-state$/]],
    [
      "a compacted topic that deletes",
      { topics: [asMade(facts), asMade(state, { settings: { "cleanup.policy": "delete" } })] },
      [/^fail state: cleanup.policy is delete, and should be compact$/],
    ],
    [
      "facts that are gone after an hour",
      { topics: [asMade(facts, { settings: { "retention.ms": "3600000" } }), asMade(state)] },
      [/^fail facts: retention.ms is 3600000/],
    ],
    [
      "an order that is lost",
      { topics: [asMade(facts), asMade(state, { partitions: 3 })] },
      [/^fail state: 3 partitions/],
    ],
    [
      "other partitions",
      { topics: [asMade(facts, { partitions: 12 }), asMade(state)] },
      [/^warn facts: 12 partitions/],
    ],
    [
      "a broker that is away",
      { topics: [asMade(facts, { inSync: 2 }), asMade(state)] },
      [/^warn facts: 2 of 3 copies/],
    ],
    [
      "a loss that nobody would notice",
      { topics: [asMade(facts, { settings: { "min.insync.replicas": "1" } }), asMade(state)] },
      [/^warn facts: one copy alone/],
    ],
    [
      "one copy on several brokers",
      { topics: [asMade(facts, { copies: 1, inSync: 1 }), asMade(state)] },
      [/^warn copies: some topics are on one broker only/],
    ],
    ["one broker", { brokers: ["k1:9092"] }, [/^warn copies: there is one broker/]],
    [
      "a node that is away",
      { places: [{ topic: "facts", node: "core1", behind: 5_000 }] },
      [/^warn facts: node core1 is 5000 messages behind$/],
    ],
    [
      "nobody does what one has to",
      { places: [{ topic: "facts", node: null, behind: 5_000 }] },
      [/^warn facts: the relay nodes are 5000 messages behind$/],
    ],
  ])("%s", (_, change, expected) => {
    const found = statuses(view(change));
    expect(found).toHaveLength(expected.length);
    expected.forEach((pattern, i) => expect(found[i]).toMatch(pattern));
  });

  test("whatever is not right comes with what to do", () => {
    const bad = view({ brokers: ["k1:9092"], topics: [], places: [] });
    for (const finding of judgeBrokers(bad, TOPICS, ""))
      expect(finding.status === "ok" || (finding.remedy ?? "") !== "").toBe(true);
  });
});

describe("what is here", () => {
  test.each([
    ["nothing", { waiting: 0, dead: [] }, true, ["ok outbox"]],
    ["much, and the brokers answer", { waiting: 5_000, dead: [] }, true, ["warn outbox"]],
    ["much, and the brokers are away", { waiting: 5_000, dead: [] }, false, ["ok outbox"]],
    [
      "what no handler could take",
      { waiting: 1, dead: [{ topic: "facts", count: 2, error: "no" }] },
      true,
      ["fail facts", "ok outbox"],
    ],
  ])("%s", (_, local, reachable, expected) => {
    expect(judgeLocal(local, reachable).map(({ about, status }) => `${status} ${about}`)).toEqual(expected);
  });
});
