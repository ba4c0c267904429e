const LONGEST_PAUSE_MS = 60_000;

export type PumpOptions = {
  everyMs: number;
  /** Told of each failure, and how long nothing is tried after it. */
  failed: (error: unknown, pauseMs: number) => void;
  longestPauseMs?: number;
};

/** Repeats `work`, one run at a time: after a failure it pauses, twice as long each time, up to a minute. */
export function createPump(work: () => Promise<unknown>, options: PumpOptions) {
  const { everyMs, failed, longestPauseMs = LONGEST_PAUSE_MS } = options;
  let running: Promise<void> | undefined;
  let failures = 0;
  let notBefore = 0;

  function run(): Promise<void> {
    running ??= work()
      .then(
        () => void (failures = 0),
        (error: unknown) => {
          const pauseMs = Math.min(longestPauseMs, everyMs * 2 ** ++failures);
          notBefore = performance.now() + pauseMs;
          failed(error, pauseMs);
        },
      )
      .finally(() => (running = undefined));
    return running;
  }

  const timer = setInterval(() => {
    if (running || (failures > 0 && performance.now() < notBefore)) return;
    void run();
  }, everyMs);

  return {
    /** A run that begins now and sees all that is there. Never rejects. */
    async now(): Promise<void> {
      await running;
      await run();
    },
    /** Stops, with one run at the end. */
    async close(): Promise<void> {
      clearInterval(timer);
      await running;
      await run();
    },
  };
}
