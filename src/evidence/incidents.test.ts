import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventMaker, type Envelope, type EventData } from "../event/index.ts";
import { Database } from "../platform/database.ts";
import { isIncident, type Refusal } from "./incidents.ts";
import { createEvidence, evidenceMigration, type Evidence } from "./index.ts";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** So many refusals of a member, at a provider's own domain or at domains of customers. */
const refused = (
  member: number,
  count: number,
  domain: (i: number) => string = () => "gmail.com",
): Refusal[] =>
  Array.from({ length: count }, (_, i) => ({ member, recipient: `${member}-${i}`, domain: domain(i) }));
const of = (counts: readonly number[], domain?: (i: number) => string) =>
  counts.flatMap((count, member) => refused(member, count, domain));

describe("an hour of refusals at one provider", () => {
  test.each<[string, boolean, Refusal[], number?]>([
    ["three members, eight people", true, of([3, 3, 2])],
    ["seven people are too few", false, of([3, 2, 2])],
    ["two members, however many people", false, of([40, 40])],
    ["a third member with one person", false, of([10, 10, 1])],
    ["many members with one person each", false, of([1, 1, 1, 1, 1, 1, 1, 1, 1, 1])],
    ["five members with two each", true, of([2, 2, 2, 2, 2])],
    [
      "one person told of again and again",
      false,
      [1, 2, 3].flatMap((m) => Array.from({ length: 9 }, () => refused(m, 1)[0]!)),
    ],
    [
      "all at one customer's domain, whose owner refuses whom he likes",
      false,
      of([20, 20, 20], () => "corp.test"),
    ],
    ["at three domains of one owner", false, of([20, 20, 20], (i) => `corp${i % 3}.test`)],
    ["at eight customers' domains", true, of([8, 8, 8], (i) => `corp${i}.test`)],
    [
      "customers' domains and the provider's own",
      true,
      of([5, 5, 5], (i) => (i < 3 ? "outlook.com" : `corp${i}.test`)),
    ],
    ["members for whom that is usual", false, of([5, 5, 5]), 0.6],
    ["more than ten times the usual", true, of([7, 7, 7]), 0.6],
  ])("%s: %s", (_, expected, refusals, habit = 0) => {
    expect(isIncident(refusals, () => habit)).toBe(expected);
    expect(isIncident(refusals.toReversed(), () => habit)).toBe(expected);
  });
});

let db: Database;
let evidence: Evidence;
let told: Envelope[];
const START = Date.UTC(2026, 11, 14, 20);
beforeEach(() => {
  db = new Database(":memory:", [evidenceMigration]);
  evidence = createEvidence(db);
  told = [];
});
afterEach(() => db.close());

type Told = { did: string; at: number; who: string } & Partial<{
  delivered: boolean;
  first: boolean;
  late: boolean;
  authentic: boolean;
  provider: string;
  domain: string;
}>;

function tell({
  did,
  at,
  who,
  delivered = false,
  first = false,
  late,
  authentic,
  provider = "gmail",
  domain,
}: Told) {
  const data: EventData = {
    dedupe_key: `k${told.length}`,
    member: { did, domain: "a.test" },
    recipient: { key: who, domain: domain ?? "gmail.com", first_time: first },
    message: { id: `m${told.length}`, size: 1, recipients: 1, stream: "transactional", received_at: at },
    smtp: {
      code: delivered ? 250 : 550,
      enhanced: delivered ? "" : "5.1.1",
      text: "",
      provider,
      class: delivered ? "ok" : "bad-mailbox",
      fault: delivered ? "none" : "recipient",
    },
    ...(late && { late, detail: { authentic: authentic ?? true } }),
  };
  const make = eventMaker(
    () => at,
    () => String(told.length),
  );
  const event = make(delivered ? "recipient_delivered" : "recipient_bounced", data);
  told.push(event);
  evidence.apply(event);
  return event;
}

const MEMBERS = ["did:a", "did:b", "did:c"];

/** Each member's people, one a minute, round and round. */
function nonsense(count: number, over: Partial<Told> = {}, from = START): Envelope {
  let last: Envelope | undefined;
  for (let i = 0; i < count; i++) {
    const at = from + i * MINUTE_MS;
    last = tell({ did: MEMBERS[i % 3]!, at, who: `${MEMBERS[i % 3]}-${i}`, ...over });
  }
  return last!;
}

