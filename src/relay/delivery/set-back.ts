import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../platform/log.ts";
import type { Spool } from "../../spool/index.ts";
import type { Ages } from "./age.ts";

const PAGE = 1_000;
const WHY = "the clock of the host was set back: the time for which it waited was wrong";

type Parts = {
  spool: Pick<Spool, "list" | "requeue">;
  ages: Pick<Ages, "note">;
  clock: Pick<Clock, "now">;
  log: Logger;
  /** Something is due. */
  wake: () => void;
};

/**
 * Looks at the clock. After it was set back, what waits for a time of the wrong clock waits so much less, whatever it waits
 * for; what waited for a right one is early, once. Never rejects.
 */
export function createSetBack({ spool, ages, clock, log, wake }: Parts): () => Promise<void> {
  let back = 0;
  let running: Promise<void> | undefined;

  async function pull(earlierBy: number): Promise<void> {
    let before: number | undefined;
    do {
      const now = clock.now();
      const page = await spool.list(
        { states: ["queued", "deferred"] },
        { limit: PAGE, ...(before !== undefined && { before }) },
      );
      const ids = page.entries.flatMap(({ id, nextAt }) => (nextAt > now ? [id] : []));
      const about = { by: "clock", why: WHY, now, earlierBy, limit: PAGE };
      if (ids.length > 0) await spool.requeue({ filter: { ids }, ...about });
      before = page.next;
    } while (before !== undefined);
  }

  return () => {
    back += ages.note();
    if (back === 0 || running) return running ?? Promise.resolve();
    const by = back;
    back = 0;
    running = pull(by)
      .then(wake)
      .catch((err: unknown) => {
        back += by;
        log.error({ err }, "what waits for a wrong time was not all made due; again in a minute");
      })
      .finally(() => (running = undefined));
    return running;
  };
}
