/** One that is due. `dueAt`: since when, ms since the epoch. */
export type Due = { priority: number; dueAt: number };

/** Each tenth place goes to who has waited longest, whatever the priority: mail to many is slow, and never starves. */
const TURN = 10;

/**
 * What leaves next: by priority, then by time; each tenth place by time alone. `queues` are lists by priority, each in
 * the order of time. `turn` counts places over all calls, so that the tenth comes also when places are few.
 */
export function* inTurn<T extends Due>(
  queues: readonly (readonly T[])[],
  turn: { taken: number },
): Generator<T> {
  const heads = queues.map(() => 0);
  for (;;) {
    let best = -1;
    const byTime = turn.taken % TURN === TURN - 1;
    for (const [i, queue] of queues.entries()) {
      const one = queue[heads[i]!];
      if (!one) continue;
      const other = best < 0 ? undefined : queues[best]![heads[best]!];
      if (!other || (byTime ? one.dueAt < other.dueAt : one.priority < other.priority)) best = i;
    }
    if (best < 0) return;
    yield queues[best]![heads[best]!++]!;
  }
}
