import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY_MS, MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { STANDINGS, type Standing } from "../policy/index.ts";
import {
  CAUSES,
  canRead,
  createStandings,
  gradeOf,
  labelsFor,
  standingMigrations,
  type Standings,
} from "./index.ts";
import {
  ease,
  transition,
  waitsForRemedy,
  wayBack,
  without,
  type Finding,
  type StandingState,
} from "./transition.ts";

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

const at = 100 * DAY_MS;
const found = (cause: string, own: Partial<Finding> = {}): Finding => ({
  cause,
  rule: "Rule",
  description: "",
  evidence: {},
  actionId: "1",
  at,
  sentAt: at - 1,
  ...own,
});

describe("transition", () => {
  type Row = [string, StandingState, Finding[], Standing];
  test.each<Row>([
    ["good is warned", { standing: "good", since: 0 }, [found("bounce-warning")], "warned"],
    ["good falls to probation", { standing: "good", since: 0 }, [found("bounce-probation")], "probation"],
    ["warned falls to probation", { standing: "warned", since: 0 }, [found("bounce-probation")], "probation"],
    ["warned twice stays", { standing: "warned", since: 0 }, [found("provider-complaints")], "warned"],
    [
      "a lesser cause does not ease",
      { standing: "probation", since: 0 },
      [found("bounce-warning")],
      "probation",
    ],
    [
      "a second probation within 30 days suspends",
      { standing: "probation", since: at - DAY_MS, probations: [at - DAY_MS] },
      [found("complaint-probation")],
      "suspended",
    ],
    [
      "also of a member that has come back meanwhile",
      {
        standing: "warned",
        since: at - 5 * DAY_MS,
        easedAt: at - 5 * DAY_MS,
        probations: [at - 20 * DAY_MS],
      },
      [found("complaint-probation")],
      "suspended",
    ],
    [
      "after 30 days it does not",
      { standing: "probation", since: at - 31 * DAY_MS, probations: [at - 31 * DAY_MS] },
      [found("bounce-probation")],
      "probation",
    ],
    [
      "nor by mail from before the first change",
      { standing: "probation", since: at - DAY_MS, probations: [at - DAY_MS] },
      [found("bounce-probation", { sentAt: at - 2 * DAY_MS })],
      "probation",
    ],
    [
      "nor when strangers brought it about",
      { standing: "probation", since: at - DAY_MS, probations: [at - DAY_MS] },
      [found("bounce-probation", { byStrangers: true })],
      "probation",
    ],
    [
      "nor does mail that claims to be from the future, told twice",
      { standing: "good", since: 0 },
      [found("bounce-probation", { sentAt: at + 9 }), found("bounce-probation", { sentAt: at + 9 })],
      "probation",
    ],
    [
      "what strangers did in between hides nothing",
      { standing: "probation", since: at - 1, probations: [at - 3 * DAY_MS, at - DAY_MS] },
      [found("bounce-probation", { sentAt: at - 2 * DAY_MS })],
      "suspended",
    ],
    [
      "a spam run suspends at once",
      { standing: "good", since: 0 },
      [found("breaker-confirmed")],
      "suspended",
    ],
    [
      "a spam run of an hour before a return too",
      { standing: "good", since: at, easedAt: at },
      [found("breaker-confirmed")],
      "suspended",
    ],
    [
      "but not one that a person has judged",
      { standing: "good", since: at, easedAt: at, judgedAt: at },
      [found("breaker-confirmed")],
      "good",
    ],
    [
      "mail from before a return is no new cause",
      { standing: "good", since: at, easedAt: at },
      [found("bounce-warning")],
      "good",
    ],
    ["ejected stays", { standing: "ejected", since: 0 }, [found("breaker-confirmed")], "ejected"],
    ["an unknown label is no cause", { standing: "good", since: 0 }, [found("made-up")], "good"],
    ["nor is an inherited name", { standing: "good", since: 0 }, [found("constructor")], "good"],
    ...Object.entries(CAUSES)
      .filter(([, { consequence }]) => consequence.kind !== "grade")
      .map(([cause]): Row => [
        `${cause} moves nobody`,
        { standing: "good", since: 0 },
        [found(cause)],
        "good",
      ]),
  ])("%s", (_, state, findings, expected) => {
    const { state: after, moved } = transition(state, findings, at);
    expect(after.standing).toBe(expected);
    expect(moved?.to).toBe(expected === state.standing ? undefined : expected);
    expect(transition(after, findings, at).state).toEqual(after);
  });

  test("of several findings in one event the gravest is told, and the change begins where it began", () => {
    const findings = [found("bounce-warning"), found("bounce-probation", { rule: "Gravest" })];
    for (const order of [findings, findings.toReversed()])
      expect(transition({ standing: "good", since: 0 }, order, at).moved).toMatchObject({
        from: "good",
        to: "probation",
        finding: { rule: "Gravest" },
      });
  });
});

