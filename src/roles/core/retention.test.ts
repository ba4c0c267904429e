import { afterEach, beforeEach, expect, test } from "vitest";
import type { EventData } from "../../event/index.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { createCases } from "../../standing/index.ts";
import { openCore } from "./core.fixture.ts";
import { KEPT_MS } from "./retention.ts";

const START = Date.UTC(2026, 0, 1);
const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
/** The log is looked through by its numbers, so what came late has a little longer. */
const LATEST_MS = 15 * DAY_MS;
const TASK = "what is old forgotten";
let one: Awaited<ReturnType<typeof openCore>>;

beforeEach(async () => {
  one = await openCore(START);
  one.core.admission.join(did, "alder.test");
});
afterEach(() => one.close());

const count = (table: string) => one.db.get<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)!.n;

const BAD = {
  code: 550,
  enhanced: "5.1.1",
  text: "5.1.1 User unknown",
  provider: "yahoo",
  class: "bad-mailbox",
  fault: "recipient",
} as const;

/** Mail of now that bounced. */
async function bounce(n: number): Promise<void> {
  const data: Omit<EventData, "dedupe_key"> = {
    member: { did, domain: "alder.test" },
    credential: "c1",
    recipient: { key: `r${n}`, domain: "yahoo.com", first_time: true },
    message: { id: `m${n}`, size: 1, recipients: 1, stream: "transactional", received_at: one.clock.now() },
  };
  await one.publish(one.newEvent("message_accepted", { ...data, dedupe_key: `accepted:${n}` }));
  await one.publish(one.newEvent("recipient_bounced", { ...data, smtp: BAD, dedupe_key: `bounced:${n}` }));
}

function verdict(): void {
  one.core.verdicts.append({
    actionId: "7",
    did,
    rule: "One",
    description: "",
    seen: {},
    labels: [],
    rulesHash: "",
    at: one.clock.now(),
  });
  one.db.run("INSERT INTO judged VALUES ('7', ?1, 1, '', '{}'), ('8', ?1, 0, '', '{}')", one.clock.now());
}

/** Time goes by, and what is done each hour is done, at least once in each step of it. */
async function until(at: number): Promise<void> {
  one.clock.advance(at - one.clock.now());
  // As if core had run all the while.
  one.db.run("UPDATE retention SET at = ?", at - 1);
  await one.run(TASK);
}

test("each thing is kept for its time, and then is gone", async () => {
  await bounce(1);
  verdict();
  one.core.notices.wish({ did, about: "x:1", contact: "alder@elsewhere.test" }, () => ({
    subject: "",
    text: "",
  }));
  one.core.notices.untold().forEach(({ id }) => one.core.notices.told(id));
  one.core.standings.notes.put(did, { rkey: "n1", at: START, kind: "notice", title: "", body: "" });
  const cases = createCases(one.db);
  const { id } = cases.open({ did, kind: "pause", about: "pause:1", at: START })!;
  cases.decide(id, { at: START, by: "Ada", verdict: "uphold", to: null, reason: "so" });
  cases.open({ did, kind: "pause", about: "pause:2", at: START });
  await one.run(TASK);

  const kept = [
    ["outcome", KEPT_MS.evidence, 0],
    ["handed_in", KEPT_MS.evidence, 0],
    ["event", KEPT_MS.events, 0],
    ["volume", KEPT_MS.events, 0],
    ["judged WHERE fired = 0", KEPT_MS.silent, 0],
    ["judged WHERE fired = 1", KEPT_MS.verdicts, 0],
    ["verdict", KEPT_MS.verdicts, 0],
    ["member_mail", KEPT_MS.mails, 0],
    ["note", KEPT_MS.notes, 0],
    ["committee_case", KEPT_MS.cases, 1],
  ] as const;
  const first = new Map(kept.map(([table]) => [table, count(table)]));
  const times = kept.flatMap(([, keptFor]) => [START + keptFor - DAY_MS, START + keptFor + LATEST_MS]);
  for (const time of times.toSorted((a, b) => a - b)) {
    await until(time);
    for (const [table, keptFor, leaves] of kept) {
      const most = first.get(table)!;
      expect(most, table).toBeGreaterThan(leaves);
      if (time < START + keptFor) expect(count(table), table).toBe(most);
      if (time >= START + keptFor + LATEST_MS) expect(count(table), table).toBe(leaves);
    }
  }
  expect(cases.list("all", 10).map(({ about }) => about)).toEqual(["pause:2"]);
});

test("a change of standing stays in the log, with which evidence is counted anew", async () => {
  await one.core.decide(did, "warned", { by: "Ada", why: "so" });
  await bounce(1);
  await one.run(TASK);
  await until(START + KEPT_MS.events + LATEST_MS);
  expect(one.core.events.recent(10).map(({ action }) => action)).toEqual(["standing_changed"]);
  await bounce(2);
  const now = one.clock.now();
  const before = one.core.evidence.bounces(did, now);
  expect(before.hard).toBe(1);
  one.core.evidence.rebuild(one.core.events);
  expect(one.core.evidence.bounces(did, now)).toEqual(before);
});

test("a clock that is years ahead for an hour makes core forget nothing", async () => {
  await bounce(1);
  verdict();
  await one.run(TASK);
  const tables = ["event", "outcome", "verdict", "judged"];
  const before = tables.map(count);
  one.clock.advance(3_000 * DAY_MS);
  await one.run(TASK);
  one.clock.advance(-3_000 * DAY_MS);
  await one.run(TASK);
  expect(tables.map(count)).toEqual(before);
});

test("a slice is bounded, whatever is old, and all of it goes in the end", async () => {
  const { db, core } = one;
  db.transaction(() => {
    for (let member = 1; member <= 450; member++) {
      db.run("INSERT INTO evidence_member (did, first_at) VALUES (?, 0)", `did:plc:${member}`);
      const { id } = db.get<{ id: number }>("SELECT max(id) AS id FROM evidence_member")!;
      for (let n = 0; n < (member === 300 ? 700 : 3); n++)
        db.run(
          `INSERT INTO outcome (member, at, key, recipient, domain, provider, message, sent_at, hard, late)
           VALUES (?, ?, ?, '', '', '', '', 0, 0, 0)`,
          id,
          n,
          n,
        );
    }
  });
  let rows = count("outcome");
  let slices = 0;
  while (core.evidence.prune(START, START, 200)) {
    expect(rows - count("outcome")).toBeLessThanOrEqual(200);
    rows = count("outcome");
    slices++;
  }
  expect(rows).toBe(0);
  expect(slices).toBeGreaterThan(10);
});
