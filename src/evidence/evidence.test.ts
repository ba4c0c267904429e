import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventMaker, type ActionName, type EventData, type SmtpFacts } from "../event/index.ts";
import { Database } from "../platform/database.ts";
import { createEvidence, evidenceMigration, type Evidence } from "./index.ts";
import { bounceWindow, complaintWindow } from "./windows.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
let db: Database;
let evidence: Evidence;
let now: number;
let n = 0;

beforeEach(() => {
  db = new Database(":memory:", [evidenceMigration]);
  evidence = createEvidence(db);
  now = Date.UTC(2026, 0, 1, 1);
});
afterEach(() => db.close());

const smtp = (over: Partial<SmtpFacts> = {}): SmtpFacts => ({
  code: 250,
  enhanced: "2.0.0",
  text: "ok",
  provider: "yahoo",
  class: "ok",
  fault: "none",
  ...over,
});
const bad = smtp({ code: 550, enhanced: "5.1.1", class: "bad-mailbox", fault: "recipient" });

function tell(action: ActionName, recipient: string, facts: SmtpFacts, more: Partial<EventData> = {}) {
  n++;
  const make = eventMaker(
    () => now,
    () => String(n),
  );
  const event = make(action, {
    dedupe_key: `k${n}`,
    member: { did, domain: "a.test" },
    recipient: { key: recipient, domain: "r.test" },
    message: { id: `m${n}`, size: 1, recipients: 1, stream: "transactional", received_at: now },
    smtp: facts,
    ...more,
  });
  evidence.apply(event);
  return evidence.windows(event);
}

describe("the bounce window", () => {
  test("counts a recipient once a day, and a bounce outweighs a delivery", () => {
    tell("recipient_delivered", "r1", smtp());
    tell("recipient_delivered", "r1", smtp());
    tell("recipient_bounced", "r1", bad);
    const { bounce } = tell("recipient_delivered", "r2", smtp());
    expect(bounce).toMatchObject({ eligible: 2, hard: 1, distinct: 1, rate: 0.5 });
    now += DAY;
    expect(tell("recipient_delivered", "r1", smtp()).bounce.eligible).toBe(3);
  });

  test("blames nobody for a block, a full mailbox or a deferral", () => {
    tell("recipient_bounced", "r1", smtp({ code: 550, enhanced: "5.7.1", class: "blocked", fault: "pool" }));
    tell(
      "recipient_bounced",
      "r2",
      smtp({ code: 552, enhanced: "5.2.2", class: "mailbox-full", fault: "recipient" }),
    );
    expect(tell("recipient_deferred", "r3", smtp({ code: 451, class: "greylisted" })).bounce).toMatchObject({
      eligible: 0,
      hard: 0,
    });
  });

  test("a late DSN replaces the delivery and is no second trial", () => {
    const sent = now;
    tell("recipient_delivered", "r1", smtp(), {
      message: { id: "late", size: 1, recipients: 1, stream: "t", received_at: sent },
    });
    now += 2 * DAY;
    const { bounce } = tell("recipient_bounced", "r1", bad, {
      late: true,
      message: { id: "late", size: 1, recipients: 1, stream: "t", received_at: sent },
    });
    expect(bounce).toMatchObject({ eligible: 1, hard: 1 });
  });

  test("mail that was handed in before a change of standing is no evidence after it", () => {
    const before = { id: "old", size: 1, recipients: 9, stream: "t", received_at: now };
    now += HOUR;
    evidence.restartWindow(did, now);
    now += HOUR;
    expect(tell("recipient_bounced", "r1", bad, { message: before }).bounce.eligible).toBe(0);
    expect(tell("recipient_bounced", "r2", bad).bounce).toMatchObject({ eligible: 1, hard: 1 });
  });

  test("reaches back 90 days and 200 trials, and begins anew after a change of standing", () => {
    for (let i = 0; i < 205; i++) {
      now += 1_000;
      tell("recipient_delivered", `r${i}`, smtp());
    }
    expect(evidence.bounces(did, now).eligible).toBe(200);
    evidence.restartWindow(did, now);
    expect(evidence.bounces(did, now).eligible).toBe(0);
    now += 1;
    expect(tell("recipient_bounced", "x", bad).bounce).toMatchObject({ eligible: 1, hard: 1 });
    now += 91 * DAY;
    expect(evidence.bounces(did, now).eligible).toBe(0);
  });
});

