/** A change of standing, as the API answers. */
export type ChangeLine = {
  id: number;
  from: string;
  to: string;
  at: string;
  description: string;
  rule: string | null;
  /** The person who decided it. */
  by: string | null;
  /** Event of which a rule concluded it. */
  actionId: string | null;
};

/** What changed, why, and how to see more of it. */
export function changeLines({ id, from, to, at, description, rule, by, actionId }: ChangeLine): string[] {
  const whom = by ?? (rule === null ? "time" : `the rule ${rule}`);
  return [
    `change ${id}: ${from} -> ${to}, ${at.slice(0, 16).replace("T", " ")} UTC, by ${whom}`,
    ...(description === "" ? [] : [`  ${description}`]),
    ...(actionId === null ? [] : [`  every rule at that event: atmos rules explain ${actionId}`]),
  ];
}

/** One fact of a case. What a rule saw comes a line each, with what it asks beside. */
export function factLines(name: string, value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [`${name}: ${String(value)}`];
  const { window, thresholds = {} } = value as { window?: Fields; thresholds?: Fields };
  if (!window) return [`${name}: ${JSON.stringify(value)}`];
  return Object.entries(window).map(([field, seen]) => {
    const asked = thresholds[field];
    return `${field}: ${shown(seen)}${asked === undefined ? "" : `, the rule asks for ${shown(asked)} or more`}`;
  });
}

type Fields = Record<string, unknown>;

const DIGITS = 4;
const shown = (value: unknown) =>
  typeof value === "number" && !Number.isInteger(value) ? value.toPrecision(DIGITS) : String(value);
