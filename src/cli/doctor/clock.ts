import { existsSync } from "node:fs";
import { Database } from "../../platform/database.ts";
import { dataPath } from "../../platform/config/index.ts";
import { clockSeen } from "../../relay/index.ts";
import { fail, ok, warn, type Finding, type Probe } from "./probe.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const RECENT_MS = 7 * DAY_MS;

type Seen = { wall: number; gaps: readonly { from: number; to: number }[] };

/** Whether the relay's clock can be trusted, by what the relay wrote down of it. */
export const clock: Probe = async ({ config, now }) => {
  const file = dataPath(config, "delivery.sqlite");
  if (!config.ROLES.includes("relay") || !existsSync(file)) return [];
  const db = new Database(file, [], { readOnly: true });
  try {
    const seen = clockSeen(db);
    return seen ? [judgeClock(seen, now())] : [];
  } finally {
    db.close();
  }
};

/** Pure. Ms since the epoch. */
export function judgeClock({ wall, gaps }: Seen, now: number): Finding {
  if (wall - now > HOUR_MS)
    return fail(
      "clock",
      `it is ${hours(wall - now)} behind what the relay saw: it is wrong now, or was wrong then`,
      "Put it right (timedatectl), and let time synchronisation run.",
    );
  const recent = gaps.filter(({ to }) => now - to < RECENT_MS);
  if (recent.length === 0) return ok("clock", "no step of more than an hour in a week");
  const longest = Math.max(...recent.map(({ from, to }) => to - from));
  const text = `${recent.length} ${recent.length === 1 ? "gap" : "gaps"} in a week, the longest of ${hours(longest)}: the relay did not run, or the clock was set forward`;
  return longest < DAY_MS
    ? ok("clock", text)
    : warn("clock", text, "Did the relay not stand still so long, then see that time synchronisation runs.");
}

const hours = (ms: number) =>
  ms < 2 * DAY_MS ? `${Math.round(ms / HOUR_MS)} hours` : `${Math.round(ms / DAY_MS)} days`;
