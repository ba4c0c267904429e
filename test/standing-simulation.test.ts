import { describe, expect, test } from "vitest";
import { createJudge } from "../bench/standing/judge.ts";
import { live, type Happening } from "../bench/standing/member.ts";
import { seeded } from "../bench/standing/random.ts";
import { abuse, honest } from "../bench/standing/scenarios.ts";
import { RUNS, steal } from "../bench/standing/thief.ts";

/** A small part of `npm run bench:standing` (docs/rules-measured.md), the same on every machine. */
const judge = await createJudge();
const size = { seed: 20, scale: 0.1 };

describe("honest members, under the shipped rules", () => {
  test.each([5, 10, 20, 50])(
    "%d a day and 3 in a hundred bounce: in 50 years no warning, and nothing worse",
    (perDay) => {
      const life = honest(judge, perDay, { bounce: 0.03, complaint: 0.0003 }, size);
      expect(life.years).toBe(50);
      expect(life).toMatchObject({ warned: 0, probation: 0, suspended: 0, paused: 0 });
      // Complaints came all the same, and each was told.
      expect(life.notice).toBeGreaterThan(0);
    },
  );

  test("50 a day at 4 %: less than one warning in ten years, and no suspension", () => {
    const life = honest(judge, 50, { bounce: 0.04, complaint: 0.0003 }, { seed: 3, scale: 0.4 });
    expect(life.warned / life.years).toBeLessThan(0.1);
    expect(life.suspended).toBe(0);
  });
});

describe("others, after two clean months", () => {
  test.each<[string, number, { bounce: number; complaint: number }, "warned" | "probation", number]>([
    ["8 % of 50 a day: warned within weeks", 50, { bounce: 0.08, complaint: 0 }, "warned", 42],
    ["30 % of 50 a day: on probation within four days", 50, { bounce: 0.3, complaint: 0 }, "probation", 4],
    ["30 % of 5 a day: warned within weeks", 5, { bounce: 0.3, complaint: 0 }, "warned", 21],
    [
      "2 % of 50 a day complain: on probation within weeks",
      50,
      { bounce: 0, complaint: 0.02 },
      "probation",
      28,
    ],
  ])("%s", (_name, perDay, rates, what, days) => {
    const found = abuse(judge, perDay, rates, { ...size, scale: 0.05 })[what];
    expect(found.days.most).not.toBeNull();
    expect(found.days.most).toBeLessThan(days);
  });
});

test.each(RUNS.filter(({ text, perMinute }) => text === "his own" && perMinute >= 60))(
  "a stolen credential, $perMinute a minute, $dead of the list dead: stopped in its first minute, 50 reached at most",
  async (run) => {
    const { stoppedAfter, firstDay } = await steal(run, 1);
    expect(stoppedAfter).not.toBeNull();
    expect(stoppedAfter).toBeLessThan(60);
    expect(firstDay).toBeLessThanOrEqual(50);
  },
);

test("the same seed is the same life", () => {
  const happenings = (seed: number): Happening[] => [
    ...live({
      perDay: 50,
      days: 400,
      rates: () => ({ bounce: 0.08, complaint: 0.002 }),
      random: seeded(seed),
      judge,
    }),
  ];
  expect(happenings(1)).toEqual(happenings(1));
  expect(happenings(1)).not.toEqual(happenings(2));
});
