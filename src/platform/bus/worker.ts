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
  let closed = false;
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
    let failures = 0;
    while (again && !closed) {
      again = false;
      try {
        if ((await work()) === "more") again = true;
        if (failures > 0) log.info({ failures }, `over: ${what}`);
        failures = 0;
      } catch (err) {
        if (failures === 0) log.error({ err }, what);
        again = true;
        await onFailure?.();
        if (!closed) await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]!);
        failures++;
      }
    }
    running = undefined;
  }

  const wake = () => {
    again = true;
    if (!closed) running ??= run();
  };
  return {
    wake,
    /** Resolves once all work is done. */
    async idle(): Promise<void> {
      while (running && !closed) await running;
    },
    async close(): Promise<void> {
      closed = true;
      wakeUp?.();
      await running;
    },
  };
}
