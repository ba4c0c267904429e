import type { Plan, PlanInput } from "../egress/index.ts";
import { table } from "./egress-view.ts";

const HEIGHT = 10;
const WIDEST = 60;

/** What `atmos warmup plan` prints: what it is, a plot of what leaves and what waits, and a table. */
export function planLines(input: PlanInput, plan: Plan): string[] {
  const { days, clearFrom, warmFrom } = plan;
  const cold = input.addresses.filter(({ warm }) => !warm).length;
  const said = `Addresses: ${input.addresses.length}, of which ${cold} are to be warmed up. ${input.perDay} messages a day.`;
  const clear =
    clearFrom === undefined
      ? "Mail still waits on the last day: more addresses, or less mail."
      : clearFrom === 1
        ? "Nothing has to wait."
        : `From day ${clearFrom} on nothing waits.`;
  const warm = Object.entries(warmFrom).map(([name, day]) => `${name} ${day ?? "later"}`);
  return [
    said,
    clear,
    ...(clearFrom === 1 ? [] : ["What would wait is not taken in: it is answered 451 and comes again."]),
    `Without a limit from day: ${warm.join(", ")}.`,
    "",
    ...plot(days.map(({ sent, waits }) => ({ sent, waits }))),
    "",
    ...planTable(input, plan),
  ];
}

/** A column for each day: `#` leaves, `.` waits for the next. */
export function plot(days: readonly { sent: number; waits: number }[]): string[] {
  const columns = days.slice(0, WIDEST);
  const most = Math.max(1, ...columns.map(({ sent, waits }) => sent + waits));
  const label = (value: number) => String(Math.round(value)).padStart(8);
  const rows = Array.from({ length: HEIGHT }, (_, i) => {
    const level = HEIGHT - i;
    const marks = columns.map(({ sent, waits }) => {
      const filled = (value: number) => Math.ceil((value / most) * HEIGHT - 1e-9);
      if (level <= filled(sent)) return "#";
      return level <= filled(sent + waits) ? "." : " ";
    });
    const at = i === 0 || level === HEIGHT / 2 ? label((most * level) / HEIGHT) : " ".repeat(8);
    return `${at} |${marks.join("")}`.trimEnd();
  });
  const ruler = columns.map((_, i) => ((i + 1) % 5 === 0 ? "+" : "-")).join("");
  const marks = columns.map((_, i) => ((i + 1) % 10 === 0 ? String(i + 1).padStart(10) : "")).join("");
  return [
    ...rows,
    `${" ".repeat(8)} +${ruler}`,
    `${" ".repeat(10)}${marks}`,
    "          # leaves   . waits a day",
  ];
}

function planTable({ providers }: PlanInput, { days }: Plan): string[] {
  const names = Object.keys(providers);
  const rows = days.map(({ day, sent, waits, providers: cells }) => [
    String(day),
    ...names.map((name) => {
      const cell = cells[name]!;
      return cell.allowance === undefined ? `${cell.sent}` : `${cell.sent}/${cell.allowance}`;
    }),
    String(sent),
    String(waits),
  ]);
  const head = ["day", ...names, "leaves", "waits"];
  const width = Math.max(5, ...rows.map((row) => row.at(-1)!.length));
  return table([head, ...rows].map((row) => [...row.slice(0, -1), row.at(-1)!.padStart(width)]));
}
