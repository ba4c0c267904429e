import type { Judge } from "./judge.ts";
import { live, type Happening, type Rates } from "./member.ts";
import { seeded } from "./random.ts";

const DAYS_A_YEAR = 365;
export const VOLUMES = [5, 10, 20, 50, 200, 1_000, 5_000] as const;
export const HONEST_BOUNCES = [0.005, 0.01, 0.02, 0.03, 0.04] as const;
export const HONEST_COMPLAINTS = [0.0001, 0.0005] as const;
export const BAD_BOUNCES = [0.06, 0.08, 0.15, 0.3] as const;
export const BAD_COMPLAINTS = [0.002, 0.005, 0.01, 0.02] as const;

/** How much is simulated: `scale` 1 is what the published tables are made with. */
export type Size = { seed: number; scale: number };

/** Things that happened to an honest member, for nothing, by what they were. */
export type Honest = { perDay: number } & Rates & {
    years: number;
    warned: number;
    probation: number;
    suspended: number;
    paused: number;
    notice: number;
    byRule: Record<string, number>;
  };

const seedOf = (seed: number, ...parts: number[]) =>
  parts.reduce((sum, part) => (Math.imul(sum, 31) + Math.round(part * 1e5)) | 0, seed);

/** Years of life at these rates. Few mails need many years, many mails show it in fewer. */
export function honest(judge: Judge, perDay: number, rates: Rates, { seed, scale }: Size): Honest {
  const years = Math.ceil(Math.min(1_000, 60_000 / perDay) * scale);
  const found = { warned: 0, probation: 0, suspended: 0, paused: 0, notice: 0 };
  const byRule: Record<string, number> = {};
  const random = seeded(seedOf(seed, perDay, rates.bounce, rates.complaint));
  for (const { what, rule } of live({
    perDay,
    days: years * DAYS_A_YEAR,
    rates: () => rates,
    random,
    judge,
  })) {
    found[what]++;
    byRule[rule] = (byRule[rule] ?? 0) + 1;
  }
  return { perDay, ...rates, years, ...found, byRule };
}

/** When something happened to those who turned bad, and how many mails they had sent since: the middle and nine in ten. */
export type Found = {
  share: number;
  days: Quantiles;
  mails: Quantiles;
};
type Quantiles = { half: number | null; most: number | null };

export type Abuse = { perDay: number } & Rates & {
    runs: number;
    horizonDays: number;
    warned: Found;
    probation: Found;
    suspended: Found;
    paused: Found;
    byRule: Record<string, Found>;
  };

const CLEAN_DAYS = 60;
const BEFORE: Rates = { bounce: 0.01, complaint: 0.0002 };

const horizonOf = (perDay: number) => (perDay > 2_000 ? 30 : perDay > 500 ? 90 : 730);

/** Members with two honest months behind them, at these rates from then on. */
export function abuse(
  judge: Judge,
  perDay: number,
  rates: Rates,
  { seed, scale }: Size,
  { strangers = 0, runs: most = perDay > 500 ? 100 : 300, horizonDays = horizonOf(perDay) } = {},
): Abuse {
  const runs = Math.ceil(most * scale);
  const firsts: Partial<Record<Happening["what"], Happening>>[] = [];
  const firstsByRule: Record<string, Happening>[] = [];
  for (let run = 0; run < runs; run++) {
    const random = seeded(seedOf(seed, perDay, rates.bounce, rates.complaint, run));
    const first: Partial<Record<Happening["what"], Happening>> = {};
    const firstByRule: Record<string, Happening> = {};
    for (const happening of live({
      perDay,
      days: CLEAN_DAYS + horizonDays,
      rates: (day) => (day < CLEAN_DAYS ? BEFORE : rates),
      random,
      judge,
      strangers,
      countFrom: CLEAN_DAYS,
    })) {
      if (happening.at < CLEAN_DAYS) continue;
      first[happening.what] ??= happening;
      firstByRule[happening.rule] ??= happening;
      if (happening.what === "suspended") break;
    }
    firsts.push(first);
    firstsByRule.push(firstByRule);
  }
  const summed = (hits: readonly Happening[]): Found => ({
    share: hits.length / runs,
    days: quantiles(
      hits.map(({ at }) => at - CLEAN_DAYS),
      runs,
    ),
    mails: quantiles(
      hits.map(({ sent }) => sent),
      runs,
    ),
  });
  const found = (...whats: Happening["what"][]): Found =>
    summed(
      firsts.flatMap((first) =>
        whats
          .flatMap((what) => first[what] ?? [])
          .toSorted((a, b) => a.at - b.at)
          .slice(0, 1),
      ),
    );
  const rules = [...new Set(firstsByRule.flatMap((first) => Object.keys(first)))].sort();
  return {
    perDay,
    ...rates,
    runs,
    horizonDays,
    warned: found("warned", "probation", "suspended"),
    probation: found("probation", "suspended"),
    suspended: found("suspended"),
    paused: found("paused"),
    byRule: Object.fromEntries(
      rules.map((rule) => [rule, summed(firstsByRule.flatMap((first) => first[rule] ?? []))]),
    ),
  };
}

/** Of `runs` values, of which some never came: null where too few did. */
function quantiles(values: readonly number[], runs: number): Quantiles {
  const sorted = values.toSorted((a, b) => a - b);
  return { half: sorted[Math.ceil(runs * 0.5) - 1] ?? null, most: sorted[Math.ceil(runs * 0.9) - 1] ?? null };
}
