/** A fact on its way between roles. `seq` orders a topic; `key` orders one member's facts where a topic is split. */
export type BusMessage<T = unknown> = { seq: number; key: string; value: T };

export type BusEntry = { key: string; value: unknown };

/**
 * Does something with a batch. Who keeps books in the database of the bus calls `handled` at the end of the
 * transaction that changes them: then both are on disk or neither is, and a crash repeats nothing. What it does after
 * that is not repeated when it fails. Everybody else leaves it, and may see a batch again.
 */
export type BusHandler<T> = (batch: BusMessage<T>[], handled: () => void) => Promise<void>;

/**
 * What carries facts between roles. Delivery is at least once and in order: a group sees a batch again until its
 * handler has resolved, so handlers are idempotent.
 */
export interface Bus {
  /** Durable once resolved. */
  publish(topic: string, entries: readonly BusEntry[]): Promise<void>;
  /** For who keeps books in the database of the bus: in the transaction around it, and gone with it when that fails. */
  hand(topic: string, entries: readonly BusEntry[]): void;
  /**
   * Begins where `group` left off, or at the first message of the topic. A group that keeps what it learns in a
   * database of its own says with `knownUpTo` how far that knows: after a restore it is told again what followed.
   */
  subscribe<T>(topic: string, group: string, handle: BusHandler<T>, knownUpTo?: number): Subscription;
  /** Resolves once every subscription has handled all that was published, follow-ups included. */
  settle(): Promise<void>;
  /**
   * Forgets what every group has handled: all but the last `kept` of a topic, or, for a compacted topic, all but the
   * latest of each key (a group that comes new still learns the present state). Returns how many.
   */
  prune(): Promise<number>;
  close(): Promise<void>;
}

export interface Subscription {
  close(): Promise<void>;
}
