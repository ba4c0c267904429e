import { afterEach, beforeEach, expect, test } from "vitest";
import { createEgress, egressMigration, PROMISE_MS, type RunningEgress } from "../egress/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { createResolver } from "../platform/dns/index.ts";
import { silentLog } from "../platform/log.ts";
import { createMetrics } from "../platform/metrics.ts";
import { createPolicyBook, decide, type MemberPolicy, type PolicyBook } from "../policy/index.ts";

const START = Date.UTC(2026, 4, 1);
const LATE = START + 20 * 3_600_000;
const A = "192.0.2.1";
/** Of the first day's hundred messages four fifths are for all, the rest for login codes. */
const FOR_ALL = 80;
const credential = {
  id: "c1",
  username: "u1",
  hash: "",
  domains: ["member.test"],
  streams: ["transactional" as const],
  hourly: null,
  daily: null,
  revoked: false,
};
const member: MemberPolicy = {
  did: "did:plc:a",
  handle: "a",
  version: 1,
  membership: "member",
  standing: "good",
  tier: "trusted",
  joinedAt: 0,
  reason: null,
  domains: [{ name: "member.test", status: "active", returnPath: null, addedAt: 0, keys: [] }],
  credentials: [credential],
};
let clock: MovableClock;
let db: Database;
let egress: RunningEgress;
let book: PolicyBook;

beforeEach(async () => {
  clock = new MovableClock(LATE);
  db = new Database(":memory:", [egressMigration]);
  egress = createEgress({
    db,
    addresses: [{ address: A, ehlo: "mx1.coop.example" }],
    warm: new Set<string>(),
    blocklists: [],
    lastListed: "codes",
    allowPrivate: false,
    resolver: createResolver({ servers: ["127.0.0.1:9"] }),
    clock,
    log: silentLog,
    metrics: createMetrics(),
    localFault: async () => undefined,
  });
  book = await createPolicyBook(
    {
      loadPolicies: async () => ({ policies: [member], limits: [], pauses: [] }),
      savePolicy: async () => undefined,
      savePause: async () => undefined,
    },
    { providerOf: () => "gmail", warmup: egress.allowanceLeft, promised: egress.promise },
  );
});
afterEach(() => {
  egress.close();
  db.close();
});

/** A message to two people there, as the end of DATA takes it; the receipt, or the reply. */
function submit(): { receipt: Parameters<PolicyBook["refund"]>[0] } | string {
  const now = clock.now();
  const input = {
    stage: "data" as const,
    member,
    credential,
    fromDomain: "member.test",
    recipients: 2,
    recipientDomains: ["gmail.com", "gmail.com"],
    now,
  };
  const taken = book.consume({ ...input, limits: {} });
  if (taken) return taken;
  return decide({ ...input, limits: book.limits(member.did, now), poolLimits: book.poolLimits }).text;
}

/** One recipient's mail sets out; `promised` as the relay says it of what was accepted just now. */
const leave = (promised = true) =>
  egress.choose({
    provider: "gmail",
    families: new Set(["ipv4"]),
    last: undefined,
    priority: 1,
    promised,
    now: clock.now(),
  }).ok;

/** The day has used all but so many, evenly: the bucket of a day's limit has filled up again. */
function useAllBut(left: number): void {
  for (let n = 0; n < FOR_ALL - left; n++) expect(leave(false)).toBe(true);
}

test("a burst at the end of an allowance: what cannot leave today is answered 451, although nothing has left yet", () => {
  useAllBut(10);
  const answers = Array.from({ length: 12 }, submit);
  expect(answers.filter((one) => typeof one !== "string")).toHaveLength(5);
  for (const answer of answers.slice(5)) {
    expect(answer).toMatch(/over-provider-limit/);
    // Until midnight UTC.
    expect(answer).toContain("try again in 14400 s");
  }
  // All that was taken leaves now, and there is still nothing for others.
  expect(Array.from({ length: 10 }, () => leave())).toEqual(Array(10).fill(true));
  expect(leave()).toBe(false);
  expect(submit()).toMatch(/over-provider-limit/);
});

test("what has left is not counted twice", () => {
  useAllBut(10);
  for (let n = 0; n < 5; n++) {
    expect(submit()).toBeTypeOf("object");
    expect([leave(), leave()]).toEqual([true, true]);
  }
  expect(submit()).toMatch(/over-provider-limit/);
});

test("what was taken and not stored, and what does not come, leaves its place to others", () => {
  useAllBut(2);
  const first = submit();
  expect(submit()).toMatch(/over-provider-limit/);
  if (typeof first !== "string") book.refund(first.receipt);
  expect(submit()).toBeTypeOf("object");
  expect(submit()).toMatch(/over-provider-limit/);
  // It went elsewhere: to another provider than was thought, or a person dropped it.
  clock.advance(PROMISE_MS);
  expect(submit()).toBeTypeOf("object");
});
