import { eventTime, type Envelope } from "../event/index.ts";
import { DAY_MS } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import { BUCKETS, bucketOf } from "./seconds.ts";
import { LOOK_BACK_MS, SLOW_MS, slowPlaces, type CodesAt, type SlowPlace } from "./slow.ts";

export { timingMigration } from "./schema.ts";
export { quantile, type Between } from "./seconds.ts";
export { SLOW_MS, type SlowPlace } from "./slow.ts";

/** How often delivery took how long: `counts` by bucket, of one provider, oldest day first. */
export type TimesOfDay = { day: number; provider: string; counts: number[] };

/** One login code. `doneAt`: when the remote took it, ms; null: it waits. */
export type Code = {
  message: string;
  provider: string;
  handedIn: number;
  doneAt: number | null;
};

/** A time in which codes were late somewhere. `until` null: it has not ended. */
export type SlowTime = {
  id: number;
  /** Null: of several members. */
  did: string | null;
  provider: string;
  since: number;
  until: number | null;
  /** As it was when it was looked at last. */
  last: Pick<SlowPlace, "known" | "slow" | "waiting" | "longestMs">;
};

type SlowRow = Omit<SlowTime, "last"> & { last: string };

export type Timing = ReturnType<typeof createTiming>;

/**
 * How long mail takes, from the moment it was handed in to the remote's 250: by member, day, provider and whether somebody
 * waits for it. `record` runs once per event, in the transaction that logs it.
 */
