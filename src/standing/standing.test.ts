import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY_MS, MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import type { Standing } from "../policy/index.ts";
import {
  canRead,
  createStandings,
  gravestOf,
  labelsFor,
  standingMigrations,
  type Standings,
} from "./index.ts";
import { ease, worsen, type StandingState } from "./transition.ts";

describe("worsen", () => {
  const at = 100 * DAY_MS;
  test.each<[string, StandingState, "warned" | "probation", Standing | undefined]>([
    ["good is warned", { standing: "good", since: 0 }, "warned", "warned"],
    ["good falls to probation at once", { standing: "good", since: 0 }, "probation", "probation"],
    ["warned falls to probation", { standing: "warned", since: 0 }, "probation", "probation"],
    ["warned twice stays", { standing: "warned", since: 0 }, "warned", undefined],
    [
      "probation does not ease to warned by a cause",
      { standing: "probation", since: 0 },
      "warned",
      undefined,
    ],
    [
      "a second probation within 30 days suspends",
      { standing: "probation", since: at - DAY_MS, lastProbationAt: at - DAY_MS },
      "probation",
      "suspended",
    ],
    [
      "after 30 days it does not",
      { standing: "probation", since: at - 31 * DAY_MS, lastProbationAt: at - 31 * DAY_MS },
      "probation",
      undefined,
    ],
    [
      "nor for the event that caused the first",
      { standing: "probation", since: at, lastProbationAt: at },
      "probation",
      undefined,
    ],
    ["suspended stays", { standing: "suspended", since: 0 }, "probation", undefined],
    ["ejected stays", { standing: "ejected", since: 0 }, "probation", undefined],
  ])("%s", (_, state, grade, expected) => {
    expect(worsen(state, { grade }, at)).toBe(expected);
  });
});

describe("ease", () => {
  const since = 10 * DAY_MS;
  const none = { eligible: 0, p_over_5: 0 };
  test.each<[string, StandingState, { eligible: number; p_over_5: number }, number, Standing | undefined]>([
    ["warned, 14 clean days", { standing: "warned", since }, none, since + 14 * DAY_MS, "good"],
    ["warned, 13 days", { standing: "warned", since }, none, since + 13 * DAY_MS, undefined],
    [
      "warned, a cause since",
      { standing: "warned", since, lastCauseAt: since + DAY_MS },
      none,
      since + 14 * DAY_MS,
      undefined,
    ],
    [
      "warned, 50 clean sends",
      { standing: "warned", since },
      { eligible: 50, p_over_5: 0.05 },
      since + DAY_MS,
      "good",
    ],
    [
      "warned, 50 sends that say little",
      { standing: "warned", since },
      { eligible: 50, p_over_5: 0.4 },
      since + DAY_MS,
      undefined,
    ],
    [
      "warned, 49 clean sends",
      { standing: "warned", since },
      { eligible: 49, p_over_5: 0.01 },
      since + DAY_MS,
      undefined,
    ],
    ["probation, 14 clean days", { standing: "probation", since }, none, since + 14 * DAY_MS, "warned"],
    [
      "probation, clean sends alone do not",
      { standing: "probation", since },
      { eligible: 90, p_over_5: 0 },
      since + DAY_MS,
      undefined,
    ],
    ["suspended waits for people", { standing: "suspended", since }, none, since + 99 * DAY_MS, undefined],
  ])("%s", (_, state, newer, now, expected) => {
    expect(ease(state, newer, now)?.to).toBe(expected);
  });
});

