import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY_MS } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import type { Standing } from "../policy/index.ts";
import {
  caseMigration,
  createCases,
  decisionEffects,
  isOwnCase,
  VERDICTS_OF,
  type CaseKind,
  type Cases,
  type CaseVerdict,
  type DecisionEffects,
} from "./cases.ts";

const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const at = 1_000 * DAY_MS;

describe("what follows from a decision", () => {
  test.each<[CaseKind, CaseVerdict, Standing | undefined, DecisionEffects]>([
    ["suspended", "uphold", undefined, { upheld: { reviewAt: at + 30 * DAY_MS } }],
    ["suspended", "lift", undefined, { standing: "warned" }],
    ["suspended", "standing", "ejected", { standing: "ejected" }],
    ["appeal", "uphold", undefined, {}],
    ["appeal", "lift", undefined, { standing: "warned" }],
    ["appeal", "standing", "probation", { standing: "probation" }],
    ["newcomers", "uphold", undefined, {}],
    ["newcomers", "lift", undefined, { standing: "warned" }],
    ["newcomers", "standing", "suspended", { standing: "suspended" }],
    ["remedy", "uphold", undefined, { putOff: true }],
    ["remedy", "lift", undefined, { standing: "warned" }],
    ["complaints", "uphold", undefined, { pause: "keep" }],
    ["complaints", "lift", undefined, { pause: "end" }],
    ["complaints", "standing", "suspended", { standing: "suspended" }],
    ["pause", "uphold", undefined, { pause: "keep" }],
    ["pause", "lift", undefined, { pause: "end" }],
  ])("%s: %s %s", (kind, verdict, to, expected) => {
    expect(VERDICTS_OF[kind]).toContain(verdict);
    expect(decisionEffects({ kind }, { verdict, ...(to && { to }), at }, "warned")).toEqual(expected);
  });
});

describe("nobody decides about itself", () => {
  const member = { did, handle: "ada.test", domains: ["mail.ada.test"] };
  test.each<[string, boolean]>([
    [did, true],
    [did.toUpperCase(), true],
    ["ada.test", true],
    [" @Ada.test ", true],
    ["mail.ada.test", true],
    ["ada@mail.ada.test", true],
    ["Ada <post@mail.ada.test>", true],
    ["Ada (ada.test)", true],
    ["ada.test.", true],
    ["ada\u200b.test", true],
    ["ａda.test", true],
    [`at://${did}`, true],
    ["https://ada.test/", true],
    ["ada", false],
    ["rosa", false],
    ["nada.test", false],
    ["did:plc:bbbbbbbbbbbbbbbbbbbbbbbb", false],
  ])("%s: %s", (by, isOwn) => {
    expect(isOwnCase(by, member)).toBe(isOwn);
  });
  test("a member without a handle has none in common with anybody", () => {
    expect(isOwnCase("", { did, handle: "", domains: [] })).toBe(false);
  });
});

describe("the store", () => {
  let db: Database;
  let cases: Cases;
  beforeEach(() => {
    db = new Database(":memory:", [caseMigration]);
    cases = createCases(db);
  });
  afterEach(() => db.close());

  test("about one thing there is one case", () => {
    const one = cases.open({
      did,
      kind: "suspended",
      about: "change:7",
      at,
      changeId: 7,
      facts: { hard: 8 },
    });
    expect(one).toMatchObject({
      id: 1,
      dueAt: at + 2 * DAY_MS,
      facts: { hard: 8 },
      words: "",
      decision: null,
    });
    expect(cases.open({ did, kind: "suspended", about: "change:7", at: at + 1 })).toBeUndefined();
    expect(cases.openAbout({ changeId: 7 })).toEqual([one]);
    expect(cases.openAbout({ pauseId: 7 })).toEqual([]);
  });

  test("those due first come first, so what is overdue stands on top", () => {
    cases.open({ did, kind: "appeal", about: "appeal:1:1", at });
    cases.open({ did, kind: "pause", about: "pause:1", at, pauseId: 1 });
    cases.open({ did: "did:plc:other", kind: "suspended", about: "change:2", at, dueAt: at - DAY_MS });
    expect(cases.list("open", 10).map(({ about }) => about)).toEqual(["change:2", "pause:1", "appeal:1:1"]);
    expect(cases.list("open", 1)).toHaveLength(1);
    expect(cases.list("open", 10, did).map(({ about }) => about)).toEqual(["pause:1", "appeal:1:1"]);
  });

  test("a decision is written once", () => {
    const { id } = cases.open({ did, kind: "suspended", about: "change:7", at })!;
    const decision = { at: at + 1, by: "rosa", verdict: "lift" as const, to: null, reason: "A false alarm" };
    expect(cases.decide(id, decision)).toMatchObject({ id, decision });
    expect(cases.decide(id, { ...decision, by: "max", verdict: "uphold" })).toBeUndefined();
    expect(cases.get(id)?.decision).toEqual(decision);
    expect(cases.decide(99, decision)).toBeUndefined();
    expect(cases.list("open", 10)).toEqual([]);
    expect(cases.list("decided", 10)).toHaveLength(1);
    expect(cases.openAbout({ changeId: 7 })).toEqual([]);
  });
});

test.each(["pause_id", "change_id"])(
  "cases about one thing are found by it, however many are open: %s",
  (column) => {
    const db = new Database(":memory:", [caseMigration]);
    const plan = db.all<{ detail: string }>(
      `EXPLAIN QUERY PLAN SELECT * FROM committee_case WHERE ${column} = ? AND decided_at IS NULL`,
      1,
    );
    db.close();
    expect(plan.map(({ detail }) => detail)).toEqual([expect.stringContaining(`(${column}=?)`)]);
  },
);
