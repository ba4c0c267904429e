const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*(?:Z|[+-]\d{2}(?::?\d{2})?)?)?$/;

/**
 * Microseconds since 1970 of an ISO 8601 time, or nothing. A zone offset is dropped and the clock reading taken as
 * UTC, as Osprey does.
 */
export function parseTime(text: string): bigint | undefined {
  const match = ISO.exec(text.trim());
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const date = new Date(0);
  date.setUTCFullYear(year!, month! - 1, day);
  const isDay =
    date.getUTCFullYear() === year && date.getUTCMonth() === month! - 1 && date.getUTCDate() === day;
  if (!isDay || year === 0 || hour! > 23 || minute! > 59 || second! > 59) return undefined;
  const fraction = BigInt((match[7] ?? "").slice(0, 6).padEnd(6, "0"));
  const seconds = date.getTime() / 1000 + hour! * 3600 + minute! * 60 + second!;
  return BigInt(seconds) * 1_000_000n + fraction;
}
