import type { Clock } from "../lib/clock.ts";
import type { Logger } from "./log.ts";

export type Task = {
  name: string;
  everyMs: number;
  /** Spread between hosts and tasks: up to this share of the period is added at random. */
  jitter?: number;
  run: (signal: AbortSignal) => Promise<void>;
};

export interface Scheduler {
  /** Runs the task now and then again and again; one run at a time. */
  every(task: Task): void;
  /** Stops all tasks and waits for those that are running. */
  close(): Promise<void>;
}

export function createScheduler(clock: Clock, log: Logger, random: () => number = Math.random): Scheduler {
  const stop = new AbortController();
  const loops: Promise<void>[] = [];

  async function loop(task: Task): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await task.run(stop.signal);
      } catch (err) {
        log.error({ err, task: task.name }, "scheduled task failed; it runs again at its next time");
      }
      await clock.sleep(task.everyMs * (1 + (task.jitter ?? 0) * random()), stop.signal);
    }
  }

  return {
    every(task) {
      loops.push(loop(task));
    },
    async close() {
      stop.abort();
      await Promise.all(loops);
    },
  };
}
