import { expect, test } from "vitest";
import { createEventLog, eventLogMigration, eventTime, type Envelope } from "../event/index.ts";
import { DAY_MS } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { historyOf, seeded, shuffled, START } from "./history.fixture.ts";
import { createEvidence, evidenceMigration, WINDOWS_REACH_MS, type Evidence } from "./index.ts";
import { referenceWindows } from "./reference.fixture.ts";

const PROBES = 40;

function booksOf(events: readonly Envelope[]) {
  const db = new Database(":memory:", [eventLogMigration, evidenceMigration]);
  const evidence = createEvidence(db);
  db.transaction(() => events.forEach(evidence.apply));
  return { db, evidence };
}

const usedDays = (evidence: Evidence) =>
  evidence.volumes(0).filter((v) => v.accepted + v.delivered + v.bounced + v.complaints > 0);

test.each([1, 2, 3, 4, 5])(
  "seed %i: in any order, told any number of times and counted anew, windows are those of the whole log",
  (seed) => {
    const random = seeded(seed);
    const history = historyOf(random);
    const inOrder = booksOf(history);
    const again = shuffled(history, random).slice(0, history.length / 4);
    const anyhow = booksOf(shuffled([...history, ...again], random));
    const log = createEventLog(anyhow.db);
    for (const event of shuffled([...history, ...again], random)) log.append(event);
    const anew = booksOf([]);
    anew.evidence.rebuild(log);

    let incidents = 0;
    let breakers = 0;
    for (let i = 0; i < PROBES; i++) {
      const event = history[Math.floor(random() * history.length)]!;
      // With the event itself, and at any other time.
      const shift = random() < 0.5 ? 0 : Math.floor((random() - 0.5) * 20 * DAY_MS);
      const at = new Date(eventTime(event) + shift).toISOString();
      const about: Envelope = { ...event, send_time: at.replace(/Z$/, "000Z") };
      const expected = referenceWindows(history, about);
      if (expected.incident?.active) incidents++;
      if (expected.breaker) breakers++;
      expect(inOrder.evidence.windows(about)).toEqual(expected);
      expect(anyhow.evidence.windows(about)).toEqual(expected);
      expect(anew.evidence.windows(about)).toEqual(expected);
    }
    expect(breakers).toBeGreaterThan(0);
    for (const { evidence } of [anyhow, anew])
      expect(evidence.incidents(0)).toEqual(inOrder.evidence.incidents(0));
    expect(inOrder.evidence.incidents(0).length + incidents).toBeGreaterThan(0);
    expect(usedDays(anew.evidence)).toEqual(usedDays(inOrder.evidence));
    for (const { db } of [inOrder, anyhow, anew]) db.close();
  },
);

test("what is dropped no window of the last 30 days would see", () => {
  const random = seeded(9);
  const history = historyOf(random);
  const { db, evidence } = booksOf(history);
  const now = START + 190 * DAY_MS;
  const rows = () => db.get<{ n: number }>("SELECT count(*) AS n FROM outcome")!.n;
  const before = rows();
  while (evidence.prune(now - WINDOWS_REACH_MS, now - WINDOWS_REACH_MS, 200));
  expect(rows()).toBeLessThan(before);
  for (let i = 0; i < PROBES; i++) {
    const event = history[Math.floor(random() * history.length)]!;
    const at = new Date(now - Math.floor(random() * 30 * DAY_MS)).toISOString();
    const about: Envelope = { ...event, send_time: at.replace(/Z$/, "000Z") };
    const { breaker: _, ...windows } = evidence.windows(about);
    const { breaker: __, ...expected } = referenceWindows(history, about);
    expect(windows).toEqual(expected);
  }
  db.close();
});
