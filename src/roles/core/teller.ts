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
        timer = setTimeout(start, AGAIN_MS);
        return;
      }
    }
  }

  function start(): void {
    clearTimeout(timer);
    running ??= run().finally(() => {
      running = undefined;
    });
  }

  return {
    tell(dids: readonly string[]): void {
      for (const did of dids) untold.add(did);
      if (untold.size > 0) start();
    },
    /** Resolves once everything so far was told, or has failed and waits for its next try. */
    told: async () => running,
    close: () => clearTimeout(timer),
  };
}