describe("what strangers can bring about: dead addresses in a form, and the member writes what it always writes", () => {
  const cases: [string, { first?: boolean; known?: boolean }[], number, boolean][] = [
    ["first contacts with a known text", [{ first: true, known: true }], 1, true],
    ["first contacts with an unseen text", [{ first: true, known: false }], 0, false],
    ["people who had mail before", [{ first: false, known: true }], 0, false],
    ["nobody knows whether they had", [{ known: true }], 0, false],
    [
      "half of them is not most of them",
      [
        { first: true, known: true },
        { first: false, known: true },
      ],
      1,
      false,
    ],
    [
      "two of three are",
      [
        { first: true, known: true },
        { first: true, known: true },
        { first: true, known: false },
      ],
      2,
      true,
    ],
  ];
  test.each(cases)("%s", (_, bounces, first_contacts, by_strangers) => {
    for (const [i, { first, known = false }] of bounces.entries()) {
      now += 1_000;
      const message = { id: `s${i}`, size: 1, recipients: 1, stream: "transactional", received_at: now };
      const recipient = {
        key: `s${i}`,
        domain: `d${i}.test`,
        ...(first !== undefined && { first_time: first }),
      };
      // The bounce may be heard of first.
      tell("recipient_bounced", "", bad, { message, recipient });
      tell("message_accepted", "", smtp(), { message: { ...message, template_known: known } });
    }
    expect(evidence.bounces(did, now)).toMatchObject({
      hard: bounces.length,
      domains: bounces.length,
      first_contacts,
      by_strangers,
    });
  });
});

describe("probabilities", () => {
  test.each([
    ["one in thirteen proves nothing", 1, 13, (p: number) => p < 0.3],
    ["three per cent of 200 is honest", 6, 200, (p: number) => p < 0.2],
    ["fifteen per cent of 100 is enough", 15, 100, (p: number) => p > 0.99],
    ["nothing sent, nothing proven", 0, 0, (p: number) => p < 0.1],
  ])("%s", (_, hard, eligible, holds) => {
    expect(holds(bounceWindow({ eligible, hard, distinct: hard }).p_over_5)).toBe(true);
  });

  test("a single complaint below a thousand messages is not yet a rate", () => {
    expect(complaintWindow(300, ["a"]).p_over_01).toBeLessThan(0.95);
    expect(complaintWindow(300, ["a", "b", "c"])).toMatchObject({
      complaints: 3,
      complainants: 3,
      rate: 0.01,
    });
    expect(complaintWindow(300, ["a", "b", "c"]).p_over_01).toBeGreaterThan(0.95);
  });
});

test("complaints count against deliveries where complaints come back", () => {
  tell("recipient_delivered", "r1", smtp({ provider: "gmail" }));
  tell("recipient_delivered", "r2", smtp({ provider: "yahoo" }));
  expect(tell("complaint_received", "r2", smtp({ provider: "yahoo" })).complaint).toMatchObject({
    eligible: 1,
    complaints: 1,
    complainants: 1,
  });
});

test("volumes sum by day and by member", () => {
  tell("message_accepted", "r1", smtp());
  tell("recipient_delivered", "r1", smtp());
  now += DAY;
  tell("message_accepted", "r1", smtp());
  const day = Math.floor(now / DAY);
  expect(evidence.volumes(day - 1)).toMatchObject([
    { day: day - 1, accepted: 1, delivered: 1 },
    { day, accepted: 1, delivered: 0 },
  ]);
  expect(evidence.volumes(day, did)).toHaveLength(1);
  expect(evidence.acceptedByMember(day - 1)).toEqual([{ did, accepted: 2 }]);
});
