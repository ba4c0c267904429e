/** Plots with logarithmic axes, as SVG that is read on light and on dark ground. */
type Axis = {
  from: number;
  to: number;
  label: string;
  ticks: readonly (readonly [value: number, text: string])[];
};

export type Series = {
  name: string;
  /** `bound`: nothing was seen, and this is how much it is at most; drawn hollow, and no line leads there. */
  points: readonly { x: number; y: number; bound?: boolean }[];
  /** Which colour and mark; two series may share them when one is dashed. */
  style: number;
  dashed?: boolean;
};

export type Plot = {
  title: string;
  x: Axis;
  y: Axis;
  series: readonly Series[];
  /** A line across, at a value of y, with its name. */
  line?: { at: number; name: string };
};

const WIDTH = 760;
const HEIGHT = 440;
const BOX = { left: 100, right: 196, top: 44, bottom: 58 };

/** Told apart without colours too: each has a mark of its own. Contrast above 3:1 on white and on near-black. */
const COLOURS = ["#3b7dd8", "#c0632b", "#2e8f62", "#a457c4", "#c23b5e", "#8a7a1f", "#6d7b8d"];
const MARKS = [
  (x: number, y: number) => `<circle cx="${x}" cy="${y}" r="4"/>`,
  (x: number, y: number) => `<path d="M${x - 4} ${y - 4}h8v8h-8z"/>`,
  (x: number, y: number) => `<path d="M${x} ${y - 5}l5 9h-10z"/>`,
  (x: number, y: number) => `<path d="M${x} ${y - 5}l5 5-5 5-5-5z"/>`,
  (x: number, y: number) => `<path d="M${x} ${y + 5}l5-9h-10z"/>`,
  (x: number, y: number) => `<path d="M${x - 5} ${y - 2}h10v4h-10z"/>`,
  (x: number, y: number) => `<path d="M${x - 2} ${y - 5}h4v10h-4z"/>`,
];

const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const at = (n: number) => Number(n.toFixed(1));

export function draw({ title, x, y, series, line }: Plot): string {
  const place = (axis: Axis, value: number) =>
    Math.log(Math.min(axis.to, Math.max(axis.from, value)) / axis.from) / Math.log(axis.to / axis.from);
  const inner = { width: WIDTH - BOX.left - BOX.right, height: HEIGHT - BOX.top - BOX.bottom };
  const toX = (value: number) => at(BOX.left + place(x, value) * inner.width);
  const toY = (value: number) => at(HEIGHT - BOX.bottom - place(y, value) * inner.height);
  const bottom = HEIGHT - BOX.bottom;
  const right = WIDTH - BOX.right;

  const grid = [
    ...x.ticks.map(
      ([value, text]) =>
        `<path class="grid" d="M${toX(value)} ${BOX.top}V${bottom}"/><text x="${toX(value)}" y="${bottom + 20}" text-anchor="middle">${escaped(text)}</text>`,
    ),
    ...y.ticks.map(
      ([value, text]) =>
        `<path class="grid" d="M${BOX.left} ${toY(value)}H${right}"/><text x="${BOX.left - 8}" y="${toY(value) + 4}" text-anchor="end">${escaped(text)}</text>`,
    ),
  ];
  const styled = (style: number, paths: string) => {
    const colour = COLOURS[style % COLOURS.length]!;
    return `<g fill="${colour}" stroke="${colour}" stroke-width="2">${paths}</g>`;
  };
  const mark = (style: number, px: number, py: number) => MARKS[style % MARKS.length]!(px, py);
  const stroke = (path: string, dashed = false) =>
    `<path d="${path}" fill="none"${dashed ? ' stroke-dasharray="6 4"' : ""}/>`;
  const lines = series.map(({ points, style, dashed }) => {
    const seen = points.filter(({ bound }) => !bound);
    const path = seen.map((one, n) => `${n === 0 ? "M" : "L"}${toX(one.x)} ${toY(one.y)}`).join("");
    const marks = points.map((one) => {
      const drawn = mark(style, toX(one.x), toY(one.y));
      return one.bound ? `<g class="bound">${drawn}</g>` : drawn;
    });
    return styled(style, (path === "" ? "" : stroke(path, dashed)) + marks.join(""));
  });
  const legend = series.map(({ name, style, dashed }, i) => {
    const top = BOX.top + 8 + i * 22;
    const line = stroke(`M${right + 10} ${top}h28`, dashed);
    return `${styled(style, line + mark(style, right + 24, top))}<text x="${right + 46}" y="${top + 4}">${escaped(name)}</text>`;
  });
  const across = line
    ? `<path class="line" d="M${BOX.left} ${toY(line.at)}H${right}"/><text x="${BOX.left + 8}" y="${toY(line.at) - 6}">${escaped(line.name)}</text>`
    : "";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title">
<title id="title">${escaped(title)}</title>
<style>
svg { background: #fff; color: #1c2430; font: 13px system-ui, sans-serif; }
text { fill: currentColor; }
.grid { stroke: currentColor; stroke-opacity: 0.15; }
.bound { fill: #fff; stroke-width: 1.5; }
.line { stroke: currentColor; stroke-opacity: 0.6; stroke-dasharray: 3 3; }
.name { font-weight: 600; font-size: 15px; }
@media (prefers-color-scheme: dark) { svg { background: #14181f; color: #e4e9f0; } .bound { fill: #14181f; } }
</style>
<text class="name" x="${BOX.left}" y="24">${escaped(title)}</text>
${grid.join("\n")}
${across}
${lines.join("\n")}
${legend.join("\n")}
<text x="${BOX.left + inner.width / 2}" y="${HEIGHT - 12}" text-anchor="middle">${escaped(x.label)}</text>
<text transform="translate(20 ${BOX.top + inner.height / 2}) rotate(-90)" text-anchor="middle">${escaped(y.label)}</text>
</svg>
`;
}
