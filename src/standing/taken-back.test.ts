import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY_MS, MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { createStandings, standingMigrations, type Standings } from "./index.ts";

/** mulberry32: from 0 to 1, the same for the same seed. */
function seeded(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

let db: Database;
let clock: MovableClock;
let standings: Standings;
let n = 0;
beforeEach(() => {
  db = new Database(":memory:", standingMigrations);
  clock = new MovableClock(400 * DAY_MS);
  standings = createStandings({ db, clock, authority: "did:web:pool.test" });
});
afterEach(() => db.close());

const CAUSES = ["bounce-warning", "provider-complaints", "bounce-probation", "complaint-probation"];

function finds(did: string, cause: string) {
  const at = clock.now();
  const found = { cause, rule: cause, description: "", evidence: {}, actionId: `${++n}`, at, sentAt: at - 1 };
  return standings.consider(did, [found]);
}

/** Half a year of causes, returns and people's decisions. */
function live(did: string, random: () => number): void {
  standings.begin(did);
  for (let i = 0; i < 12; i++) {
    clock.advance(Math.floor(random() * 20 * DAY_MS) + 1_000);
    standings.review(did, { eligible: 0, p_over_5: 0 });
    const what = random();
    if (what < 0.6) finds(did, CAUSES[Math.floor(random() * CAUSES.length)]!);
    else if (what < 0.7) standings.confirmRemedy(did, "A captcha");
    else if (what < 0.8) standings.decide(did, "warned", { by: "rosa", why: "So." });
  }
  clock.advance(1_000);
}

/** First causes of the last 30 days; older ones make no repetition, and are dropped now and then. */
const counting = <S extends { probations?: readonly number[] }>({ probations = [], ...state }: S) => ({
  ...state,
  probations: probations.filter((at) => clock.now() - at < 30 * DAY_MS),
});

test("what is taken back before anything else happens leaves all as it was, whatever was before", () => {
  let moved = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const random = seeded(seed);
    const did = `did:plc:${seed}`;
    live(did, random);
    const { remedyAt: _, ...before } = standings.state(did);
    const change = finds(did, random() < 0.5 ? "bounce-warning" : "bounce-probation");
    if (!change) continue;
    moved++;
    clock.advance(1_000);
    expect(standings.takeBack(did, [change.id], "-"), String(seed)).toMatchObject({ to: before.standing });
    const { since, lastCauseAt = -Infinity, ...after } = standings.state(did);
    const { since: began, lastCauseAt: cause = -Infinity, ...expected } = before;
    expect(counting(after), String(seed)).toEqual(counting(expected));
    // A cause that had moved nothing is forgotten with what came after it.
    expect(lastCauseAt, String(seed)).toBeLessThanOrEqual(cause);
    // Nothing is written of when a record began.
    if (before.standing !== "good") expect(since, String(seed)).toBe(began);
    expect(standings.takeBack(did, [change.id], "-"), String(seed)).toBeUndefined();
  }
  expect(moved).toBeGreaterThan(100);
});

test("to take back never makes a standing worse, nor ends what a person decided", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seeded(seed);
    const did = `did:plc:${seed}`;
    live(did, random);
    const before = standings.state(did).standing;
    const past = standings.changesOf(did);
    const undone = past.filter(() => random() < 0.5).map(({ id }) => id);
    const change = standings.takeBack(did, undone, "-");
    const rank = ["good", "warned", "probation", "suspended"];
    expect(rank.indexOf(standings.state(did).standing), String(seed)).toBeLessThanOrEqual(
      rank.indexOf(before),
    );
    if (past[0]?.by) expect(change, String(seed)).toBeUndefined();
  }
});
