import type { Database, Migration } from "../platform/database.ts";
import type { DayRow, LaneRow } from "./ledger.ts";
import { DAYS_KEPT } from "./ledger.ts";
import type { Listing, Reverse } from "./types.ts";

export const egressMigration: Migration = {
  module: "egress",
  steps: [
    `CREATE TABLE egress_lane (
       address TEXT NOT NULL, provider TEXT NOT NULL,
       stage INTEGER NOT NULL, day INTEGER NOT NULL, since INTEGER NOT NULL, why TEXT NOT NULL,
       paused_until INTEGER, pause_why TEXT,
       PRIMARY KEY (address, provider)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE egress_day (
       address TEXT NOT NULL, provider TEXT NOT NULL, day INTEGER NOT NULL,
       stage INTEGER NOT NULL, taken INTEGER NOT NULL, delivered INTEGER NOT NULL, deferred INTEGER NOT NULL,
       blocked INTEGER NOT NULL, complaint INTEGER NOT NULL, bounced INTEGER NOT NULL,
       closed INTEGER NOT NULL,
       PRIMARY KEY (address, provider, day)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE egress_address (
       address TEXT PRIMARY KEY,
       held_why TEXT, held_by TEXT, held_at INTEGER,
       health TEXT NOT NULL
     ) STRICT, WITHOUT ROWID;`,
  ],
};

/** What is known of an address apart from its mail. */
export type AddressRow = {
  address: string;
  held: { why: string; by: string; at: number } | undefined;
  reverse: Reverse | undefined;
  listings: Listing[];
};

type StoredLane = Omit<LaneRow, "pausedUntil" | "pauseWhy"> & {
  paused_until: number | null;
  pause_why: string | null;
};
type StoredAddress = {
  address: string;
  held_why: string | null;
  held_by: string | null;
  held_at: number | null;
  health: string;
};

export type EgressStore = ReturnType<typeof createEgressStore>;

export function createEgressStore(db: Database) {
  return {
    load() {
      return {
        lanes: db
          .all<StoredLane>("SELECT * FROM egress_lane")
          .map(({ paused_until: pausedUntil, pause_why: pauseWhy, ...lane }) => ({
            ...lane,
            pausedUntil,
            pauseWhy,
          })),
        days: db
          .all<Omit<DayRow, "closed"> & { closed: number }>("SELECT * FROM egress_day")
          .map((day) => ({ ...day, closed: day.closed === 1 })),
        addresses: db.all<StoredAddress>("SELECT * FROM egress_address").map(addressOf),
      };
    },
    /** All of it in one commit. */
    save(changed: {
      lanes: readonly LaneRow[];
      days: readonly DayRow[];
      addresses: readonly AddressRow[];
    }): void {
      db.transaction(() => {
        for (const lane of changed.lanes) saveLane(lane);
        for (const day of changed.days) saveDay(day);
        for (const address of changed.addresses) saveAddress(address);
      });
    },
  };

  function saveLane(lane: LaneRow): void {
    const { address, provider, stage, day, since, why, pausedUntil, pauseWhy } = lane;
    db.run(
      `INSERT OR REPLACE INTO egress_lane (address, provider, stage, day, since, why, paused_until, pause_why)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      address,
      provider,
      stage,
      day,
      since,
      why,
      pausedUntil,
      pauseWhy,
    );
    db.run(
      `DELETE FROM egress_day WHERE address = ?1 AND provider = ?2 AND day NOT IN
         (SELECT day FROM egress_day WHERE address = ?1 AND provider = ?2 ORDER BY day DESC LIMIT ?3)`,
      address,
      provider,
      DAYS_KEPT,
    );
  }

  function saveDay(row: DayRow): void {
    const { address, provider, day, stage, taken, delivered, deferred, blocked, complaint, bounced, closed } =
      row;
    db.run(
      `INSERT OR REPLACE INTO egress_day
         (address, provider, day, stage, taken, delivered, deferred, blocked, complaint, bounced, closed)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      address,
      provider,
      day,
      stage,
      taken,
      delivered,
      deferred,
      blocked,
      complaint,
      bounced,
      closed ? 1 : 0,
    );
  }

  function saveAddress({ address, held, reverse, listings }: AddressRow): void {
    db.run(
      "INSERT OR REPLACE INTO egress_address (address, held_why, held_by, held_at, health) VALUES (?, ?, ?, ?, ?)",
      address,
      held?.why ?? null,
      held?.by ?? null,
      held?.at ?? null,
      JSON.stringify({ reverse, listings }),
    );
  }
}

function addressOf({ address, held_why, held_by, held_at, health }: StoredAddress): AddressRow {
  const { reverse, listings } = JSON.parse(health) as Pick<AddressRow, "reverse" | "listings">;
  const held = held_at === null ? undefined : { why: held_why ?? "", by: held_by ?? "", at: held_at };
  return { address, held, reverse, listings };
}
