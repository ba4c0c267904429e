import type { Bus } from "../platform/bus/index.ts";
import type { Database, Migration } from "../platform/database.ts";
import type { Envelope } from "./envelope.ts";

/** The topic on which every event travels from the reporter to core. */
export const EVENTS_TOPIC = "mail.events";

/** For every database in which facts arise: the event is written in the transaction of the fact itself. */
export const outboxMigration: Migration = {
  module: "outbox",
  steps: [
    `CREATE TABLE outbox (
       seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, envelope TEXT NOT NULL
     ) STRICT;`,
  ],
};

/** Call inside the transaction that records the fact. */
export function appendToOutbox(db: Database, events: readonly Envelope[]): void {
  for (const event of events) {
    db.run(
      "INSERT INTO outbox (key, envelope) VALUES (?, ?)",
      event.data.data.member.did,
      JSON.stringify(event),
    );
  }
}

export type OutboxRow = { seq: number; key: string; envelope: string };

export function readOutbox(db: Database, limit: number): OutboxRow[] {
  return db.all<OutboxRow>("SELECT seq, key, envelope FROM outbox ORDER BY seq LIMIT ?", limit);
}

export function clearOutbox(db: Database, upTo: number): void {
  db.run("DELETE FROM outbox WHERE seq <= ?", upTo);
}

export function outboxDepth(db: Database): number {
  return db.get<{ n: number }>("SELECT count(*) AS n FROM outbox")?.n ?? 0;
}

const AT_ONCE = 500;

/** What a pump reads from: a database here, or a writer in a worker. */
export type OutboxSource = {
  read(limit: number): Promise<OutboxRow[]> | OutboxRow[];
  clear(upTo: number): Promise<void> | void;
};

/**
 * Moves rows from the outbox to the bus: published first, removed after. A crash between the two tells a fact
 * twice, and its `dedupe_key` makes it count once. Ends when it has moved what was there: a fact that came meanwhile
 * goes with others the next time, since every batch costs commits. Returns how many went.
 */
export async function pumpOutbox(source: OutboxSource, bus: Bus, atOnce = AT_ONCE): Promise<number> {
  let moved = 0;
  for (;;) {
    const rows = await source.read(atOnce);
    const last = rows.at(-1);
    if (!last) return moved;
    await bus.publish(
      EVENTS_TOPIC,
      rows.map((row) => ({ key: row.key, value: JSON.parse(row.envelope) })),
    );
    await source.clear(last.seq);
    moved += rows.length;
    if (rows.length < atOnce) return moved;
  }
}
