import { range, table, type Range } from "../report.ts";
import type { Accepted } from "./measure.ts";

/** Each round: what every side did, one after the other. */
export type Measured = { scenario: string; rounds: Record<string, Accepted>[] };

type Ratio = { ours: string; peer: string; accepted: Range; cpu: Range; p99: Range };

/** Ours with two and with three signatures beside who makes as many, or fewer when it cannot. */
const PAIRS: [ours: string, peer: string][] = [
  ["atmos, 2", "Postfix, 2"],
  ["atmos, 3", "Postfix, 3"],
  ["atmos, 2", "Haraka, 1"],
];

/** Ours divided by the peer's, of each round: both were measured within the same minute. */
export function ratiosOf({ rounds }: Measured): Ratio[] {
  return PAIRS.flatMap(([ours, peer]) => {
    const pairs = rounds.flatMap((round) => {
      const [a, b] = [round[ours], round[peer]];
      return a && b ? [[a, b] as const] : [];
    });
    if (pairs.length === 0) return [];
    const of = (figure: keyof Accepted) => range(pairs.map(([a, b]) => a[figure] / b[figure]));
    return [{ ours, peer, accepted: of("perSecond"), cpu: of("cpu"), p99: of("p99") }];
  });
}

const FIGURES: [keyof Accepted, label: string, digits: number][] = [
  ["perSecond", "accepted a second", 0],
  ["cpu", "CPU a message, ms", 2],
  ["p50", "final dot to 250, p50, ms", 1],
  ["p99", "final dot to 250, p99, ms", 1],
  ["p99Due", "due to 250, p99, ms", 1],
  ["memoryPeak", "memory, peak, MiB", 0],
  ["memoryAfter", "memory, after, MiB", 0],
  ["others", "CPU used by others, cores", 2],
];

export function scenarioTable(measured: Measured): string {
  const names = Object.keys(measured.rounds[0] ?? {});
  const median = (name: string, figure: keyof Accepted) =>
    range(measured.rounds.map((round) => round[name]?.[figure] ?? Number.NaN)).median;
  const figures = FIGURES.map(([figure, label, digits]) => [
    label,
    ...names.map((name) => median(name, figure).toFixed(digits)),
  ]);
  const spread = ({ median: middle, low, high }: Range) =>
    `${middle.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
  const ratios = ratiosOf(measured).map(({ ours, peer, accepted, cpu, p99 }) => [
    `${ours} / ${peer}`,
    ...[accepted, cpu, p99].map(spread),
  ]);
  return [
    table([[measured.scenario, ...names], ...figures]),
    table([["ratio (low to high)", "accepted a second", "CPU a message", "p99"], ...ratios]),
  ].join("\n\n");
}
