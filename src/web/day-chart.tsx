import type { ProviderDay } from "./provider-view.ts";
import { formatShare } from "./words.ts";

const TOP = 22;
const LABELS = 22;
const HEIGHT = 132;
/** Of the whole height, where there is a verdict and no number. */
const HEIGHTS = { ok: 0.08, warn: 0.5, bad: 1 };
/** A zero is a flat line, and whatever is more is seen to be more. */
const tall = (height: number) => (height === 0 ? 2 : Math.max(5, height));

/**
 * A column for each day against limits. A day without figures is an empty dashed box over its whole height, so that it
 * cannot be taken for a zero, which is a flat line. Places are percentages across and pixels down.
 */
export function DayChart(props: { days: readonly ProviderDay[]; title: string; limits: readonly number[] }) {
  const { days, title, limits } = props;
  const floor = HEIGHT - LABELS;
  const values = days.map(({ value }) => value ?? 0);
  const most = Math.max(...values, ...limits.map((limit) => limit * 1.2), limits.length === 0 ? 1 : 0);
  const scale = (floor - TOP) / most;
  const step = 100 / Math.max(1, days.length);
  const gaps = days.filter(({ words }) => words === null).length;
  const said = `${title}: ${days.length - gaps} days with figures, ${gaps} without.`;
  return (
    <svg class="chart" width="100%" height={HEIGHT} role="img" aria-label={said}>
      <title>{said}</title>
      {days.map((one, i) => {
        const x = percent(i * step + step * 0.12);
        const width = percent(step * 0.76);
        if (one.words === null)
          return <rect class="gap" x={x} width={width} y={TOP} height={floor - TOP} rx="2" />;
        const height =
          one.value === null ? (floor - TOP) * HEIGHTS[one.level ?? "ok"] : tall(one.value * scale);
        return (
          <rect
            class={`day ${one.level ?? "idle"}`}
            x={x}
            width={width}
            y={pixel(floor - height)}
            height={pixel(height)}
          />
        );
      })}
      {limits.map((limit) => {
        const y = pixel(floor - limit * scale);
        return (
          <>
            <line class="limit" x1="0" x2="100%" y1={y} y2={y} />
            <text class="over" x="0" y={pixel(floor - limit * scale - 4)}>
              {formatShare(limit)}
            </text>
          </>
        );
      })}
      <line class="base" x1="0" x2="100%" y1={floor} y2={floor} />
      <text x="0" y={HEIGHT - 5}>
        {short(days[0]?.day)}
      </text>
      <text x="100%" y={HEIGHT - 5} text-anchor="end">
        {short(days.at(-1)?.day)}
      </text>
    </svg>
  );
}

const short = (day: string | undefined): string =>
  day === undefined
    ? ""
    : new Date(`${day}T00:00:00Z`).toLocaleDateString("en-GB", {
        day: "numeric",
        month: "short",
        timeZone: "UTC",
      });
const percent = (value: number): string => `${Number(value.toFixed(3))}%`;
const pixel = (value: number): string => String(Number(value.toFixed(1)));
