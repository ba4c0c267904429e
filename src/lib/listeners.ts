/** Who wants to hear that something about a key changed. What changed is not said: whoever hears it looks. */
export type Listeners = ReturnType<typeof createListeners>;

export function createListeners() {
  const heard = new Map<string, Set<() => void>>();
  return {
    tell(keys: Iterable<string>): void {
      for (const key of new Set(keys)) for (const hear of heard.get(key) ?? []) hear();
    },
    /** Returns what ends it. */
    listen(key: string, hear: () => void): () => void {
      const others = heard.get(key) ?? new Set();
      heard.set(key, others.add(hear));
      return () => {
        others.delete(hear);
        if (others.size === 0 && heard.get(key) === others) heard.delete(key);
      };
    },
    /** Keys that somebody listens to. */
    size: () => heard.size,
  };
}
