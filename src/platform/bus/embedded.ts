import { isStorageOutage, type Database, type Migration } from "../database.ts";
import type { Logger } from "../log.ts";
import type { Bus, BusEntry, BusHandler, BusMessage, Subscription } from "./types.ts";

export const busMigration: Migration = {
  module: "bus",
  steps: [
    `CREATE TABLE bus_message (
       seq INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL
     ) STRICT;
     CREATE INDEX bus_message_topic ON bus_message (topic, seq);
     CREATE INDEX bus_message_key ON bus_message (topic, key, seq);
     CREATE TABLE bus_dead (
       seq INTEGER PRIMARY KEY, topic TEXT NOT NULL, consumer TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
       error TEXT NOT NULL
     ) STRICT;
     CREATE TABLE bus_offset (
       topic TEXT NOT NULL, consumer TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (topic, consumer)
     ) STRICT;`,
    // By key only compacted topics are read, which are small; every message had to be sorted in.
    "DROP INDEX bus_message_key",
    // One message can be too much for several groups.
    `CREATE TABLE bus_dead_of_each (
       seq INTEGER NOT NULL, topic TEXT NOT NULL, consumer TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
       error TEXT NOT NULL, PRIMARY KEY (seq, consumer)
     ) STRICT;
     INSERT INTO bus_dead_of_each SELECT seq, topic, consumer, key, value, error FROM bus_dead;
     DROP TABLE bus_dead;
     ALTER TABLE bus_dead_of_each RENAME TO bus_dead;`,
  ],
};

const BATCH = 200;
const RETRY_MS = [100, 500, 2_000, 5_000] as const;
const KEPT = 10_000;

export type EmbeddedBusOptions = {
  /** Topics of which only the latest message of each key matters. */
  compacted?: readonly string[];
  /** How long to wait before each further try of a batch; after the last, a single message is set aside. */
  retryMs?: readonly number[];
  kept?: number;
  /** Failures that pass: they are tried again without end, and no message is set aside for them. */
  isOutage?: (error: unknown) => boolean;
};

export type EmbeddedBus = Bus & {
  /** Messages of this topic were written by somebody else than `publish`. */
  wake(topic: string): void;
};

/**
 * The bus of a single host: an append-only table and one offset for each group. A message that a group cannot handle,
 * alone and after every retry, is set aside in `bus_dead` with its error, so that it does not block the others; a full
 * or busy disk is no such failure.
 */
