import type { Logger } from "../../platform/log.ts";

const AGAIN_MS = 1_000;

/**
 * Tells relay nodes and labeler of members that changed: several changes of one turn together, and again every second
 * until it has succeeded. A crash before that is made up for when core starts, since it tells of everybody then.
 */
export function createTeller(tell: (dids: readonly string[]) => Promise<void>, log: Logger) {
  const untold = new Set<string>();
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function run(): Promise<void> {
    await Promise.resolve();
    while (untold.size > 0) {
      const dids = [...untold];
      untold.clear();
      try {
        await tell(dids);
      } catch (err) {
        for (const did of dids) untold.add(did);
        log.error({ err, members: dids.length }, "policies were not told; again in a second");
        if (!closed) timer = setTimeout(start, AGAIN_MS);
        break;
      }
    }
    // In the same turn in which nothing was left: a change in the next one starts anew.
    running = undefined;
  }

  function start(): void {
    clearTimeout(timer);
    running ??= run();
  }

  return {
    tell(dids: readonly string[]): void {
      for (const did of dids) untold.add(did);
      if (untold.size > 0 && !closed) start();
    },
    /** Resolves once everything so far was told, or has failed and waits for its next try. */
    told: async () => running,
    /** Tells no more, and waits for what is being told. */
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
