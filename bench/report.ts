import type { ColdStarts } from "./cold-start.ts";
import type { Measured } from "./relay/throughput.ts";

export type Range = { median: number; low: number; high: number };

/** Of one figure: each side over its rounds, and the ratio ours/peer of each round's pair. */
type Line = { ours: Range; peer: Range; ratio: Range };

export type Compared = { scenario: string; rounds: number; figures: Record<keyof Measured, Line> };

export function range(values: readonly number[]): Range {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
  return { median, low: sorted[0] ?? 0, high: sorted.at(-1) ?? 0 };
}

function line(pairs: readonly (readonly [ours: number, peer: number])[]): Line {
  return {
    ours: range(pairs.map(([ours]) => ours)),
    peer: range(pairs.map(([, peer]) => peer)),
    ratio: range(pairs.map(([ours, peer]) => ours / peer)),
  };
}

export function compare(scenario: string, pairs: readonly (readonly [Measured, Measured])[]): Compared {
  const names = Object.keys(pairs[0]?.[0] ?? {}) as (keyof Measured)[];
  const figures = names.map((name) => [name, line(pairs.map(([a, b]) => [a[name], b[name]] as const))]);
  return { scenario, rounds: pairs.length, figures: Object.fromEntries(figures) as Compared["figures"] };
}

/** Figures with a ratio, in the order of the table, then those that only describe the run. */
const FIGURES: [keyof Measured, label: string, digits: number, ratio: boolean][] = [
  ["acceptedPerSecond", "accepted a second", 0, true],
  ["deliveredPerSecond", "delivered a second", 0, true],
  ["p50", "final dot to 250, p50, ms", 1, true],
  ["p99", "final dot to 250, p99, ms", 1, true],
  ["cpuPerMessage", "CPU a message, ms", 2, true],
  ["memoryPeak", "memory, peak, MiB", 0, true],
  ["memoryAfter", "memory, after, MiB", 0, true],
  ["restAfter", "at rest after the last delivery, s", 1, false],
  ["signaturesPerMessage", "signatures a message", 1, false],
  ["messagesPerDelivery", "messages a delivery connection", 1, false],
  ["contention", "CPU used by others, cores", 2, false],
];

export function throughputTable({ scenario, figures }: Compared): string {
  const rows = FIGURES.map(([name, label, digits, ratio]) => row(label, figures[name], digits, ratio));
  return pairTable(scenario, rows);
}

export function coldStartTable({ ours, peer }: ColdStarts): string {
  const pairs = ours.map((ms, round) => [ms, peer[round] ?? Number.NaN] as const);
  return pairTable("cold start", [row("process start to first 250, ms", line(pairs), 0, true)]);
}

function row(label: string, { ours, peer, ratio }: Line, digits: number, withRatio: boolean): string[] {
  const spread = `${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)})`;
  return [label, ours.median.toFixed(digits), peer.median.toFixed(digits), withRatio ? spread : ""];
}

function pairTable(title: string, rows: string[][]): string {
  return table([[title, "atmos", "Postfix + OpenDKIM", "ratio (low to high)"], ...rows]);
}

/** Markdown, aligned for a terminal. The first row is the head. */
export function table(all: string[][]): string {
  const widths = all[0]!.map((_, column) => Math.max(...all.map((cells) => cells[column]!.length)));
  const print = (cells: string[]) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(" | ")} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [print(all[0]!), rule, ...all.slice(1).map(print)].join("\n");
}
