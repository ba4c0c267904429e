const DAY = String.raw`(?<year>\d{4})([-/.]?)(?<month>\d{2})\2(?<day>\d{2})`;
const CLOCK = String.raw`(?<hour>\d{1,2})(?::(?<minute>\d{1,2})(?::(?<second>\d{1,2})(?:[.,](?<fraction>\d+))?)?)?(?:\s*(?<half>[ap])\.?m\.?)?`;
const COMPACT = String.raw`(?<hour>\d{2})(?<minute>\d{2})(?:(?<second>\d{2})(?:[.,](?<fraction>\d+))?)?`;
const ZONE = String.raw`(?:\s*(?:Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?)(?:\s*\([^)]*\))?)?`;
const MONTH = "(?<name>jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]*";
const WEEKDAY = String.raw`(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?`;

/** Times as events and e-mail write them: ISO 8601 in its extended and compact forms, RFC 5322, and dates in words. */
const FORMS = [
  String.raw`${DAY}(?:(?:T|\s+)${CLOCK}${ZONE})?`,
  String.raw`${DAY}(?:T|\s+)${COMPACT}${ZONE}`,
  String.raw`${WEEKDAY}(?<day>\d{1,2})[\s-]+${MONTH}[\s-]+(?<year>\d{4})(?:\s+${CLOCK}${ZONE})?`,
  String.raw`${WEEKDAY}${MONTH}\s+(?<day>\d{1,2})(?:,?\s+${CLOCK})?,?\s+(?<year>\d{4})${ZONE}`,
  String.raw`${WEEKDAY}${MONTH}\s+(?<day>\d{1,2}),?\s+(?<year>\d{4})\s+${CLOCK}${ZONE}`,
].map((form) => new RegExp(`^${form}$`, "i"));

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MAX_LENGTH = 100;

/**
 * Microseconds since 1970 of a time, or nothing. A zone offset is dropped and the clock reading taken as UTC, as Osprey
 * does.
 */
export function parseTime(text: string): bigint | undefined {
  const trimmed = text.trim();
  if (trimmed.length > MAX_LENGTH) return undefined;
  for (const form of FORMS) {
    const groups = form.exec(trimmed)?.groups;
    if (groups !== undefined) return toMicroseconds(groups);
  }
  return undefined;
}

function toMicroseconds(groups: Record<string, string | undefined>): bigint | undefined {
  const number = (name: string) => Number(groups[name] ?? 0);
  const name = groups["name"]?.slice(0, 3).toLowerCase();
  const month = name === undefined ? number("month") : MONTHS.indexOf(name) + 1;
  const [year, day] = [number("year"), number("day")];
  const hour = hourOf(number("hour"), groups["half"]?.toLowerCase());
  const [minute, second] = [number("minute"), number("second")];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDay =
    date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isDay || year === 0 || hour === undefined || hour > 23 || minute > 59 || second > 59) return undefined;
  const fraction = BigInt((groups["fraction"] ?? "").slice(0, 6).padEnd(6, "0"));
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second;
  return BigInt(seconds) * 1_000_000n + fraction;
}

function hourOf(hour: number, half: string | undefined): number | undefined {
  if (half === undefined) return hour;
  if (hour < 1 || hour > 12) return undefined;
  return (hour % 12) + (half === "p" ? 12 : 0);
}
