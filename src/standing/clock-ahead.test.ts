import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY_MS, MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { createStandings, standingMigrations, type Standings } from "./index.ts";
import { withoutFuture, type StandingState } from "./transition.ts";

const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const now = 100 * DAY_MS;
let db: Database;
let clock: MovableClock;
let standings: Standings;
beforeEach(() => {
  db = new Database(":memory:", standingMigrations);
  clock = new MovableClock(now);
  standings = createStandings({ db, clock, authority: "did:web:pool.test" });
  standings.begin(did);
});
afterEach(() => db.close());

/** A rule finds something in mail of this moment. */
function finds(cause: string) {
  const at = clock.now();
  const found = { cause, rule: cause, description: "", evidence: {}, actionId: `${at}`, at, sentAt: at - 1 };
  return standings.consider(did, [found])?.to;
}

test("a person decided while the clock was a year ahead: rules are heard again once it is right", () => {
  clock.set(now + 365 * DAY_MS);
  standings.decide(did, "good", { by: "rosa", why: "Fine." });
  clock.set(now + DAY_MS);
  expect(finds("bounce-probation")).toBeUndefined();
  clock.advance(1_000);
  expect(finds("bounce-probation")).toBe("probation");
});

test("a suspension of a year ahead that nobody decides ends in a fortnight, as any other", () => {
  clock.set(now + 365 * DAY_MS);
  finds("breaker-confirmed");
  clock.set(now);
  const review = () => standings.review(did, { eligible: 0, p_over_5: 0 })?.to;
  expect(review()).toBeUndefined();
  clock.advance(13 * DAY_MS);
  expect(review()).toBeUndefined();
  clock.advance(DAY_MS);
  expect(review()).toBe("probation");
});

test.each<[string, StandingState, StandingState]>([
  [
    "each time of it",
    { standing: "probation", since: now + 1, lastCauseAt: now + 2, easedAt: now + 3, judgedAt: now + 4 },
    { standing: "probation", since: now, lastCauseAt: now, easedAt: now, judgedAt: now },
  ],
  [
    "causes, and the member's word",
    { standing: "probation", since: 1, probations: [1, now + 1, now + 2], remedyAt: now + 1 },
    { standing: "probation", since: 1, probations: [1, now], remedyAt: now },
  ],
])("what lies in the future was now: %s", (_, state, expected) => {
  expect(withoutFuture(state, now)).toEqual(expected);
  expect(withoutFuture(expected, now)).toBe(expected);
});
