import type { Clock } from "../../lib/clock.ts";
import type { Database, Migration } from "../../platform/database.ts";
import type { Logger } from "../../platform/log.ts";
import type { Metrics } from "../../platform/metrics.ts";
import { livedAgo, livedBetween, look, type Gap, type Known } from "./lived.ts";

export const ageMigration: Migration = {
  module: "relay-age",
  steps: [
    `CREATE TABLE clock_seen (
       id INTEGER PRIMARY KEY CHECK (id = 1), wall INTEGER NOT NULL, gaps TEXT NOT NULL
     ) STRICT;`,
  ],
};

/**
 * How old mail is: in time that this node lived through. What the clock skips, because it was set or because nothing ran, makes no
 * message older, so a wrong clock gives nothing back.
 */
export interface Ages {
  /** Of what came at this time, ms. */
  ageOf(receivedAt: number): number;
  /** What came then or before is at least so old. */
  before(ageMs: number): number;
  /** Writes down that the node runs: to be called now and then. By how much the clock was set back since the last call, ms. */
  note(): number;
}

const WRITE_EVERY_MS = 60_000;

/** What the node wrote down of the clock: when it ran last, and what it did not live through. Undefined: it never ran. */
export function clockSeen(db: Database): Known | undefined {
  const row = db.get<{ wall: number; gaps: string }>("SELECT wall, gaps FROM clock_seen");
  return row && { wall: row.wall, gaps: JSON.parse(row.gaps) as Gap[] };
}

export function createAges({
  db,
  clock,
  log,
  metrics,
}: {
  /** Opened with `ageMigration`. */
  db: Database;
  clock: Pick<Clock, "now" | "steady">;
  log: Logger;
  metrics: Pick<Metrics, "clockSteps">;
}): Ages {
  const steady = () => clock.steady?.() ?? clock.now();
  const seen = clockSeen(db);
  let known: Known = seen ?? { wall: clock.now(), gaps: [] };
  let lookedAt: number | undefined = seen ? undefined : steady();
  let writtenAt: number | undefined;
  let setBack = 0;

  function see(): Known {
    const now = steady();
    const found = look(known, clock.now(), lookedAt === undefined ? undefined : now - lookedAt);
    const isStart = lookedAt === undefined;
    known = found.known;
    lookedAt = now;
    if (found.step !== 0) tell(found.step, isStart);
    if (found.step !== 0 || writtenAt === undefined || now - writtenAt >= WRITE_EVERY_MS) write(now);
    return known;
  }

  function tell(step: number, isStart: boolean): void {
    const about = { hours: Math.round(step / 360_000) / 10, now: new Date(known.wall).toISOString() };
    metrics.clockSteps.inc({ direction: step > 0 ? "ahead" : "back" });
    if (step < 0) {
      setBack -= step;
      log.error(
        about,
        "the clock of this host was set back: what waits for a time of the wrong clock waits so much less",
      );
    } else if (isStart)
      log.warn(
        about,
        "the last time known here is long ago: mail that waits is not given back for that time",
      );
    else
      log.error(
        about,
        "the clock of this host jumped ahead: look whether it is right; mail that waits is not given back for that time",
      );
  }

  /** Where nothing can be written a restart knows less; what is known now stays. */
  function write(now: number): void {
    writtenAt = now;
    try {
      db.run(
        "INSERT INTO clock_seen (id, wall, gaps) VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE SET wall = excluded.wall, gaps = excluded.gaps",
        known.wall,
        JSON.stringify(known.gaps),
      );
    } catch (err) {
      log.error({ err }, "the time was not written down; again soon");
    }
  }

  see();
  return {
    ageOf(receivedAt) {
      const { gaps, wall } = see();
      return livedBetween(gaps, receivedAt, wall);
    },
    before(ageMs) {
      const { gaps, wall } = see();
      return livedAgo(gaps, wall, ageMs);
    },
    note() {
      see();
      const told = setBack;
      setBack = 0;
      return told;
    },
  };
}