test("bounces of an incident count for nobody, those of the minutes before too, until an hour after the last sign", () => {
  const before = nonsense(7);
  expect(evidence.windows(before)).toMatchObject({
    incident: { active: false, members: 3 },
    bounce: { hard: 3 },
  });
  const begun = tell({ did: "did:b", at: START + 7 * MINUTE_MS, who: "b-x" });
  expect(evidence.windows(begun)).toMatchObject({
    incident: { active: true, provider: "gmail", members: 3 },
    bounce: { hard: 0, eligible: 0 },
  });
  // Of a member with one alone, and first contacts too: the provider errs.
  const stranger = tell({ did: "did:z", at: START + 30 * MINUTE_MS, who: "z-1", first: true });
  expect(evidence.windows(stranger).bounce.hard).toBe(0);
  // What was known then has not changed.
  expect(evidence.windows(before).bounce.hard).toBe(3);
  const after = tell({ did: "did:z", at: START + 68 * MINUTE_MS, who: "z-2", first: true });
  expect(evidence.windows(after)).toMatchObject({ incident: { active: false }, bounce: { hard: 1 } });
  expect(evidence.incidents(START)).toEqual([
    {
      provider: "gmail",
      from: START + 7 * MINUTE_MS - HOUR_MS,
      to: START + 7 * MINUTE_MS + HOUR_MS,
      members: ["did:a", "did:b", "did:c", "did:z"],
      bounces: 9,
    },
  ]);
  expect(evidence.incidents(START + 3 * HOUR_MS)).toEqual([]);
});

test("a domain that is not there is no word of the provider, and counts", () => {
  nonsense(8);
  const data = told[0]!.data.data;
  const event = eventMaker(
    () => START + 8 * MINUTE_MS,
    () => "x",
  )("recipient_bounced", {
    ...data,
    dedupe_key: "x",
    recipient: { key: "else", domain: "gone.test" },
    smtp: { ...data.smtp!, class: "bad-domain" },
  });
  evidence.apply(event);
  expect(evidence.windows(event).bounce.hard).toBe(1);
});

describe("what begins none", () => {
  test.each<[string, Partial<Told>]>([
    [
      "people whom nobody had reached before: members who share a bad list, or a form that strangers fill in",
      { first: true },
    ],
    ["reports that came later, also those that are from there", { late: true, authentic: true }],
    ["reports that anybody could have written", { late: true, authentic: false }],
    ["hosts that belong to no provider", { provider: "other" }],
    ["one owner's domain", { domain: "corp.test" }],
  ])("%s", (_, over) => {
    const last = nonsense(60, over);
    expect(evidence.windows(last).incident?.active).toBe(false);
    expect(evidence.incidents(0)).toEqual([]);
  });

  test("members for whom that is usual, until it is ten times as many", () => {
    for (let i = 12 * 31; i > 0; i--)
      for (const did of MEMBERS) tell({ did, at: START - i * 2 * HOUR_MS, who: `${did}-old-${i}` });
    const usual = nonsense(14);
    expect(evidence.windows(usual).incident).toMatchObject({ active: false, members: 3 });
    const more = tell({ did: MEMBERS[2]!, at: START + 14 * MINUTE_MS, who: "one more" });
    expect(evidence.windows(more).incident?.active).toBe(true);
  });
});

test("a report that anybody could have written weighs nothing; the delivery stands", () => {
  tell({ did: "did:a", at: START, who: "r", delivered: true, provider: "yahoo" });
  const forged = tell({
    did: "did:a",
    at: START + HOUR_MS,
    who: "r",
    late: true,
    authentic: false,
    provider: "yahoo",
  });
  expect(evidence.windows(forged).bounce).toMatchObject({ eligible: 1, hard: 0 });
  const real = tell({ did: "did:a", at: START + 2 * HOUR_MS, who: "r", late: true, provider: "yahoo" });
  expect(evidence.windows(real).bounce).toMatchObject({ eligible: 1, hard: 1 });
});
