import { percent, type Results } from "./report.ts";
import { BAD_BOUNCES, BAD_COMPLAINTS, VOLUMES, type Abuse } from "./scenarios.ts";
import { draw, type Plot, type Series } from "./svg.ts";

const TIMES: Plot["y"]["ticks"] = [
  [1 / 144, "10 minutes"],
  [1 / 24, "1 hour"],
  [1, "1 day"],
  [7, "1 week"],
  [30, "1 month"],
  [365, "1 year"],
];
const A_DAY: Plot["x"] = {
  from: 5,
  to: 5_000,
  label: "mails a day",
  ticks: VOLUMES.map((n) => [n, n.toLocaleString("en-GB")]),
};

/** Wrongful warnings against the true bounce rate, one line for each volume. None seen is drawn at its upper bound. */
function falseAlarms({ honest }: Results): string {
  const worst = honest.filter(({ complaint }) => complaint === 0.0005);
  const series = VOLUMES.map((perDay, style): Series => {
    const rows = worst.filter((one) => one.perDay === perDay);
    return {
      name: `${perDay.toLocaleString("en-GB")} a day`,
      style,
      points: rows.map(({ bounce, warned, probation, years }) => {
        const count = warned + probation;
        return { x: bounce, y: (Math.max(count, count === 0 ? 3 : 0) / years) * 10, bound: count === 0 };
      }),
    };
  });
  return draw({
    title: "Honest members: warnings and probations for nothing",
    x: {
      from: 0.005,
      to: 0.04,
      label: "true share of recipients that do not exist (0.05 % complain)",
      ticks: [0.005, 0.01, 0.02, 0.03, 0.04].map((rate) => [rate, percent(rate)]),
    },
    y: {
      from: 0.01,
      to: 100,
      label: "in ten years (hollow: none came, bound at 95 %)",
      ticks: [0.01, 0.1, 1, 10, 100].map((n) => [n, String(n)]),
    },
    series,
    line: { at: 1, name: "one in ten years" },
  });
}

function detection(
  title: string,
  rows: readonly Abuse[],
  rates: readonly number[],
  what: "bounce" | "complaint",
) {
  const series = rates.flatMap((rate, style): Series[] => {
    const found = rows.filter((one) => one[what] === rate);
    const points = (key: "half" | "most") =>
      found.flatMap(({ perDay, warned: { days } }) => {
        const y = days[key];
        return y === null ? [] : [{ x: perDay, y }];
      });
    return [
      { name: `${percent(rate)}: half`, style, points: points("half") },
      { name: `${percent(rate)}: nine in ten`, style, points: points("most"), dashed: true },
    ].filter((one) => one.points.length > 0);
  });
  return draw({
    title,
    x: A_DAY,
    y: { from: 1 / 144, to: 730, label: "until the first warning or probation", ticks: TIMES },
    series,
  });
}

/** SVG by file name. */
export const PLOTS: Record<string, (results: Results) => string> = {
  "false-alarms": falseAlarms,
  "bounces-found": ({ bounces }) =>
    detection("How soon dead addresses are found", bounces, BAD_BOUNCES, "bounce"),
  "complaints-found": ({ complaints }) =>
    detection("How soon complaints are found", complaints, BAD_COMPLAINTS, "complaint"),
};
