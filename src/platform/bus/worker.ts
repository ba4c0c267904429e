import type { Logger } from "../log.ts";

const RETRY_MS = [250, 500, 1_000, 2_000, 5_000] as const;

export type WorkerOptions = {
  /** What it means when the work fails, for the log; said once until it works again. */
  what: string;
  work: () => Promise<"more" | "idle">;
  onFailure?: () => Promise<void>;
  log: Logger;
};

/** Does some work whenever it is woken, one piece at a time, and again after a while when it failed. */
export function createWorker({ what, work, onFailure, log }: WorkerOptions) {
  let running: Promise<void> | undefined;
  let again = false;
  const closing = new AbortController();
  const isClosed = () => closing.signal.aborted;
  let wakeUp: (() => void) | undefined;

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  async function run(): Promise<void> {
    // Who wakes it may be in a transaction, which is at its end in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
    let failures = 0;
    while (again && !isClosed()) {
      again = false;
      try {
        if ((await work()) === "more") again = true;
        if (failures > 0) log.info({ failures }, `over: ${what}`);
        failures = 0;
      } catch (err) {
        if (failures === 0) log.error({ err }, what);
        again = true;
        await onFailure?.();
        if (!isClosed()) await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]!);
        failures++;
      }
    }
    running = undefined;
  }

  const wake = () => {
    again = true;
    if (!isClosed()) running ??= run();
  };
  return {
    wake,
    /** Resolves once all work is done. */
    async idle(): Promise<void> {
      for (let work = running; work && !isClosed(); work = running) await work;
    },
    async close(): Promise<void> {
      closing.abort();
      wakeUp?.();
      await running;
    },
  };
}
