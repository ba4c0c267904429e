import { renameSync, rmSync } from "node:fs";
import { Database } from "../platform/database.ts";
import { isDamage } from "./batch.ts";
import { createHabits, type Habits } from "./habits.ts";
import { habitsMigration } from "./store.ts";

/**
 * Opens the file, read and written on the caller's thread without waiting for the disk. One that is damaged, now or when
 * it shows while it is in use, is put aside (`.damaged`) and begun anew: then every template is unseen and every
 * recipient new, and nobody is kept from sending. `onLost`: the disk did not take the last writes, which has the same
 * effect for them. `onDamaged`: told of damage that shows later.
 */
export function openHabits(
  path: string,
  onLost: (error: unknown) => void = () => {},
  onDamaged: (error: unknown) => void = () => {},
): { habits: Habits; damaged: boolean } {
  let damage: unknown;
  let habits: Habits | undefined;

  function begin(): Habits {
    habits = createHabits(open(path), (error) => {
      if (isDamage(error)) damage ??= error;
      else onLost(error);
    });
    return habits;
  }

  function beginAnew(): Habits {
    try {
      habits?.close();
    } catch {
      // What it could not write is put aside with it.
    }
    putAside(path);
    damage = undefined;
    return begin();
  }

  /** Damage shows in a question, or in a write that nobody waited for: both are answered by an empty file. */
  function onSound<T>(work: (habits: Habits) => T): T {
    try {
      if (damage === undefined) return work(habits ?? begin());
    } catch (error) {
      if (!isDamage(error)) throw error;
      damage = error;
    }
    onDamaged(damage);
    return work(beginAnew());
  }

  let damaged = false;
  try {
    begin();
  } catch (error) {
    if (!isDamage(error)) throw error;
    damaged = true;
    beginAnew();
  }
  return {
    damaged,
    habits: {
      look: (submission) => onSound((on) => on.look(submission)),
      accepted: (...told) => onSound((on) => on.accepted(...told)),
      delivered: (delivery) => onSound((on) => on.delivered(delivery)),
      bounced: (bounce) => onSound((on) => on.bounced(bounce)),
      firstContact: (contact) => onSound((on) => on.firstContact(contact)),
      approve: (did, templates) => onSound((on) => on.approve(did, templates)),
      resumed: (resumption) => onSound((on) => on.resumed(resumption)),
      forget: (did) => onSound((on) => on.forget(did)),
      prune: (now) => onSound((on) => on.prune(now)),
      flush: () => onSound((on) => on.flush()),
      close: () => onSound((on) => on.close()),
    },
  };
}

function open(path: string): Database {
  const db = new Database(path, [habitsMigration]);
  db.exec("PRAGMA synchronous=NORMAL");
  return db;
}

function putAside(path: string): void {
  renameSync(path, `${path}.damaged`);
  for (const side of ["-wal", "-shm"]) rmSync(path + side, { force: true });
}
