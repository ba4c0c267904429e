import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { advance, allowanceToday, NO_TALLY, type DayTally } from "./advance.ts";
import { allowanceAt, rampOf, type Ramp } from "./ramp.ts";

const ramp: Ramp = [100, 200, 400, 800];
const WARM = ramp.length;
const day = (counts: Partial<DayTally>): DayTally => ({ ...NO_TALLY, ...counts });

describe("the stage after a day", () => {
  test.each<[string, number, Partial<DayTally>, number, string]>([
    ["a whole day's mail arrived", 0, { delivered: 100 }, 1, "100 of 100 arrived"],
    ["half of it is enough", 1, { delivered: 100 }, 2, "100 of 200 arrived"],
    ["less than half says nothing", 1, { delivered: 99 }, 1, "too few to tell"],
    ["an idle day changes nothing", 2, {}, 2, "too few to tell"],
    ["an idle day leaves a warm address warm", WARM, {}, WARM, "warm"],
    ["bounces of recipients are not the address's fault", 0, { delivered: 60, bounced: 40 }, 1, "arrived"],
    ["after the last stage there is no limit", 3, { delivered: 700 }, WARM, "arrived"],
    ["warm stays warm", WARM, { delivered: 5_000 }, WARM, "warm"],

    ["a tenth deferred keeps it", 1, { delivered: 180, deferred: 20 }, 1, "20 of 200 deferred"],
    ["one deferral of two is no sign", 0, { delivered: 60, deferred: 1 }, 1, "arrived"],
    ["a fifth deferred is a step back", 2, { delivered: 320, deferred: 80 }, 1, "80 of 400 deferred"],
    ["four deferrals are too few for that", 1, { delivered: 4, deferred: 4 }, 1, "4 of 8 deferred"],
    ["at the bottom it stays", 0, { delivered: 20, deferred: 80 }, 0, "80 of 100 deferred"],

    ["one refusal in fifty keeps it", 0, { delivered: 98, blocked: 2 }, 0, "2 of 100 refused"],
    ["one in twenty is a step back", 2, { delivered: 380, blocked: 20 }, 0, "20 of 400 refused"],
    ["two refusals only keep it", 1, { delivered: 10, blocked: 2 }, 1, "2 of 12 refused"],

    ["a complaint below a thousand keeps it", 1, { delivered: 200, complaint: 1 }, 1, "1 of 200 complaints"],
    ["one in two thousand does not", 3, { delivered: 2_000, complaint: 1 }, WARM, "arrived"],
    ["three in a thousand are a step back", 3, { delivered: 1_000, complaint: 3 }, 1, "3 of 1000 complaints"],
    ["complaints on a day without mail keep it", WARM, { complaint: 1 }, WARM, "1 of 0 complaints"],

    [
      "a warm address falls to half of what it sent",
      WARM,
      { delivered: 600, deferred: 300 },
      2,
      "300 of 900",
    ],
    ["and with little mail to the bottom, which is room enough", WARM, { blocked: 5 }, 0, "5 of 5 refused"],
  ])("%s", (_, stage, counts, next, why) => {
    const result = advance(ramp, stage, day(counts));
    expect(result).toMatchObject({ stage: next, why: expect.stringContaining(why) });
    expect(result.change).toBe(next > stage ? "up" : next < stage ? "back" : "stay");
  });

  test("a day that goes wrong narrows its own allowance", () => {
    expect(allowanceToday(ramp, 2, day({ delivered: 300 }))).toBe(400);
    expect(allowanceToday(ramp, 2, day({ delivered: 100, blocked: 50 }))).toBe(100);
    expect(allowanceToday(ramp, WARM, day({ delivered: 1_000 }))).toBeUndefined();
  });
});

describe("the ramps", () => {
  test.each(["gmail", "microsoft", "outlook", "yahoo", "other"])(
    "%s: each stage is more, by half at most",
    (provider) => {
      const stages = rampOf(provider);
      for (const [i, allowance] of stages.entries()) {
        const before = stages[i - 1];
        if (before === undefined) continue;
        expect(allowance).toBeGreaterThan(before);
        expect(allowance / before).toBeLessThanOrEqual(1.5);
      }
      expect(allowanceAt(stages, stages.length)).toBeUndefined();
    },
  );

  test("the tables of docs/warm-up.md are these", () => {
    const page = readFileSync(new URL("../../docs/warm-up.md", import.meta.url), "utf8");
    for (const provider of ["gmail", "microsoft", "other"]) {
      const stages = rampOf(provider).map((allowance) => allowance.toLocaleString("en-GB"));
      expect(page).toContain(`| ${stages.join(", ")}, `);
    }
  });

  test("Microsoft is asked for less than anybody", () => {
    expect(rampOf("outlook")).toEqual(rampOf("microsoft"));
    for (const [i, most] of rampOf("microsoft").entries()) {
      expect(most).toBeLessThan(rampOf("gmail")[i] ?? Infinity);
      expect(most).toBeLessThan(rampOf("other")[i] ?? Infinity);
    }
  });
});
