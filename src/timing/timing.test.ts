import { expect, test } from "vitest";
import { eventMaker, type ActionName, type EventData } from "../event/index.ts";
import { DAY_MS } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { createTiming, quantile, timingMigration } from "./index.ts";

const NOW = Date.UTC(2026, 0, 10, 12);
const MINUTE = 60_000;

function setUp() {
  const timing = createTiming(new Database(":memory:", [timingMigration]));
  let n = 0;
  type How = {
    did?: string;
    to?: string;
    provider?: string;
    code?: boolean;
    message?: string;
    late?: boolean;
  };
  /** At `at`, of a message handed in `age` before. */
  function happened(action: ActionName, at: number, age: number, how: How = {}) {
    const {
      did = "did:plc:a",
      to = `k${++n}`,
      provider = "google",
      code = true,
      message = `m-${to}`,
      late,
    } = how;
    const data: EventData = {
      dedupe_key: `x${n}`,
      member: { did, domain: "a.test" },
      message: { id: message, size: 1, recipients: 1, stream: "transactional", received_at: at - age, code },
      recipient: { key: to, domain: "b.test" },
      smtp: { code: 250, enhanced: "", text: "", provider, class: "ok", fault: "none" },
      ...(late !== undefined && { late }),
    };
    timing.record(
      eventMaker(
        () => at,
        () => String(n),
      )(action, data),
    );
  }
  return { timing, happened };
}

test("deliveries are counted by day and provider, codes apart; nothing else is", () => {
  const { timing, happened } = setUp();
  happened("recipient_delivered", NOW, 900);
  happened("recipient_delivered", NOW, 45_000);
  happened("recipient_delivered", NOW, 7 * MINUTE, { code: false });
  happened("recipient_delivered", NOW - DAY_MS, 900, { provider: "microsoft" });
  happened("recipient_delivered", NOW, 900, { did: "did:plc:b" });
  happened("recipient_bounced", NOW, 900);
  happened("recipient_deferred", NOW, 900);
  const today = Math.floor(NOW / DAY_MS);
  const all = timing.times("did:plc:a", 0, false);
  expect(all.map(({ day, provider }) => [day - today, provider])).toEqual([
    [-1, "microsoft"],
    [0, "google"],
  ]);
  expect(all[1]!.counts.reduce((a, b) => a + b)).toBe(3);
  expect(quantile(all[1]!.counts, 1)).toEqual({ from: 300, to: 600 });
  const [, codes] = timing.times("did:plc:a", 0, true);
  expect(quantile(codes!.counts, 1)).toEqual({ from: 30, to: 60 });
  expect(timing.times("did:plc:a", today, true)).toHaveLength(1);
});

test("a code that waits is late before it is delivered; what bounced waits no more", () => {
  const { timing, happened } = setUp();
  const late = (least = 0) =>
    timing.late("did:plc:a", { now: NOW, since: 0, least }).map(({ message, doneAt }) => [message, doneAt]);
  happened("recipient_deferred", NOW - 9 * MINUTE, MINUTE, { to: "ada" });
  happened("recipient_deferred", NOW - 8 * MINUTE, MINUTE, { to: "ben" });
  expect(late(5 * MINUTE)).toEqual([
    ["m-ada", null],
    ["m-ben", null],
  ]);
  happened("recipient_delivered", NOW - MINUTE, 9 * MINUTE, { to: "ada" });
  happened("recipient_deferred", NOW - 2 * MINUTE, 8 * MINUTE, { to: "ada" });
  happened("recipient_bounced", NOW, 9 * MINUTE, { to: "ben", code: false });
  expect(late()).toEqual([["m-ada", NOW - MINUTE]]);
  happened("recipient_bounced", NOW, 9 * MINUTE, { to: "ada", late: true });
  expect(late()).toHaveLength(1);
  expect(late(9 * MINUTE)).toEqual([]);
});

test("a time of late codes begins once, is kept up to date, and ends when they are in time", () => {
  const { timing, happened } = setUp();
  happened("recipient_deferred", NOW - 5 * MINUTE, 0, { to: "ada" });
  happened("recipient_deferred", NOW - 5 * MINUTE, 0, { to: "ben" });
  expect(timing.look(NOW)).toEqual({ begun: [], ended: [] });
  const { begun } = timing.look(NOW + 1);
  const last = { known: 2, slow: 2, waiting: 2, longestMs: 5 * MINUTE + 1 };
  expect(begun).toEqual([{ id: 1, did: "did:plc:a", provider: "google", since: NOW + 1, until: null, last }]);
  expect(timing.look(NOW + MINUTE)).toEqual({ begun: [], ended: [] });
  expect(timing.slowNow()[0]!.last.longestMs).toBe(6 * MINUTE);
  for (let i = 0; i < 3; i++) happened("recipient_delivered", NOW + 2 * MINUTE, 1_000);
  const { ended } = timing.look(NOW + 3 * MINUTE);
  expect(ended.map(({ until }) => until)).toEqual([NOW + 3 * MINUTE]);
  expect(timing.slowNow()).toEqual([]);
  expect(timing.slowOf("did:plc:a", 5)).toHaveLength(1);
  expect(timing.look(NOW + 4 * MINUTE)).toEqual({ begun: [], ended: [] });
});

test("it ends when nothing is under way any more", () => {
  const { timing, happened } = setUp();
  happened("recipient_deferred", NOW - 6 * MINUTE, 0, { to: "ada" });
  happened("recipient_deferred", NOW - 6 * MINUTE, 0, { to: "ben" });
  expect(timing.look(NOW).begun).toHaveLength(1);
  happened("recipient_expired", NOW + MINUTE, 0, { to: "ada" });
  happened("recipient_dropped", NOW + MINUTE, 0, { to: "ben" });
  expect(timing.look(NOW + 2 * MINUTE).ended).toHaveLength(1);
});

test("what is old goes in slices, and a member's all at once", () => {
  const { timing, happened } = setUp();
  for (let i = 0; i < 5; i++) happened("recipient_delivered", NOW - 500 * DAY_MS, 1_000);
  happened("recipient_deferred", NOW - 500 * DAY_MS, 1_000);
  happened("recipient_deferred", NOW - 2 * DAY_MS, 1_000, { to: "waits" });
  happened("recipient_delivered", NOW, 1_000);
  const codes = () => timing.pruneCodes(NOW - DAY_MS, NOW - 8 * DAY_MS, 4);
  expect([codes(), codes(), codes()]).toEqual([4, 2, 0]);
  expect(timing.prune(NOW - 400 * DAY_MS, 10)).toBe(1);
  expect(timing.times("did:plc:a", 0, true)).toHaveLength(1);
  expect(timing.late("did:plc:a", { now: NOW, since: 0, least: DAY_MS })).toHaveLength(1);
  timing.forget("did:plc:a");
  expect(timing.times("did:plc:a", 0, false)).toEqual([]);
  expect(timing.late("did:plc:a", { now: NOW, since: 0, least: 0 })).toEqual([]);
});
