import { describe, expect, test } from "vitest";
import { planFrom, planWarmup, USUAL_PROVIDERS, type PlanAddress, type PlanInput } from "./plan.ts";
import type { EgressStatus } from "./types.ts";

const cold = (address: string): PlanAddress => ({ address, warm: false, stages: {} });
const warm = (address: string): PlanAddress => ({ address, warm: true, stages: {} });
const input = (more: Partial<PlanInput>): PlanInput => ({
  addresses: [cold("a")],
  perDay: 400,
  providers: { gmail: 1 },
  days: 30,
  ...more,
});

describe("the plan of the next days", () => {
  test("one cold address: what is over waits, and the allowance grows by half", () => {
    const { days, clearFrom } = planWarmup(input({ days: 6 }));
    expect(days.map(({ providers: { gmail } }) => gmail)).toEqual([
      { demand: 400, sent: 100, waits: 300, allowance: 100 },
      { demand: 700, sent: 150, waits: 550, allowance: 150 },
      { demand: 950, sent: 225, waits: 725, allowance: 225 },
      { demand: 1125, sent: 335, waits: 790, allowance: 335 },
      { demand: 1190, sent: 500, waits: 690, allowance: 500 },
      { demand: 1090, sent: 750, waits: 340, allowance: 750 },
    ]);
    expect(clearFrom).toBeUndefined();
    expect(planWarmup(input({ days: 9 })).clearFrom).toBe(7);
  });

  test.each<
    [string, Partial<PlanInput>, { clearFrom?: number | undefined; lastAllowance?: number | undefined }]
  >([
    [
      "three addresses share it",
      { addresses: [cold("a"), cold("b"), cold("c")], perDay: 300 },
      { clearFrom: 1 },
    ],
    [
      "a warm one takes what is over",
      { addresses: [cold("a"), warm("b")], perDay: 9_000 },
      { clearFrom: 1, lastAllowance: undefined },
    ],
    ["half of the allowance is needed to grow", { perDay: 80 }, { clearFrom: 1, lastAllowance: 225 }],
    ["with too little mail it stays", { perDay: 40 }, { clearFrom: 1, lastAllowance: 100 }],
    ["a tenth deferred: it never grows", { deferred: 0.15 }, { clearFrom: undefined, lastAllowance: 100 }],
    ["refusals keep it at the bottom", { blocked: 0.06 }, { clearFrom: undefined, lastAllowance: 100 }],
    ["complaints too", { complaints: 0.02 }, { clearFrom: undefined, lastAllowance: 100 }],
    ["Microsoft takes longer", { providers: { microsoft: 1 } }, { clearFrom: 13 }],
    ["nobody writes", { perDay: 0 }, { clearFrom: 1, lastAllowance: 100 }],
  ])("%s", (_, more, expected) => {
    const { days, clearFrom } = planWarmup(input(more));
    if ("clearFrom" in expected) expect(clearFrom).toBe(expected.clearFrom);
    const last = Object.values(days.at(-1)!.providers)[0]!;
    if ("lastAllowance" in expected) expect(last.allowance).toBe(expected.lastAllowance);
    for (const day of days)
      for (const cell of Object.values(day.providers)) expect(cell.sent + cell.waits).toBe(cell.demand);
  });

  test("it has no chance in it, and begins where the addresses are", () => {
    const status: EgressStatus[] = [
      {
        address: "192.0.2.1",
        ehlo: "mx1.coop.example",
        out: undefined,
        warm: false,
        reverse: undefined,
        listings: [],
        providers: [
          {
            provider: "gmail",
            stage: 4,
            stages: 14,
            allowance: 500,
            usedToday: 0,
            today: { delivered: 0, deferred: 0, blocked: 0, complaint: 0, bounced: 0 },
            pausedUntil: undefined,
            why: "",
            since: 0,
          },
        ],
      },
    ];
    const asked = input({
      addresses: planFrom(status),
      providers: USUAL_PROVIDERS,
      perDay: 2_000,
      deferred: 0.02,
    });
    expect(planWarmup(asked)).toEqual(planWarmup(asked));
    expect(planWarmup(asked).days[0]!.providers).toMatchObject({
      gmail: { allowance: 500 },
      yahoo: { allowance: 100 },
    });
  });
});
