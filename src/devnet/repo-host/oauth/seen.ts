/** Names that may be used once; each is remembered for `keepMs`, and of at most `most` the oldest is forgotten first. */
export type Seen = {
  /** True the first time. */
  first(name: string): boolean;
};

export function createSeen(options: { now: () => number; keepMs: number; most: number }): Seen {
  const until = new Map<string, number>();
  return {
    first(name) {
      const now = options.now();
      for (const [old, end] of until) {
        if (end > now && until.size < options.most) break;
        until.delete(old);
      }
      if (until.has(name)) return false;
      until.set(name, now + options.keepMs);
      return true;
    },
  };
}
