/** Names under which a number is a time, in ms since the epoch; with every name that ends in `At`. */
const NAMES = ["at", "asOf", "now", "since", "until", "activeFrom"] as const;

type TimeName = (typeof NAMES)[number] | `${string}At`;
type IsoTime<T> = T extends number ? string : WithIsoTimes<T>;

/** `T` as JSON has it: each number under the name of a time is a string. */
export type WithIsoTimes<T> = T extends readonly (infer E)[]
  ? WithIsoTimes<E>[]
  : T extends object
    ? { [K in keyof T]: K extends TimeName ? IsoTime<T[K]> : WithIsoTimes<T[K]> }
    : T;

/**
 * A value as our JSON shows it: times are ISO 8601 in UTC (`2026-01-01T12:00:00.000Z`), wherever inside they stand.
 * Durations keep their number, and have their unit in their name (`durationMs`). A time that no date can hold is null.
 */
export function isoTimes<T>(value: T): WithIsoTimes<T> {
  return convert(value) as WithIsoTimes<T>;
}

const isTimeName = (key: string) => key.endsWith("At") || NAMES.some((name) => name === key);

function convert(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(convert);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      typeof inner === "number" && isTimeName(key) ? iso(inner) : convert(inner),
    ]),
  );
}

function iso(at: number): string | null {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
