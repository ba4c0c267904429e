import { formatCount } from "./words.ts";

const TOP = 24;
const LABELS = 24;
const TICK_DAYS = 10;

/**
 * A column for each coming day: what leaves from the base upward, and on it what waits for the next day. Places are
 * percentages across and pixels down, so that the text keeps its size; what it shows is said in its description.
 */
export function PlanChart({
  days,
  title,
  height,
}: {
  days: readonly { sent: number; waits: number }[];
  title: string;
  height: number;
}) {
  const floor = height - LABELS;
  const most = Math.max(1, ...days.map(({ sent, waits }) => sent + waits));
  const scale = (floor - TOP) / most;
  const step = 100 / Math.max(1, days.length);
  const waiting = days.some(({ waits }) => waits > 0);
  const series = waiting ? ["leaves", "waits for the next day"] : ["leaves"];
  const said = days
    .map(({ sent, waits }, i) => ({ day: i + 1, sent, waits }))
    .filter(({ day }) => isTick(day, days.length))
    .map(({ day, sent, waits }) => `day ${day}: ${formatCount(sent)} leave, ${formatCount(waits)} wait`);
  return (
    <figure>
      <ul class="legend" aria-hidden="true">
        {series.map((name, i) => (
          <li>
            <svg viewBox="0 0 12 12">
              <rect class={i === 0 ? "bar" : "bar b"} width="12" height="12" rx="1" />
            </svg>
            {name}
          </li>
        ))}
      </ul>
      <svg class="chart" width="100%" height={height} role="img" aria-label={`${title}. ${said.join("; ")}.`}>
        <title>{title}</title>
        <desc>{said.join("; ")}</desc>
        <line class="grid" x1="0" x2="100%" y1={TOP} y2={TOP} />
        <text class="strong" x="0" y={TOP - 8}>
          {formatCount(most)} messages
        </text>
        {days.map(({ sent, waits }, i) => {
          const x = percent(i * step + step * 0.12);
          const width = percent(step * 0.76);
          return (
            <>
              <rect
                class="bar"
                x={x}
                width={width}
                y={pixel(floor - sent * scale)}
                height={pixel(sent * scale)}
              />
              {waits > 0 ? (
                <rect
                  class="bar b"
                  x={x}
                  width={width}
                  y={pixel(floor - (sent + waits) * scale)}
                  height={pixel(waits * scale)}
                />
              ) : null}
              {isTick(i + 1, days.length) ? (
                <text {...tickPlace(i, days.length)} y={height - 6}>
                  {i === 0 ? "Today" : `Day ${i + 1}`}
                </text>
              ) : null}
            </>
          );
        })}
        <line class="base" x1="0" x2="100%" y1={floor} y2={floor} />
      </svg>
    </figure>
  );
}

const percent = (value: number): string => `${Number(value.toFixed(3))}%`;
const pixel = (value: number): string => String(Number(value.toFixed(1)));
const isTick = (day: number, days: number): boolean => day === 1 || day % TICK_DAYS === 0 || day === days;

/** The first and the last stand at the edges, the others under their column. */
function tickPlace(i: number, days: number): { x: string; "text-anchor": "start" | "middle" | "end" } {
  if (i === 0) return { x: "0", "text-anchor": "start" };
  if (i === days - 1) return { x: "100%", "text-anchor": "end" };
  return { x: percent(((i + 0.5) * 100) / days), "text-anchor": "middle" };
}