describe("causes of grade probation that count as a first", () => {
  const after = (findings: readonly Finding[]) =>
    findings.reduce<StandingState>((state, one) => transition(state, [one], one.at).state, {
      standing: "good",
      since: 0,
    });

  test("what strangers brought about is none: with it they would need one mistake of the member alone", () => {
    const strangers = found("bounce-probation", { byStrangers: true });
    const later = at + 3 * DAY_MS;
    expect(after([strangers, found("complaint-probation", { at: later, sentAt: later - 1 })]).standing).toBe(
      "probation",
    );
  });

  test("of each day the first and the last, for 60 days", () => {
    const hourly = Array.from({ length: 100 * 24 }, (_, i) => at + (i * DAY_MS) / 24);
    const { probations = [] } = after(
      hourly.map((one) => found("bounce-probation", { at: one, sentAt: one - 1 })),
    );
    expect(probations.length).toBeLessThanOrEqual(122);
    expect(probations.at(-1)).toBe(hourly.at(-1));
  });
});

describe("whatever the findings, their order and their batches", () => {
  const random = seeded(7);
  const below = (n: number) => Math.floor(random() * n);
  const rank = (standing: Standing) => STANDINGS.indexOf(standing);
  const causes = Object.keys(CAUSES);
  const anyFinding = (): Finding => {
    const when = below(60) * DAY_MS + below(1_000);
    return found(causes[below(causes.length)]!, {
      at: when,
      sentAt: when - below(3 * DAY_MS),
      actionId: String(random()),
      byStrangers: below(4) === 0,
    });
  };
  const shuffled = <T>(list: readonly T[]): T[] => {
    const out = [...list];
    for (let i = out.length - 1; i > 0; i--) {
      const j = below(i + 1);
      [out[i], out[j]] = [out[j]!, out[i]!];
    }
    return out;
  };
  const START: StandingState = { standing: "good", since: -10 * DAY_MS };
  const inBatches = (findings: readonly Finding[], state = START): StandingState => {
    let after = state;
    for (let i = 0; i < findings.length;) {
      const size = 1 + below(3);
      after = transition(after, findings.slice(i, i + size), 100 * DAY_MS).state;
      i += size;
    }
    return after;
  };
  const rounds = Array.from({ length: 400 }, () => Array.from({ length: 1 + below(8) }, anyFinding));

  test("the standing is never better than the worst cause allows", () => {
    for (const findings of rounds) {
      const worst = Math.max(0, ...findings.map(({ cause }) => rank(gradeOf(cause) ?? "good")));
      for (let i = 0; i < 5; i++)
        expect(rank(inBatches(shuffled(findings)).standing)).toBeGreaterThanOrEqual(worst);
    }
  });

  test("what is told again changes nothing", () => {
    for (const findings of rounds) {
      const order = shuffled(findings);
      const once = inBatches(order);
      expect(inBatches(shuffled(order), once).standing).toBe(once.standing);
      for (const finding of order) {
        const first = transition(once, [finding], 100 * DAY_MS).state;
        expect(transition(first, [finding], 100 * DAY_MS).state).toEqual(first);
      }
    }
  });

  test("strangers suspend nobody", () => {
    for (const findings of rounds) {
      const theirs = findings
        .filter(({ cause }) => gradeOf(cause) !== "suspended")
        .map((finding) => ({ ...finding, byStrangers: true }));
      expect(rank(inBatches(theirs).standing)).toBeLessThanOrEqual(rank("probation"));
    }
  });

  test("one finding more never helps", () => {
    for (const findings of rounds) {
      const inOrder = findings.toSorted((a, b) => a.at - b.at);
      const one = below(inOrder.length);
      const without = inOrder.filter((_, i) => i !== one);
      const stand = (all: readonly Finding[]) =>
        all.reduce((state, finding) => transition(state, [finding], 100 * DAY_MS).state, START).standing;
      expect(rank(stand(inOrder))).toBeGreaterThanOrEqual(rank(stand(without)));
    }
  });

  test("every standing but good has a way back: a date by which it eases, or a person", () => {
    for (const findings of rounds) {
      const state = inBatches(shuffled(findings));
      const back = wayBack(state);
      expect(back.text).not.toBe("");
      if (state.standing === "good") continue;
      expect(back.at).not.toBeNull();
      const later = 200 * DAY_MS;
      expect(ease({ ...state, remedyAt: later }, { eligible: 0, p_over_5: 1 }, later)).toBeDefined();
      if (state.standing === "probation") expect(waitsForRemedy(state, later)).toBe(true);
    }
  });
});

