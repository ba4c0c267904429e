import { advance, NO_TALLY } from "./advance.ts";
import { allowanceAt, rampOf, WARM_RAMP, type Ramp } from "./ramp.ts";
import type { EgressStatus } from "./types.ts";

/** Where a simulation begins: the stages of each address, by provider. A provider that is not there begins at 0. */
export type PlanAddress = { address: string; warm: boolean; stages: Readonly<Record<string, number>> };

export type PlanInput = {
  addresses: readonly PlanAddress[];
  /** Messages that members hand in a day. */
  perDay: number;
  /** Parts of them by provider; they need not add up to 1. */
  providers: Readonly<Record<string, number>>;
  days: number;
  /** Parts of what is sent that is deferred, refused for the address, complained about. */
  deferred?: number;
  blocked?: number;
  complaints?: number;
};

export type PlanCell = {
  /** Handed in for this provider, with what waited from the day before. */
  demand: number;
  sent: number;
  waits: number;
  /** Of all addresses together; undefined: no limit. */
  allowance: number | undefined;
};

export type PlanDay = { day: number; providers: Record<string, PlanCell>; sent: number; waits: number };

export type Plan = {
  days: PlanDay[];
  /** The first day on which nothing waits any more to the end; undefined: it is not among them. */
  clearFrom: number | undefined;
  /** Of each provider, the first day on which every address is warm. */
  warmFrom: Record<string, number | undefined>;
};

/** How mail of small operators is spread, as far as anybody publishes it. */
export const USUAL_PROVIDERS: Readonly<Record<string, number>> = {
  gmail: 0.45,
  outlook: 0.13,
  microsoft: 0.07,
  yahoo: 0.08,
  apple: 0.07,
  other: 0.2,
};

/** The addresses as they are now, for a simulation that begins there. */
export function planFrom(status: readonly EgressStatus[]): PlanAddress[] {
  return status.map(({ address, warm, providers }) => ({
    address,
    warm,
    stages: Object.fromEntries(providers.map(({ provider, stage }) => [provider, stage])),
  }));
}

/**
 * The next days, day by day, with the rules by which the addresses really warm up: each sends its part of what is there
 * (cold ones as much as they may, the rest over warm ones), what is over waits for the next day. It has no chance in it.
 */
export function planWarmup(input: PlanInput): Plan {
  const names = Object.keys(input.providers);
  const daily = whole(names.map((provider) => input.perDay * input.providers[provider]!));
  const lanes = names.map((provider, i) => laneOf(provider, daily[i]!, input));
  const days = Array.from({ length: input.days }, (_, i): PlanDay => {
    const providers = Object.fromEntries(lanes.map((lane) => [lane.provider, lane.next()]));
    const cells = Object.values(providers);
    const total = (of: "sent" | "waits") => cells.reduce((sum, cell) => sum + cell[of], 0);
    return { day: i + 1, providers, sent: total("sent"), waits: total("waits") };
  });
  const lastWait = days.findLastIndex(({ waits }) => waits > 0);
  const clear = lastWait + 1 < days.length ? lastWait + 2 : undefined;
  return {
    days,
    clearFrom: clear,
    warmFrom: Object.fromEntries(
      names.map((name) => {
        const first = days.find(({ providers }) => providers[name]!.allowance === undefined);
        return [name, first?.day];
      }),
    ),
  };
}

function laneOf(provider: string, daily: number, input: PlanInput) {
  const { addresses, deferred = 0, blocked = 0, complaints = 0 } = input;
  const stages = addresses.map(({ warm, stages }) => {
    const ramp: Ramp = warm ? WARM_RAMP : rampOf(provider);
    return { ramp, stage: Math.min(stages[provider] ?? 0, ramp.length) };
  });
  let waiting = 0;

  return {
    provider,
    next(): PlanCell {
      const demand = daily + waiting;
      const allowances = stages.map(({ ramp, stage }) => allowanceAt(ramp, stage));
      const sent = shareOut(demand, allowances);
      for (const [i, one] of stages.entries()) {
        const count = sent[i] ?? 0;
        const day = {
          ...NO_TALLY,
          deferred: Math.round(count * deferred),
          blocked: Math.round(count * blocked),
          complaint: Math.round(count * complaints),
        };
        const delivered = Math.max(0, count - day.deferred - day.blocked);
        one.stage = advance(one.ramp, one.stage, { ...day, delivered }).stage;
      }
      const total = sent.reduce((sum, count) => sum + count, 0);
      waiting = demand - total;
      const some = allowances.filter((allowance) => allowance !== undefined);
      return {
        demand,
        sent: total,
        waits: waiting,
        allowance:
          some.length < allowances.length ? undefined : some.reduce((sum, allowance) => sum + allowance, 0),
      };
    },
  };
}

/** Cold addresses first, each in proportion to its allowance; the rest evenly over those without a limit. */
function shareOut(demand: number, allowances: readonly (number | undefined)[]): number[] {
  const cold = allowances.reduce<number>((sum, allowance = 0) => sum + allowance, 0);
  const toCold = Math.min(demand, cold);
  const warm = allowances.filter((allowance) => allowance === undefined).length;
  const toWarm = warm > 0 ? demand - toCold : 0;
  const shares = allowances.map((allowance) =>
    allowance === undefined ? toWarm / warm : (toCold * allowance) / (cold || 1),
  );
  return whole(shares);
}

/** Whole numbers with the same sum. */
function whole(shares: readonly number[]): number[] {
  let [exact, given] = [0, 0];
  return shares.map((share) => {
    exact += share;
    const part = Math.round(exact) - given;
    given += part;
    return part;
  });
}