export function createEmbeddedBus(db: Database, log: Logger, options: EmbeddedBusOptions = {}): EmbeddedBus {
  const retryMs = options.retryMs ?? RETRY_MS;
  const isOutage = options.isOutage ?? isStorageOutage;
  const compacted = new Set(options.compacted);
  const loops = new Set<Loop>();

  class Loop implements Subscription {
    readonly topic: string;
    readonly #group: string;
    readonly #handle: BusHandler<never>;
    #running: Promise<void> | undefined;
    #wakeUp: (() => void) | undefined;
    #again = false;
    #closed = false;

    constructor(topic: string, group: string, handle: BusHandler<never>) {
      this.topic = topic;
      this.#group = group;
      this.#handle = handle;
    }

    get idle(): boolean {
      return this.#running === undefined;
    }

    wake(): void {
      this.#again = true;
      if (!this.#closed) this.#running ??= this.#run();
    }

    async drained(): Promise<void> {
      await this.#running;
    }

    async close(): Promise<void> {
      this.#closed = true;
      this.#wakeUp?.();
      loops.delete(this);
      await this.#running;
    }

    async #run(): Promise<void> {
      await new Promise((resolve) => setImmediate(resolve));
      while (this.#again && !this.#closed) {
        this.#again = false;
        await this.#drain();
      }
      this.#running = undefined;
    }

    #offset(): number {
      const sql = "SELECT seq FROM bus_offset WHERE topic = ? AND consumer = ?";
      return db.get<{ seq: number }>(sql, this.topic, this.#group)?.seq ?? 0;
    }

    #next(limit = BATCH): BusMessage<never>[] {
      return db
        .all<{ seq: number; key: string; value: string }>(
          "SELECT seq, key, value FROM bus_message WHERE topic = ? AND seq > ? ORDER BY seq LIMIT ?",
          this.topic,
          this.#offset(),
          limit,
        )
        .map((row) => ({ seq: row.seq, key: row.key, value: JSON.parse(row.value) as never }));
    }

    /** Never rejects: whatever fails, here or in the handler, is tried again after a while. */
    async #drain(): Promise<void> {
      let failures = 0;
      while (!this.#closed) {
        try {
          const batch = this.#next(failures === 0 ? BATCH : 1);
          const last = batch.at(-1);
          if (!last) return;
          try {
            await this.#handle(batch, () => this.#advance(last.seq));
          } catch (err) {
            const isHandled = this.#offset() >= last.seq;
            if (isHandled || failures < retryMs.length || isOutage(err)) throw err;
            this.#setAside(batch[0]!, err);
          }
          if (this.#offset() < last.seq) this.#advance(last.seq);
          failures = 0;
          await new Promise((resolve) => setImmediate(resolve));
        } catch (err) {
          log.error({ err, topic: this.topic, group: this.#group, failures }, "bus handler failed");
          await this.#pause(retryMs[Math.min(failures, retryMs.length - 1)] ?? 0);
          failures++;
        }
      }
    }

    #advance(seq: number): void {
      db.run(
        `INSERT INTO bus_offset (topic, consumer, seq) VALUES (?, ?, ?)
         ON CONFLICT (topic, consumer) DO UPDATE SET seq = excluded.seq`,
        this.topic,
        this.#group,
        seq,
      );
    }

    #setAside({ seq, key, value }: BusMessage, err: unknown): void {
      log.error({ topic: this.topic, group: this.#group, seq }, "a message was set aside in bus_dead");
      db.run(
        "INSERT OR REPLACE INTO bus_dead (seq, topic, consumer, key, value, error) VALUES (?, ?, ?, ?, ?, ?)",
        seq,
        this.topic,
        this.#group,
        key,
        JSON.stringify(value),
        String(err),
      );
    }

    #pause(ms: number): Promise<void> {
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wakeUp = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  function hand(topic: string, entries: readonly BusEntry[]): void {
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
    // A loop looks in a later turn, when the transaction around this is at its end.
    for (const loop of loops) loop.wake();
  }

  return {
    hand,
    async publish(topic, entries) {
      if (entries.length > 0) hand(topic, entries);
    },
    subscribe(topic, group, handle, knownUpTo) {
      if (knownUpTo !== undefined) {
        const sql = "UPDATE bus_offset SET seq = min(seq, ?) WHERE topic = ? AND consumer = ?";
        db.run(sql, knownUpTo, topic, group);
      }
      const loop = new Loop(topic, group, handle as BusHandler<never>);
      loops.add(loop);
      loop.wake();
      return loop;
    },
    wake(topic) {
      for (const loop of loops) if (loop.topic === topic) loop.wake();
    },
    async settle() {
      while ([...loops].some((loop) => !loop.idle)) {
        await Promise.all([...loops].map((loop) => loop.drained()));
      }
    },
    async prune() {
      const topics = db.all<{ topic: string; seq: number }>(
        "SELECT topic, min(seq) AS seq FROM bus_offset GROUP BY topic",
      );
      return db.transaction(() =>
        topics.reduce((sum, { topic, seq }) => {
          const { changes } = compacted.has(topic)
            ? db.run(
                `DELETE FROM bus_message WHERE topic = ?1 AND seq <= ?2 AND seq NOT IN (
                   SELECT max(seq) FROM bus_message WHERE topic = ?1 GROUP BY key)`,
                topic,
                seq,
              )
            : db.run(
                "DELETE FROM bus_message WHERE topic = ? AND seq <= ?",
                topic,
                seq - (options.kept ?? KEPT),
              );
          return sum + changes;
        }, 0),
      );
    },
    async close() {
      await Promise.all([...loops].map((loop) => loop.close()));
    },
  };
}
