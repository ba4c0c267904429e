import { describe, expect, test } from "vitest";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { createMeasures, measuresMigration, renewed, type MeasureKind } from "./measures.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = 1_800_000_000_000;

describe("what becomes of a measure", () => {
  type Span = { since: number; until: number; ms: number };
  /** Begun an hour ago, for two. */
  const running: Span = { since: NOW - HOUR, until: NOW + HOUR, ms: 2 * HOUR };
  test.each<[string, Span | undefined, MeasureKind, number, Partial<Span> | undefined]>([
    ["the first", undefined, "slow", HOUR, { since: NOW, until: NOW + HOUR, ms: HOUR }],
    ["one that is over begins anew", { ...running, until: NOW }, "slow", HOUR, { since: NOW, ms: HOUR }],
    [
      "a slow-down that comes again doubles",
      running,
      "slow",
      2 * HOUR,
      { until: NOW + 4 * HOUR, ms: 4 * HOUR },
    ],
    ["up to a day", { since: 0, until: NOW + HOUR, ms: DAY }, "slow", HOUR, { until: NOW + DAY }],
    [
      "replies of the same minute are one",
      { ...running, until: NOW + 2 * HOUR - 59_000 },
      "slow",
      HOUR,
      undefined,
    ],
    [
      "a minute later they are not",
      { ...running, until: NOW + 2 * HOUR - MINUTE },
      "slow",
      HOUR,
      { ms: 4 * HOUR },
    ],
    ["a pause begins anew", running, "pause", 2 * HOUR, { until: NOW + 2 * HOUR }],
    ["a shorter one shortens nothing", running, "suspend", MINUTE, { until: NOW + HOUR }],
    ["five days at most", undefined, "pause", 30 * DAY, { until: NOW + 5 * DAY }],
    [
      "one by a clock that was wrong",
      { ...running, until: NOW + 30 * DAY },
      "pause",
      HOUR,
      { until: NOW + HOUR },
    ],
  ])("%s", (_name, before, kind, ms, expected) => {
    const found = renewed(before, kind, ms, NOW);
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toMatchObject(expected);
  });
});

test("what is in force survives a restart, each for its own provider and subject", () => {
  const db = new Database(":memory:", [measuresMigration]);
  const first = createMeasures({ db, log: silentLog });
  first.slow("192.0.2.1", "gmail", HOUR, { why: "421 slower" }, NOW);
  first.pause("192.0.2.1", "yahoo", HOUR, { why: "554 away" }, NOW);
  first.suspend("did:a", "gmail", HOUR, { why: "550 not you" }, NOW);
  first.slow("192.0.2.2", "gmail", MINUTE, { why: "421 slower" }, NOW);
  first.close();

  const again = createMeasures({ db, log: silentLog });
  const at = NOW + 30 * MINUTE;
  expect(again.isSlow("192.0.2.1", "gmail", at)).toBe(true);
  expect(again.isSlow("192.0.2.2", "gmail", at)).toBe(false);
  expect(again.isSlow("192.0.2.1", "yahoo", at)).toBe(false);
  expect(again.pausesAt("yahoo", at)).toMatchObject([{ subject: "192.0.2.1", why: "554 away" }]);
  expect(again.pausesAt("gmail", at)).toEqual([]);
  expect(again.suspensionOf("did:a", "gmail", at)).toMatchObject({ until: NOW + HOUR, why: "550 not you" });
  expect(again.suspensionOf("did:b", "gmail", at)).toBeUndefined();
  expect(
    again
      .inForce(at)
      .map(({ kind }) => kind)
      .toSorted(),
  ).toEqual(["pause", "slow", "suspend"]);
  expect(again.inForce(NOW + HOUR)).toEqual([]);
  expect(again.inForce(NOW + 3 * DAY)).toEqual([]);
  expect(db.get("SELECT count(*) AS n FROM shaping_measure")).toEqual({ n: 0 });
  again.close();
  db.close();
});

test("ever new hosts that ask for something leave nothing behind", () => {
  const db = new Database(":memory:", [measuresMigration]);
  const measures = createMeasures({ db, log: silentLog });
  const rows = () => db.get<{ n: number }>("SELECT count(*) AS n FROM shaping_measure")!.n;
  for (let hour = 0; hour < 100; hour++) {
    for (let n = 0; n < 10; n++)
      measures.pause("192.0.2.1", `mx${hour}-${n}.evil.test`, HOUR, { why: "554 away" }, NOW + hour * HOUR);
    measures.flush();
  }
  // A day's, those of the hour that lasts, and those of the hour before the next look.
  expect(rows()).toBeLessThanOrEqual(26 * 10);
  measures.close();
  db.close();
});

test("a person ends one before its time: it is gone from memory and disk, and who did it stays", () => {
  const db = new Database(":memory:", [measuresMigration]);
  const first = createMeasures({ db, log: silentLog });
  const cause = { why: "554 away", rule: "gmail/no-ptr", advice: "Give the address a PTR record." };
  first.pause("192.0.2.1", "gmail", HOUR, cause, NOW);
  first.slow("192.0.2.1", "gmail", HOUR, { why: "421 slower" }, NOW);
  first.suspend("did:a", "gmail", HOUR, { why: "550 not you" }, NOW);
  first.flush();
  const person = { by: "ann", why: "the record is there now" };
  expect(first.lift("gmail", "192.0.2.9", person, NOW)).toEqual([]);
  expect(first.lift("gmail", "192.0.2.1", person, NOW + 5).map(({ kind }) => kind)).toEqual([
    "slow",
    "pause",
  ]);
  expect(first.isSlow("192.0.2.1", "gmail", NOW)).toBe(false);
  expect(first.pausesAt("gmail", NOW)).toEqual([]);
  // What the next reply asks for begins anew, and does not double.
  expect(first.slow("192.0.2.1", "gmail", HOUR, { why: "421 slower" }, NOW + 6)).toMatchObject({ ms: HOUR });
  first.close();

  const again = createMeasures({ db, log: silentLog });
  expect(again.inForce(NOW + 10).map(({ kind, subject }) => `${kind} ${subject}`)).toEqual([
    "slow 192.0.2.1",
    "suspend did:a",
  ]);
  expect(again.lifted(10)).toMatchObject([
    { kind: "pause", provider: "gmail", subject: "192.0.2.1", said: "554 away", at: NOW + 5, ...person },
    { kind: "slow", said: "421 slower" },
  ]);
  again.close();
  db.close();
});