describe("what is left when changes are taken back", () => {
  const change = (id: number, from: Standing, to: Standing, cause: string, by: string | null = null) => ({
    id,
    from,
    to,
    at: id * DAY_MS,
    cause,
    by,
  });
  const bounced = change(1, "good", "probation", "bounce-probation");
  test.each<[string, Parameters<typeof without>[0], number[], Standing | undefined]>([
    ["the only one", [bounced], [1], "good"],
    [
      "another cause stays",
      [bounced, change(2, "probation", "suspended", "breaker-confirmed")],
      [1],
      "suspended",
    ],
    [
      "a repetition without its first is a first",
      [bounced, change(2, "probation", "suspended", "complaint-probation")],
      [1],
      "probation",
    ],
    [
      "without its second nothing is repeated",
      [
        change(1, "good", "probation", "complaint-probation"),
        change(2, "probation", "suspended", "bounce-probation"),
      ],
      [2],
      "probation",
    ],
    [
      "a person's decision stays",
      [bounced, change(2, "probation", "suspended", "committee", "rosa")],
      [1],
      "suspended",
    ],
    [
      "a repetition of what was long before is one",
      [
        change(1, "good", "probation", "complaint-probation"),
        change(15, "probation", "warned", "way-back"),
        change(16, "warned", "good", "way-back"),
        change(17, "good", "warned", "bounce-warning"),
        change(20, "warned", "suspended", "complaint-probation"),
      ],
      [17],
      "suspended",
    ],
    ["a return stays", [bounced, change(2, "probation", "warned", "way-back")], [1], "good"],
    ["nothing of these", [bounced], [9], undefined],
  ])("%s", (_, changes, undone, expected) => {
    expect(without(changes, new Set(undone))?.standing).toBe(expected);
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
    [
      "probation, 14 clean days and a remedy",
      { standing: "probation", since, remedyAt: since + 1 },
      none,
      since + 14 * DAY_MS,
      "warned",
    ],
    ["probation, no remedy", { standing: "probation", since }, none, since + 99 * DAY_MS, undefined],
    [
      "probation, a remedy and a cause since",
      { standing: "probation", since, remedyAt: since + 1, lastCauseAt: since + DAY_MS },
      none,
      since + 14 * DAY_MS,
      undefined,
    ],
    [
      "probation, clean sends alone do not",
      { standing: "probation", since },
      { eligible: 90, p_over_5: 0 },
      since + DAY_MS,
      undefined,
    ],
    ["suspended waits for people", { standing: "suspended", since }, none, since + 13 * DAY_MS, undefined],
    ["whom nobody decided about", { standing: "suspended", since }, none, since + 14 * DAY_MS, "probation"],
    [
      "a suspension that was upheld",
      { standing: "suspended", since, upheld: true },
      none,
      since + 99 * DAY_MS,
      undefined,
    ],
    ["ejected", { standing: "ejected", since }, none, since + 999 * DAY_MS, undefined],
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

  /** All of it was an incident's. */
  const count = () => ({ eligible: 0, hard: 0 });

  test("a change carries cause, evidence, remedy and a dated way back, and is told in a note", () => {
    const change = standings.consider(did, [finding()]);
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
    standings.consider(did, [finding()]);
    clock.advance(10 * DAY_MS);
    expect(standings.consider(did, [finding()])).toBeUndefined();
    clock.advance(5 * DAY_MS);
    expect(standings.review(did, { eligible: 0, p_over_5: 0 })).toBeUndefined();
    clock.advance(9 * DAY_MS);
    expect(standings.review(did, { eligible: 0, p_over_5: 0 })).toMatchObject({ from: "warned", to: "good" });
  });

  test("a bounce of mail that was sent before the change is no new cause", () => {
    const probation = () => ({ ...finding(), cause: "bounce-probation" });
    const sent = clock.now();
    clock.advance(1_000);
    expect(standings.consider(did, [{ ...probation(), sentAt: sent }])?.to).toBe("probation");
    clock.advance(1_000);
    expect(standings.consider(did, [{ ...probation(), sentAt: sent }])).toBeUndefined();
    clock.advance(DAY_MS);
    expect(standings.consider(did, [probation()])?.to).toBe("suspended");
  });

  test("an unknown cause is no cause", () => {
    expect(standings.consider(did, [{ ...finding(), cause: "made-up" }])).toBeUndefined();
    expect(standings.state(did).standing).toBe("good");
  });

  test("strangers' doing stops at probation, and has its own remedy", () => {
    const theirs = () => [{ ...finding(), cause: "bounce-probation", byStrangers: true }];
    expect(standings.consider(did, theirs())).toMatchObject({
      to: "probation",
      remedy: expect.stringContaining("captcha"),
    });
    clock.advance(DAY_MS);
    expect(standings.consider(did, theirs())).toBeUndefined();
  });

  test("probation, a remedy, warned, good: with a note for each", () => {
    standings.consider(did, [{ ...finding(), cause: "bounce-probation" }]);
    const none = { eligible: 0, p_over_5: 0 };
    clock.advance(14 * DAY_MS);
    expect(standings.review(did, none)).toBeUndefined();
    expect(standings.waitsForRemedy(did)).toBe(true);
    expect(standings.confirmRemedy(did, "A captcha")).toBe(true);
    expect(standings.remedyOf(did)).toEqual({ at: clock.now(), text: "A captcha" });
    expect(standings.waitsForRemedy(did)).toBe(false);
    expect(standings.review(did, none)).toMatchObject({ from: "probation", to: "warned" });
    expect(standings.remedyOf(did)).toBeUndefined();
    clock.advance(14 * DAY_MS);
    expect(standings.review(did, none)?.to).toBe("good");
    expect(standings.confirmRemedy(did, "Nothing asks for it")).toBe(false);
    expect(standings.notes.list(did)).toHaveLength(3);
  });

  test("a suspension that nobody decides about ends in probation, one that was upheld does not", () => {
    const spam = () => [{ ...finding(), cause: "breaker-confirmed" }];
    expect(standings.consider(did, spam())?.wayBack).toMatchObject({ at: clock.now() + 2 * DAY_MS });
    clock.advance(14 * DAY_MS);
    expect(standings.review(did, { eligible: 0, p_over_5: 0 })?.to).toBe("probation");
    clock.advance(DAY_MS);
    standings.consider(did, spam());
    standings.uphold(did);
    clock.advance(99 * DAY_MS);
    expect(standings.review(did, { eligible: 0, p_over_5: 0 })).toBeUndefined();
  });

  test("what an incident brought about is taken back, told, and no first cause of anything", () => {
    const probation = () => [{ ...finding(), cause: "bounce-probation" }];
    const from = clock.now();
    const id = standings.consider(did, probation())!.id;
    clock.advance(1_000);
    const span = { from, until: clock.now(), why: "Bigmail refused people who exist", count };
    expect(standings.restore(did, span)).toMatchObject({
      from: "probation",
      to: "good",
      cause: "provider-incident",
      evidence: { changes: [id] },
    });
    expect(standings.restore(did, span)).toBeUndefined();
    expect(standings.notes.list(did)[0]!.body).toContain("refused people who exist");
    clock.advance(DAY_MS);
    expect(standings.consider(did, probation())?.to).toBe("probation");
  });

  test("what other causes and people brought about stays when an incident is taken back", () => {
    const from = clock.now();
    standings.consider(did, [finding()]);
    clock.advance(DAY_MS);
    standings.consider(did, [{ ...finding(), cause: "complaint-probation" }]);
    expect(standings.restore(did, { from, until: clock.now(), why: "-", count })).toBeUndefined();
    standings.decide(did, "good", { by: "rosa", why: "A test" });
    const change = standings.decide(did, "warned", { by: "rosa", why: "A test" });
    expect(standings.takeBack(did, [change.id], "-")).toBeUndefined();
    expect(standings.state(did).standing).toBe("warned");
  });

  test("a suspension that a person upheld is not taken back by anybody else", () => {
    const from = clock.now();
    const { id } = standings.consider(did, [{ ...finding(), cause: "bounce-probation" }])!;
    clock.advance(DAY_MS);
    standings.consider(did, [{ ...finding(), cause: "bounce-probation" }]);
    standings.uphold(did);
    expect(standings.restore(did, { from, until: clock.now(), why: "-", count })).toBeUndefined();
    expect(standings.takeBack(did, [id], "-")).toBeUndefined();
    expect(standings.state(did)).toMatchObject({ standing: "suspended", upheld: true });
  });

  test("only the member and the committee may read", () => {
    expect(canRead(undefined, did)).toBe(false);
    expect(canRead({ role: "member", did: "did:plc:other" }, did)).toBe(false);
    expect(canRead({ role: "member", did }, did)).toBe(true);
    expect(canRead({ role: "committee" }, did)).toBe(true);
  });
});
