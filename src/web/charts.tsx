import { formatCount } from "./words.ts";

/**
 * Charts as server-rendered SVG. Horizontal places are percentages and vertical ones pixels, so that text keeps its
 * size at every width. What a chart shows is also said in its description.
 */
const TOP = 26;
const LABELS = 24;

export type Bar = { label: string; parts: number[] };

/** Stacked bars; `series` names the parts of each bar from the base upward. */
export function BarChart(props: { title: string; series: string[]; bars: Bar[]; height?: number }) {
  const { title, series, bars, height = 210 } = props;
  const totals = bars.map((bar) => sum(bar.parts));
  const most = Math.max(1, ...totals);
  const floor = height - LABELS;
  const scale = (floor - TOP) / most;
  const step = 100 / Math.max(1, bars.length);
  const said = bars.map(
    (bar) => `${bar.label}: ${series.map((name, i) => `${bar.parts[i] ?? 0} ${name}`).join(", ")}`,
  );
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
      </ul>
      <svg class="chart" width="100%" height={height} role="img" aria-label={`${title}. ${said.join("; ")}.`}>
        <title>{title}</title>
        <desc>{said.join("; ")}</desc>
        {bars.map((bar, i) => {
          const x = i * step + step * 0.14;
          return (
            <>
              {bar.parts.map((part, k) => (
                <rect
                  class={barClass(k)}
                  x={percent(x)}
                  width={percent(step * 0.72)}
                  y={pixel(floor - sum(bar.parts.slice(0, k + 1)) * scale)}
                  height={pixel(part * scale)}
                />
              ))}
              <text
                class="strong"
                x={percent((i + 0.5) * step)}
                y={pixel(floor - (totals[i] ?? 0) * scale - 7)}
                text-anchor="middle"
              >
                {formatCount(totals[i] ?? 0)}
              </text>
              <text x={percent((i + 0.5) * step)} y={height - 6} text-anchor="middle">
                {bar.label}
              </text>
            </>
          );
        })}
        <line class="base" x1="0" x2="100%" y1={floor} y2={floor} />
      </svg>
    </figure>
  );
}

const ALONE_WIDTH = 66;
const TOGETHER_AT = 74;

/**
 * "Each alone, all together": a thin bar for each value against a line at `threshold`, and beside them one bar that
 * is made of the same pieces.
 */
export function PoolChart(props: { values: number[]; threshold: number; unit: string; height?: number }) {
  const { threshold, unit, height = 300 } = props;
  const values = props.values.toSorted((a, b) => a - b);
  const total = sum(values);
  const floor = height - LABELS;
  const scale = (floor - TOP) / Math.max(total, threshold * 1.15);
  const step = ALONE_WIDTH / Math.max(1, values.length);
  const line = floor - threshold * scale;
  const top = floor - total * scale;
  const over = values.filter((value) => value >= threshold).length;
  const said =
    `${values.length} operators, from ${formatCount(values[0] ?? 0)} to ${formatCount(values.at(-1) ?? 0)} ${unit} each; ` +
    `${over === 0 ? "none" : over} of them alone ${over === 1 ? "reaches" : "reach"} ${formatCount(threshold)}. Together: ${formatCount(total)} ${unit}.`;
  return (
    <svg class="chart" width="100%" height={height} role="img" aria-label={said}>
      <title>Each alone and all together</title>
      <desc>{said}</desc>
      {values.map((value, i) => (
        <rect
          class="bar"
          x={percent(i * step + step * 0.15)}
          width={percent(step * 0.7)}
          y={pixel(floor - value * scale)}
          height={pixel(value * scale)}
        />
      ))}
      <rect
        class="bar"
        x={percent(TOGETHER_AT)}
        width={percent(100 - TOGETHER_AT)}
        y={pixel(top)}
        height={pixel(total * scale)}
      />
      {values.slice(0, -1).map((_, i) => {
        const y = pixel(floor - sum(values.slice(0, i + 1)) * scale);
        return <line class="seam" x1={percent(TOGETHER_AT)} x2="100%" y1={y} y2={y} />;
      })}
      <line
        class="limit"
        x1="0"
        x2={top < line ? percent(TOGETHER_AT) : "100%"}
        y1={pixel(line)}
        y2={pixel(line)}
      />
      {top < line ? (
        <line class="limit across" x1={percent(TOGETHER_AT)} x2="100%" y1={pixel(line)} y2={pixel(line)} />
      ) : null}
      <text class="strong" x="0" y={pixel(line - 8)}>
        {formatCount(threshold)} {unit}
      </text>
      <text class="strong" x={percent((TOGETHER_AT + 100) / 2)} y={pixel(top - 8)} text-anchor="middle">
        {formatCount(total)}
      </text>
      <text
        class="strong"
        x={percent(ALONE_WIDTH)}
        y={pixel(floor - (values.at(-1) ?? 0) * scale - 8)}
        text-anchor="end"
      >
        {formatCount(values[0] ?? 0)} to {formatCount(values.at(-1) ?? 0)}
      </text>
      <line class="base" x1="0" x2={percent(ALONE_WIDTH)} y1={floor} y2={floor} />
      <line class="base" x1={percent(TOGETHER_AT)} x2="100%" y1={floor} y2={floor} />
      <text x={percent(ALONE_WIDTH / 2)} y={height - 6} text-anchor="middle">
        Each alone
      </text>
      <text x={percent((TOGETHER_AT + 100) / 2)} y={height - 6} text-anchor="middle">
        Together
      </text>
    </svg>
  );
}

