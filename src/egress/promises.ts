/** What was accepted leaves within ten minutes, when it leaves at all; the rest is for looking its way up. */
export const PROMISE_MS = 900_000;

/** Messages that were accepted and have not left yet, by provider; in memory, for minutes. */
export function createPromises() {
  const open = new Map<string, { at: number; count: number }[]>();

  /** Those of a clock that was wrong end as well. */
  function of(provider: string, now: number): { at: number; count: number }[] {
    const live = (open.get(provider) ?? []).filter(({ at }) => Math.abs(now - at) < PROMISE_MS);
    if (live.length > 0) open.set(provider, live);
    else open.delete(provider);
    return live;
  }

  return {
    count: (provider: string, now: number): number =>
      of(provider, now).reduce((sum, { count }) => sum + count, 0),
    add(provider: string, count: number, now: number): void {
      const live = of(provider, now);
      const last = live.at(-1);
      // One for each second is fine enough.
      if (last && now - last.at < 1_000) last.count += count;
      else open.set(provider, [...live, { at: now, count }]);
    },
    /** The oldest has left, or will not. */
    take(provider: string, count: number, now: number): void {
      let rest = count;
      for (const one of of(provider, now)) {
        const taken = Math.min(one.count, rest);
        one.count -= taken;
        rest -= taken;
      }
    },
  };
}
