import { range, table, type Range } from "../report.ts";
import type { Delivered } from "./measure.ts";

/** Each round: what every side did, one after the other. */
export type Measured = { scenario: string; rounds: Record<string, Delivered>[] };

type Ratio = { peer: string; perSecond: Range; cpu: Range };

export const OURS = "atmos";

/** Ours divided by each peer's, of each round: all were measured within the same minutes. */
export function ratiosOf({ rounds }: Measured): Ratio[] {
  const peers = Object.keys(rounds[0] ?? {}).filter((name) => name !== OURS);
  return peers.map((peer) => {
    const of = (figure: keyof Delivered) =>
      range(rounds.map((round) => round[OURS]![figure] / round[peer]![figure]));
    return { peer, perSecond: of("perSecond"), cpu: of("cpu") };
  });
}

const FIGURES: [keyof Delivered, label: string, digits: number][] = [
  ["perSecond", "delivered a second", 0],
  ["cpu", "CPU a message, ms", 2],
  ["seconds", "until all are there, s", 1],
  ["messagesPerConnection", "messages a connection", 1],
  ["memoryPeak", "memory, peak, MiB", 0],
  ["memoryAfter", "memory, after, MiB", 0],
  ["others", "CPU used by others, cores", 2],
];

export function scenarioTable(measured: Measured): string {
  const names = Object.keys(measured.rounds[0] ?? {});
  const figures = FIGURES.map(([figure, label, digits]) => [
    label,
    ...names.map((name) =>
      range(measured.rounds.map((round) => round[name]![figure])).median.toFixed(digits),
    ),
  ]);
  const spread = ({ median, low, high }: Range) =>
    `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
  const ratios = ratiosOf(measured).map(({ peer, perSecond, cpu }) => [
    `${OURS} / ${peer}`,
    spread(perSecond),
    spread(cpu),
  ]);
  return [
    table([[measured.scenario, ...names], ...figures]),
    table([["ratio (low to high)", "delivered a second", "CPU a message"], ...ratios]),
  ].join("\n\n");
}
