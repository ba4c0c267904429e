import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../platform/log.ts";
import type { QueueEntry, Spool } from "../../spool/index.ts";
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

const isWaiting = ({ state, waits, nextAt }: QueueEntry, now: number) =>
  nextAt > now && (state === "deferred" || Boolean(waits));

/**
 * Looks at the clock. After it was set back, what waits for a time of the wrong clock is due, and asks again: for its retry,
 * or whether what it waits for is over. Mail that is paced keeps its time. Never rejects.
 */
export function createSetBack({ spool, ages, clock, log, wake }: Parts): () => Promise<void> {
  let isDue = false;
  let running: Promise<void> | undefined;

  async function makeDue(): Promise<void> {
    let before: number | undefined;
    do {
      const now = clock.now();
      const page = await spool.list(
        { states: ["queued", "deferred"] },
        { limit: PAGE, ...(before !== undefined && { before }) },
      );
      const ids = page.entries.filter((entry) => isWaiting(entry, now)).map(({ id }) => id);
      if (ids.length > 0) await spool.requeue({ filter: { ids }, by: "clock", why: WHY, now, limit: PAGE });
      before = page.next;
    } while (before !== undefined);
  }

  return () => {
    if (ages.note()) isDue = true;
    if (!isDue || running) return running ?? Promise.resolve();
    isDue = false;
    running = makeDue()
      .then(wake)
      .catch((err: unknown) => {
        isDue = true;
        log.error({ err }, "what waits for a wrong time was not made due; again in a minute");
      })
      .finally(() => (running = undefined));
    return running;
  };
}
