import type { Logger } from "../platform/log.ts";
import { attempt } from "./attempt.ts";

/** Background work by name: one run of a name at a time, the latest asked for wins, at most `parallel` at once. */
export function createWorkQueue(log: Logger, parallel: number) {
  const waiting = new Map<string, () => Promise<unknown>>();
  const running = new Map<string, Promise<void>>();

  function next(): void {
    for (const [name, work] of waiting) {
      if (running.size >= parallel) return;
      if (running.has(name)) continue;
      waiting.delete(name);
      const run = attempt(log, name, work).finally(() => {
        running.delete(name);
        next();
      });
      running.set(name, run);
    }
  }

  return {
    add(name: string, work: () => Promise<unknown>): void {
      waiting.set(name, work);
      next();
    },
    /** Resolves once nothing runs and nothing waits. */
    async idle(): Promise<void> {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}