export function createTiming(db: Database) {
  function record(event: Envelope): void {
    const { action_name, data } = event.data;
    const { member, message, recipient, smtp } = data;
    if (!message || !recipient || !DELIVERY.has(action_name)) return;
    const code = message.code === true;
    const at = eventTime(event);
    if (action_name === "recipient_delivered") {
      db.run(
        `INSERT INTO timing_day (did, day, provider, code, took, n) VALUES (?, ?, ?, ?, ?, 1)
         ON CONFLICT DO UPDATE SET n = n + 1`,
        member.did,
        Math.floor(at / DAY_MS),
        smtp?.provider ?? "other",
        code ? 1 : 0,
        bucketOf(at - message.received_at),
      );
    }
    if (action_name === "recipient_delivered" || action_name === "recipient_deferred") {
      if (!code) return;
      db.run(
        `INSERT INTO timing_code (message, recipient, did, provider, handed_in, done_at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET done_at = coalesce(done_at, excluded.done_at),
           provider = CASE WHEN done_at IS NULL THEN excluded.provider ELSE provider END`,
        message.id,
        recipient.key,
        member.did,
        smtp?.provider ?? "other",
        message.received_at,
        action_name === "recipient_delivered" ? at : null,
      );
    } else if (data.late !== true)
      db.run(
        "DELETE FROM timing_code WHERE message = ? AND recipient = ? AND done_at IS NULL",
        message.id,
        recipient.key,
      );
  }

  const openTimes = () =>
    db.all<SlowRow>("SELECT * FROM timing_slow WHERE until IS NULL ORDER BY since").map(slowTime);

  return {
    record,

    /** By day and provider; `codes`: of login codes alone. */
    times: (did: string, fromDay: number, codes: boolean): TimesOfDay[] => {
      const rows = db.all<{ day: number; provider: string; took: number; n: number }>(
        `SELECT day, provider, took, sum(n) AS n FROM timing_day WHERE did = ? AND day >= ? AND code >= ?
         GROUP BY day, provider, took ORDER BY day, provider`,
        did,
        fromDay,
        codes ? 1 : 0,
      );
      return [...Map.groupBy(rows, ({ day, provider }) => `${day} ${provider}`).values()].map((of) => {
        const counts = Array.from({ length: BUCKETS.length + 1 }, () => 0);
        for (const { took, n } of of) counts[took] = n;
        return { day: of[0]!.day, provider: of[0]!.provider, counts };
      });
    },

    /** Codes of a member that were late or wait for more than `least` ms, of those handed in from `since` on, the longest first. */
    late: (did: string, { now, since, least }: { now: number; since: number; least: number }): Code[] =>
      db.all<Code>(
        `SELECT message, provider, handed_in AS handedIn, done_at AS doneAt FROM timing_code
         WHERE did = ? AND handed_in >= ? AND coalesce(done_at, ?) - handed_in > ?
         ORDER BY coalesce(done_at, ?) - handed_in DESC, message LIMIT 20`,
        did,
        since,
        now,
        least,
        now,
      ),

    /** Writes down where codes begin to be late, and where that has ended. Called every minute. */
    look(now: number): { begun: SlowTime[]; ended: SlowTime[] } {
      const codes = db.all<CodesAt>(
        `SELECT did, provider, count(*) AS known, sum(took > ?1) AS slow,
           count(DISTINCT CASE WHEN took > ?1 THEN recipient END) AS people,
           sum(took > ?1 AND done_at IS NULL) AS waiting, max(took) AS longestMs
         FROM (SELECT did, provider, recipient, done_at, coalesce(done_at, ?2) - handed_in AS took FROM timing_code
           WHERE handed_in >= ?3 AND (done_at IS NOT NULL OR ?2 - handed_in > ?1))
         GROUP BY did, provider ORDER BY did, provider`,
        SLOW_MS,
        now,
        now - LOOK_BACK_MS,
      );
      const places = new Map(slowPlaces(codes).map((place) => [keyOf(place), place]));
      const [begun, ended]: SlowTime[][] = [[], []];
      const open = openTimes();
      for (const one of open) {
        const place = places.get(keyOf(one));
        places.delete(keyOf(one));
        if (place === undefined) {
          db.run("UPDATE timing_slow SET until = ? WHERE id = ?", now, one.id);
          ended!.push({ ...one, until: now });
        } else db.run("UPDATE timing_slow SET last = ? WHERE id = ?", JSON.stringify(lastOf(place)), one.id);
      }
      for (const place of places.values()) {
        const { did, provider } = place;
        const last = lastOf(place);
        db.run(
          "INSERT INTO timing_slow (did, provider, since, last) VALUES (?, ?, ?, ?)",
          did,
          provider,
          now,
          JSON.stringify(last),
        );
        const { id } = db.get<{ id: number }>("SELECT max(id) AS id FROM timing_slow")!;
        begun!.push({ id, did, provider, since: now, until: null, last });
      }
      return { begun: begun!, ended: ended! };
    },

    /** Those that have not ended. */
    slowNow: openTimes,

    /** Of a member, the newest first. */
    slowOf: (did: string, limit: number): SlowTime[] =>
      db
        .all<SlowRow>("SELECT * FROM timing_slow WHERE did = ? ORDER BY since DESC LIMIT ?", did, limit)
        .map(slowTime),

    /** Drops a slice of the days and of the times codes were late before then; returns how many rows. */
    prune: (before: number, most: number): number =>
      db.run(
        `DELETE FROM timing_day WHERE (did, day, provider, code, took) IN
         (SELECT did, day, provider, code, took FROM timing_day WHERE day < ? LIMIT ?)`,
        Math.floor(before / DAY_MS),
        most,
      ).changes +
      db.run(
        "DELETE FROM timing_slow WHERE id IN (SELECT id FROM timing_slow WHERE until < ? LIMIT ?)",
        before,
        most,
      ).changes,

    /** Drops a slice of the codes that were over before then, and of those handed in before `lost`, whose end nobody told. */
    pruneCodes: (before: number, lost: number, most: number): number =>
      db.run(
        `DELETE FROM timing_code WHERE (message, recipient) IN
         (SELECT message, recipient FROM timing_code WHERE handed_in < ?1 AND (done_at < ?1 OR handed_in < ?2) LIMIT ?3)`,
        before,
        lost,
        most,
      ).changes,

    /** Of a member who has left: everything. */
    forget(did: string): void {
      for (const table of ["timing_day", "timing_code", "timing_slow"])
        db.run(`DELETE FROM ${table} WHERE did = ?`, did);
    },
  };
}

const DELIVERY = new Set([
  "recipient_delivered",
  "recipient_deferred",
  "recipient_bounced",
  "recipient_expired",
  "recipient_dropped",
]);
const slowTime = ({ last, ...row }: SlowRow): SlowTime => ({
  ...row,
  last: JSON.parse(last) as SlowTime["last"],
});
const keyOf = ({ did, provider }: { did: string | null; provider: string }) => `${did ?? ""} ${provider}`;
const lastOf = ({ known, slow, waiting, longestMs }: SlowPlace) => ({ known, slow, waiting, longestMs });
