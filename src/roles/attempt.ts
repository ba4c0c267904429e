import type { Logger } from "../platform/log.ts";

/** Runs background work that nobody waits for; a failure is logged, and the scheduler's next round repeats the work. */
export async function attempt(log: Logger, what: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (err) {
    log.error({ err, what }, "background work failed");
  }
}
