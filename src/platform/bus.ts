import type { Database, Migration } from "./database.ts";
import type { Logger } from "./log.ts";

/** A fact on its way between roles. `seq` orders a topic; `key` orders one member's facts where a topic is split. */
export type BusMessage<T = unknown> = { seq: number; key: string; value: T };

export type BusEntry = { key: string; value: unknown };

/**
 * What carries facts between roles. Delivery is at least once and in order: a group sees a batch again until its
 * handler has resolved, so handlers are idempotent.
 */
export interface Bus {
  /** Durable once resolved. */
  publish(topic: string, entries: readonly BusEntry[]): Promise<void>;
  /** Begins where `group` left off, or at the first message of the topic. */
  subscribe<T>(topic: string, group: string, handle: (batch: BusMessage<T>[]) => Promise<void>): Subscription;
  /** Resolves once every subscription has handled all that was published, follow-ups included. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

export interface Subscription {
  close(): Promise<void>;
}

export const busMigration: Migration = {
  module: "bus",
  steps: [
    `CREATE TABLE bus_message (
       seq INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL
     ) STRICT;
     CREATE INDEX bus_message_topic ON bus_message (topic, seq);
     CREATE TABLE bus_offset (
       topic TEXT NOT NULL, consumer TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (topic, consumer)
     ) STRICT;`,
  ],
};

const BATCH = 200;
const RETRY_MS = 500;

/** The bus of a single host: an append-only table and one offset for each group. */
export function createEmbeddedBus(db: Database, log: Logger): Bus {
  const loops = new Set<Loop>();

  class Loop implements Subscription {
    readonly #topic: string;
    readonly #group: string;
    readonly #handle: (batch: BusMessage<never>[]) => Promise<void>;
    #running: Promise<void> | undefined;
    #closed = false;

    constructor(topic: string, group: string, handle: (batch: BusMessage<never>[]) => Promise<void>) {
      this.#topic = topic;
      this.#group = group;
      this.#handle = handle;
    }

    get idle(): boolean {
      return this.#running === undefined;
    }

    wake(): void {
      if (this.#closed) return;
      this.#running ??= this.#drain().finally(() => {
        this.#running = undefined;
        if (!this.#closed && this.#next().length > 0) this.wake();
      });
    }

    async drained(): Promise<void> {
      await this.#running;
    }

    async close(): Promise<void> {
      this.#closed = true;
      loops.delete(this);
      await this.#running;
    }

    #next(): BusMessage<never>[] {
      const offset = db.get<{ seq: number }>(
        "SELECT seq FROM bus_offset WHERE topic = ? AND consumer = ?",
        this.#topic,
        this.#group,
      );
      return db
        .all<{ seq: number; key: string; value: string }>(
          "SELECT seq, key, value FROM bus_message WHERE topic = ? AND seq > ? ORDER BY seq LIMIT ?",
          this.#topic,
          offset?.seq ?? 0,
          BATCH,
        )
        .map((row) => ({ seq: row.seq, key: row.key, value: JSON.parse(row.value) as never }));
    }

    async #drain(): Promise<void> {
      await Promise.resolve();
      while (!this.#closed) {
        const batch = this.#next();
        const last = batch.at(-1);
        if (!last) return;
        try {
          await this.#handle(batch);
        } catch (err) {
          log.error(
            { err, topic: this.#topic, group: this.#group, seq: batch[0]?.seq },
            "bus handler failed; again soon",
          );
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
          continue;
        }
        db.run(
          "INSERT INTO bus_offset (topic, consumer, seq) VALUES (?, ?, ?) ON CONFLICT (topic, consumer) DO UPDATE SET seq = excluded.seq",
          this.#topic,
          this.#group,
          last.seq,
        );
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  return {
    async publish(topic, entries) {
      if (entries.length === 0) return;
      db.transaction(() => {
        for (const { key, value } of entries) {
          db.run(
            "INSERT INTO bus_message (topic, key, value) VALUES (?, ?, ?)",
            topic,
            key,
            JSON.stringify(value),
          );
        }
      });
      for (const loop of loops) loop.wake();
    },
    subscribe(topic, group, handle) {
      const loop = new Loop(topic, group, handle as (batch: BusMessage<never>[]) => Promise<void>);
      loops.add(loop);
      loop.wake();
      return loop;
    },
    async settle() {
      while ([...loops].some((loop) => !loop.idle)) {
        await Promise.all([...loops].map((loop) => loop.drained()));
      }
    },
    async close() {
      await Promise.all([...loops].map((loop) => loop.close()));
    },
  };
}
