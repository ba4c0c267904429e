import { formatCount, formatDate } from "./words.ts";

const TOP = 22;
const LABELS = 24;

export type PeriodBar = { at: number; known: boolean; parts: number[] };

/**
 * Stacked bars by day or week, as server-rendered SVG. A time of which nothing is known is a dashed box and no bar, so that
 * it is not taken for a time without mail. `series` names the parts of each bar from the base upward.
 */
export function PeriodChart(props: {
  title: string;
  by: "day" | "week";
  series: string[];
  periods: PeriodBar[];
  height?: number;
}) {
  const { title, by, series, periods, height = 220 } = props;
  const most = Math.max(1, ...periods.map(totalOf));
  const floor = height - LABELS;
  const scale = (floor - TOP) / most;
  const step = 100 / Math.max(1, periods.length);
  const said = periods.map(({ at, known, parts }) => {
    const what = series.map((name, i) => `${parts[i] ?? 0} ${name.toLowerCase()}`).join(", ");
    return `${by === "week" ? "week of " : ""}${formatDate(at)}: ${known ? what : "no reports"}`;
  });
  const hasGap = periods.some(({ known }) => !known);
  return (
    <figure>
      <ul class="legend" aria-hidden="true">
        {series.map((name, i) => (
          <li>
            <svg viewBox="0 0 12 12">
              <rect class={barClass(i)} width="12" height="12" rx="1" />
            </svg>
            {name}
          </li>
        ))}
        {hasGap ? (
          <li>
            <svg viewBox="0 0 12 12">
              <rect class="gap" x="0.75" y="0.75" width="10.5" height="10.5" rx="1" />
            </svg>
            No reports
          </li>
        ) : null}
      </ul>
      <svg class="chart" width="100%" height={height} role="img" aria-label={`${title}. ${said.join("; ")}.`}>
        <title>{title}</title>
        <line class="grid" x1="0" x2="100%" y1={TOP} y2={TOP} />
        <text x="0" y={TOP - 7}>
          {formatCount(most)} messages
        </text>
        {periods.map((period, i) => {
          const [x, width] = [percent(i * step + step * 0.12), percent(step * 0.76)];
          if (!period.known)
            return <rect class="gap" x={x} width={width} y={floor - 40} height={40} rx="2" />;
          return period.parts.map((part, k) =>
            part === 0 ? null : (
              <rect
                class={barClass(k)}
                x={x}
                width={width}
                y={pixel(floor - sum(period.parts.slice(0, k + 1)) * scale)}
                height={pixel(Math.max(1, part * scale))}
              >
                <title>{`${said[i]}`}</title>
              </rect>
            ),
          );
        })}
        <line class="base" x1="0" x2="100%" y1={floor} y2={floor} />
        {periods.map(({ at }, i) => {
          if (i % EVERY !== 0) return null;
          // The last one ends with its bar: it has no room behind it.
          const isLast = i + EVERY >= periods.length;
          return (
            <text
              x={percent((i + (isLast ? 0.88 : 0.12)) * step)}
              y={height - 6}
              text-anchor={isLast ? "end" : "start"}
            >
              {shortDate(at)}
            </text>
          );
        })}
      </svg>
    </figure>
  );
}

/** A label under every third bar has room on a phone. */
const EVERY = 3;

const shortDate = (at: number) => formatDate(at).replace(/ \d+$/, "");
const totalOf = ({ parts }: PeriodBar) => sum(parts);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const percent = (value: number) => `${Number(value.toFixed(3))}%`;
const pixel = (value: number) => String(Number(value.toFixed(1)));
const barClass = (i: number) => ["bar", "bar b", "bar c"][i % 3] ?? "bar";
