import { describe, expect, test } from "vitest";
import { afterTry, dueAt, type Outcome } from "./next.ts";
import type { ReportRow } from "./store.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const T = 1_000 * DAY;

const fresh: ReportRow = {
  day: 999,
  domain: "x.test",
  state: "waiting",
  nextAt: T,
  tries: 0,
  triedAt: null,
  sentTo: "",
  message: null,
  refused: [],
  why: "",
};
const mailed: ReportRow = {
  ...fresh,
  state: "mailed",
  tries: 1,
  triedAt: T,
  sentTo: "a@x.test",
  message: "m",
};
const failed = (why: string): Outcome => ({ kind: "failed", why });

describe("what follows from a try", () => {
  type Row = [string, ReportRow, Outcome, now: number, Partial<ReportRow> | undefined];
  test.each<Row>([
    ["nobody wants to know", fresh, { kind: "unwanted" }, T, undefined],
    [
      "posted",
      fresh,
      { kind: "posted", to: "https://x.test/", note: "" },
      T,
      { state: "sent", sentTo: "https://x.test/", tries: 1, triedAt: T },
    ],
    [
      "into our spool",
      fresh,
      { kind: "mailed", to: "a@x.test", message: "m" },
      T,
      { state: "mailed", sentTo: "a@x.test", message: "m", nextAt: T + 10 * MINUTE },
    ],
    [
      "on its way",
      mailed,
      { kind: "on-its-way" },
      T + HOUR,
      { state: "mailed", nextAt: T + HOUR + 10 * MINUTE },
    ],
    ["never left", mailed, { kind: "on-its-way" }, T + 2 * DAY, { state: "given-up" }],
    ["delivered", mailed, { kind: "delivered" }, T + HOUR, { state: "sent", sentTo: "a@x.test" }],
    [
      "refused at that address: another may take it, at once",
      mailed,
      { kind: "bounced", why: "550" },
      T + HOUR,
      { state: "waiting", refused: ["a@x.test"], message: null, nextAt: T + HOUR, why: "550" },
    ],
    [
      "refused at the fifth address: whoever writes others into the record each time has no end otherwise",
      { ...mailed, refused: ["b@x.test", "c@x.test", "d@x.test", "e@x.test"] },
      { kind: "bounced", why: "550" },
      T + HOUR,
      { state: "given-up", why: "550", message: null },
    ],
    [
      "refused after a day",
      mailed,
      { kind: "bounced", why: "550" },
      T + DAY,
      { state: "given-up", why: "550" },
    ],
    ["lost after a day", mailed, { kind: "lost" }, T + DAY, { state: "given-up" }],
    ["the spool lost it", mailed, { kind: "lost" }, T, { state: "waiting", message: null, nextAt: T }],
    [
      "all addresses refused it",
      { ...fresh, refused: ["a@x.test"], why: "550" },
      { kind: "refused" },
      T,
      { state: "given-up", why: "550" },
    ],
    [
      "first failure",
      fresh,
      failed("503"),
      T,
      { state: "waiting", tries: 1, triedAt: T, nextAt: T + 10 * MINUTE },
    ],
    [
      "third failure: twice as long each time",
      { ...fresh, tries: 2, triedAt: T },
      failed("503"),
      T + HOUR,
      { nextAt: T + HOUR + 40 * MINUTE, why: "503" },
    ],
    [
      "many failures: four hours at most",
      { ...fresh, tries: 9, triedAt: T },
      failed("503"),
      T + 12 * HOUR,
      { nextAt: T + 16 * HOUR },
    ],
    [
      "the last try is a day after the first",
      { ...fresh, tries: 9, triedAt: T },
      failed("503"),
      T + 23 * HOUR,
      { nextAt: T + DAY },
    ],
    [
      "a day is over",
      { ...fresh, tries: 10, triedAt: T },
      failed("503"),
      T + DAY,
      { state: "given-up", why: "503", tries: 11 },
    ],
  ])("%s", (_, row, outcome, now, wanted) => {
    const next = afterTry(row, outcome, now, () => 0.5);
    if (wanted === undefined) expect(next).toBeUndefined();
    else expect(next).toMatchObject(wanted);
  });

  test("failures are spread by a fifth", () => {
    const wait = (random: number) => afterTry(fresh, failed(""), T, () => random)!.nextAt - T;
    expect([wait(0), wait(1)]).toEqual([8 * MINUTE, 12 * MINUTE]);
  });
});

test.each([
  [0, 5 * MINUTE],
  [1, 4 * HOUR],
])("a report is due within four hours after its day (%s)", (random, delay) => {
  expect(dueAt(999, () => random)).toBe(1_000 * DAY + delay);
});
