import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY_MS } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { createSuppressionCopy, suppressionCopyMigration } from "./copy.ts";
import { createSuppressionStore, suppressionMigration } from "./store.ts";
import type { NewSuppression } from "./types.ts";

const NOW = Date.UTC(2026, 0, 1);
const ADA = "did:plc:ada";
const entry = (change: Partial<NewSuppression> = {}): NewSuppression => ({
  did: ADA,
  streams: "all",
  key: "k",
  domain: "bigmail.test",
  reason: "bad-mailbox",
  source: "event",
  createdAt: NOW,
  expiresAt: NOW + 14 * DAY_MS,
  evidence: { code: 550, enhanced: "5.1.1", text: "no such user", provider: "other" },
  messageId: null,
  ...change,
});

let core: Database;
let node: Database;
let store: ReturnType<typeof createSuppressionStore>;
let copy: ReturnType<typeof createSuppressionCopy>;
beforeEach(() => {
  core = new Database(":memory:", [suppressionMigration]);
  node = new Database(":memory:", [suppressionCopyMigration]);
  store = createSuppressionStore(core);
  copy = createSuppressionCopy(node);
});
afterEach(() => {
  core.close();
  node.close();
});
const reasons = (now = NOW) => store.inForce("k", now, ADA).map(({ reason }) => reason);

test.each<[string, Partial<NewSuppression>, Partial<NewSuppression>, string[]]>([
  ["a shorter one changes nothing", {}, { expiresAt: NOW + DAY_MS, reason: "inactive" }, ["bad-mailbox"]],
  ["a longer one replaces it", {}, { expiresAt: NOW + 90 * DAY_MS, reason: "inactive" }, ["inactive"]],
  [
    "a complaint replaces what a person put there",
    { reason: "manual", expiresAt: null },
    { reason: "complaint", expiresAt: null },
    ["complaint"],
  ],
  ["a bounce never replaces a complaint", { reason: "complaint", expiresAt: null }, {}, ["complaint"]],
  [
    "bulk and all stand beside each other",
    {},
    { streams: "bulk", reason: "unsubscribe" },
    ["unsubscribe", "bad-mailbox"],
  ],
])("%s", (_name, first, second, expected) => {
  store.put(entry(first), NOW);
  store.put(entry(second), NOW + 1);
  expect(reasons()).toEqual(expected);
});

test("it ends by itself, and may come again", () => {
  store.put(entry(), NOW);
  expect(reasons(NOW + 15 * DAY_MS)).toEqual([]);
  expect(store.put(entry({ expiresAt: NOW + 30 * DAY_MS }), NOW + 15 * DAY_MS)).toBe(true);
  expect(reasons(NOW + 15 * DAY_MS)).toEqual(["bad-mailbox"]);
});

test("a node knows what core knows, in whatever order and however often it is told", () => {
  store.put(entry(), NOW);
  const [first] = store.untold(10).changes;
  store.release(store.inForce("k", NOW)[0]!.id, "ada", NOW + 1);
  const [released] = store.untold(10).changes;
  expect(copy.apply([first!])).toHaveLength(1);
  expect(copy.check(ADA, "k", undefined, NOW)?.words).toBe("550 5.1.1 no such user");
  expect(copy.check(ADA, "k", undefined, NOW + 14 * DAY_MS)).toBeUndefined();
  expect(copy.check("did:plc:ben", "k", undefined, NOW)).toBeUndefined();
  copy.apply([released!, first!]);
  copy.apply([first!]);
  expect(copy.check(ADA, "k", undefined, NOW)).toBeUndefined();
  expect(copy.known()).toBe(released!.version);
});

test("what was told is not told again, unless a node knows less", () => {
  store.put(entry(), NOW);
  const { from, changes } = store.untold(10);
  const [told] = changes;
  store.told(from, told!.version);
  expect(store.untold(10).changes).toEqual([]);
  store.tellFrom(0);
  expect(store.untold(10).changes).toEqual([told]);
  // A node that asks while others are told is not forgotten.
  store.told(told!.version, told!.version + 1);
  expect(store.untold(10).changes).toEqual([told]);
});

test("an incident of a provider takes back its refusals alone, and what they brought", () => {
  const seen = { key: "k", did: ADA, at: NOW, class: "bad-mailbox", late: false };
  store.sight({ ...seen, event: "one", provider: "google" });
  store.sight({ ...seen, event: "two", provider: "yahoo" });
  expect(store.sight({ ...seen, event: "two", provider: "yahoo" })).toBe(false);
  store.put(entry({ source: "one" }), NOW);
  const taken = store.takeBack("google", NOW - 1, NOW + 1);
  expect(taken).toEqual([{ event: "one", key: "k" }]);
  const events = taken.map(({ event }) => event);
  expect(store.bySource(events).map(({ source }) => source)).toEqual(["one"]);
  expect(store.sightings("k", "three")).toHaveLength(1);
});

test("ended entries are forgotten, on a node after two days", () => {
  store.put(entry(), NOW);
  copy.apply(store.untold(10).changes);
  expect(copy.prune(NOW + 15 * DAY_MS)).toBe(0);
  expect(copy.prune(NOW + 17 * DAY_MS)).toBe(1);
});