const SPARK_WIDTH = 92;
const SPARK_HEIGHT = 24;

/** A line of a few values, oldest first; `label` says what they are. */
export function Sparkline({ values, label }: { values: number[]; label: string }) {
  const most = Math.max(1, ...values);
  const place = (value: number, i: number): [number, number] => [
    3 + (i * (SPARK_WIDTH - 6)) / Math.max(1, values.length - 1),
    SPARK_HEIGHT - 3 - (value / most) * (SPARK_HEIGHT - 6),
  ];
  const last = place(values.at(-1) ?? 0, Math.max(0, values.length - 1));
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}`}
      role="img"
      aria-label={`${label}: ${values.join(", ")}`}
    >
      <title>{`${label}: ${values.join(", ")}`}</title>
      <polyline points={values.map((value, i) => place(value, i).map(pixel).join(",")).join(" ")} />
      <circle cx={pixel(last[0])} cy={pixel(last[1])} r="2.4" />
    </svg>
  );
}

/**
 * A count or rate against its limit. `max` is the end of the scale; `threshold`, a mark on it. `text` says the value
 * in words and figures.
 */
export function Meter(props: {
  label: string;
  value: number;
  max: number;
  text: string;
  threshold?: number;
  /** Over its limit (`bad`) or close to it. */
  state?: "fine" | "near" | "over";
  note?: string;
}) {
  const share = (value: number) =>
    percent((Math.min(Math.max(value, 0), props.max) / (props.max || 1)) * 100);
  return (
    <div class={props.state && props.state !== "fine" ? `meter ${props.state}` : "meter"}>
      <div class="meter-line">
        <span>{props.label}</span>
        <span>{props.text}</span>
      </div>
      <svg
        role="meter"
        aria-label={props.label}
        aria-valuemin={0}
        aria-valuemax={props.max}
        aria-valuenow={Math.min(props.value, props.max)}
        aria-valuetext={props.text}
      >
        <rect class="track" width="100%" height="10" rx="2" />
        <rect class="fill" width={share(props.value)} height="10" rx="2" />
        {props.threshold === undefined ? null : (
          <line class="mark" x1={share(props.threshold)} x2={share(props.threshold)} y1="-3" y2="13" />
        )}
      </svg>
      {props.note ? <p>{props.note}</p> : null}
    </div>
  );
}

function barClass(i: number): string {
  return ["bar", "bar b", "bar c"][i % 3] ?? "bar";
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function percent(value: number): string {
  return `${Number(value.toFixed(3))}%`;
}

function pixel(value: number): string {
  return String(Number(value.toFixed(1)));
}