describe("labelsFor tells the outside nothing but the positive", () => {
  const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
  const visible = (standing: Standing | "left") => labelsFor(did, standing, true);
  test("good, warned and probation cannot be told apart but for clean-sender, which good alone can earn", () => {
    expect(visible("good")).toEqual({ did, member: true, ended: false, cleanSender: true });
    expect(visible("warned")).toEqual({ did, member: true, ended: false, cleanSender: false });
    expect(visible("probation")).toEqual(visible("warned"));
    expect(labelsFor(did, "good", false)).toEqual(visible("warned"));
  });
  test("suspended, ejected and left are one and the same end", () => {
    expect(visible("suspended")).toEqual({ did, member: false, ended: true, cleanSender: false });
    expect(visible("ejected")).toEqual(visible("suspended"));
    expect(visible("left")).toEqual(visible("suspended"));
  });
});

describe("the store", () => {
  const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
  let db: Database;
  let clock: MovableClock;
  let standings: Standings;
  beforeEach(() => {
    db = new Database(":memory:", standingMigrations);
    clock = new MovableClock(Date.UTC(2026, 0, 1));
    standings = createStandings({ db, clock, authority: "did:web:coop.test" });
    standings.begin(did);
    clock.advance(DAY_MS);
  });
  afterEach(() => db.close());

  const finding = () => ({
    cause: "bounce-warning",
    rule: "BounceWarning",
    description: "8 of 60 recipients do not exist",
    evidence: { eligible: 60, hard: 8 },
    actionId: "1",
    at: clock.now(),
    sentAt: clock.now(),
  });

  test("a change carries cause, evidence, remedy and a dated way back, and is told in a note", () => {
    const change = standings.consider(did, finding());
    expect(change).toMatchObject({
      from: "good",
      to: "warned",
      rule: "BounceWarning",
      evidence: { eligible: 60, hard: 8 },
      wayBack: { at: clock.now() + 14 * DAY_MS },
    });
    expect(change!.remedy).toMatch(/Confirm addresses/);
    expect(standings.changesOf(did)).toEqual([change]);
    const [note] = standings.notes.list(did);
    expect(note!.title).toMatch(/warned/);
    expect(note!.body).toContain("8 of 60 recipients do not exist");
    expect(note!.body).toContain("14 days");
  });

  test("the same cause again changes nothing but puts off the return", () => {
    standings.consider(did, finding());
    clock.advance(10 * DAY_MS);
    expect(standings.consider(did, finding())).toBeUndefined();
    clock.advance(5 * DAY_MS);
    expect(standings.review(did, { eligible: 0, p_over_5: 0 })).toBeUndefined();
    clock.advance(9 * DAY_MS);
    expect(standings.review(did, { eligible: 0, p_over_5: 0 })).toMatchObject({ from: "warned", to: "good" });
  });

  test("of several findings in one event the gravest counts, once", () => {
    const probation = { ...finding(), cause: "bounce-probation" };
    for (const findings of [
      [finding(), probation],
      [probation, finding()],
    ]) {
      expect(gravestOf(findings)).toBe(probation);
    }
    expect(gravestOf([{ ...finding(), cause: "made-up" }, finding()])?.cause).toBe("bounce-warning");
    expect(gravestOf([])).toBeUndefined();
  });

  test("a bounce of mail that was sent before the change is no new cause", () => {
    const probation = () => ({ ...finding(), cause: "bounce-probation" });
    const sent = clock.now();
    clock.advance(1_000);
    expect(standings.consider(did, { ...probation(), sentAt: sent })?.to).toBe("probation");
    clock.advance(1_000);
    expect(standings.consider(did, { ...probation(), sentAt: sent })).toBeUndefined();
    clock.advance(DAY_MS);
    expect(standings.consider(did, probation())?.to).toBe("suspended");
  });

  test("an unknown cause is no cause", () => {
    expect(standings.consider(did, { ...finding(), cause: "made-up" })).toBeUndefined();
    expect(standings.state(did).standing).toBe("good");
  });

  test("only the member and the committee may read", () => {
    expect(canRead(undefined, did)).toBe(false);
    expect(canRead({ role: "member", did: "did:plc:other" }, did)).toBe(false);
    expect(canRead({ role: "member", did }, did)).toBe(true);
    expect(canRead({ role: "committee" }, did)).toBe(true);
  });
});
