import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY_MS } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { createEventLog, eventLogMigration, eventMaker, type EventLog } from "./index.ts";

const START = Date.UTC(2026, 0, 1);
let db: Database;
let log: EventLog;
beforeEach(() => {
  db = new Database(":memory:", [eventLogMigration]);
  log = createEventLog(db);
});
afterEach(() => db.close());

function tell(name: string, at: number): void {
  const make = eventMaker(
    () => at,
    () => name,
  );
  log.append(make("message_accepted", { dedupe_key: name, member: { did: "did:plc:a", domain: "a.test" } }));
}
const names = (events: Iterable<{ envelope: { data: { action_id: string } } }>) =>
  [...events].map(({ envelope }) => envelope.data.action_id);

test("pages follow each other, in the order in which core learned", () => {
  for (let i = 0; i < 7; i++) tell(`e${i}`, START - i);
  const first = log.after(0, 3);
  expect(names(first)).toEqual(["e0", "e1", "e2"]);
  expect(names(log.after(first.at(-1)!.seq, 3))).toEqual(["e3", "e4", "e5"]);
  expect(names(log.after(log.after(0, 7).at(-1)!.seq, 3))).toEqual([]);
});

describe("by time", () => {
  // A thousand over 100 days; each tenth comes up to twelve days late.
  const times = Array.from({ length: 1_000 }, (_, i) => {
    const known = START + (i * DAY_MS) / 10;
    return i % 10 === 3 ? known - ((i * 7) % 12) * DAY_MS : known;
  });
  test.each([
    -Infinity,
    START,
    START + 30 * DAY_MS,
    START + 47.31 * DAY_MS,
    START + 99.9 * DAY_MS,
    START + 200 * DAY_MS,
  ])("since %d: those that came late too", (since) => {
    times.forEach((at, i) => tell(`e${i}`, at));
    const expected = times.flatMap((at, i) => (at >= since ? [`e${i}`] : []));
    expect(names(log.since(since))).toEqual(expected);
  });

  test("what comes meanwhile is told as well, and a log without events tells nothing", () => {
    expect(names(log.since(0))).toEqual([]);
    tell("e0", START);
    const events = log.since(START);
    expect(events.next().value!.envelope.data.action_id).toBe("e0");
    tell("e1", START + 1);
    expect(names(events)).toEqual(["e1"]);
    expect([...log.since(-Infinity)]).toHaveLength(2);
  });
});
