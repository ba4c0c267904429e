/** Hosts that did not answer are not asked again for a while, so that one slow host cannot hold up all the others. */
export type HostRests = {
  isResting(origin: string): boolean;
  rest(origin: string): void;
};

const REST_MS = 30_000;
const MAX_HOSTS = 1_000;

export function createHostRests(now: () => number): HostRests {
  const until = new Map<string, number>();
  return {
    isResting: (origin) => (until.get(origin) ?? 0) > now(),
    rest(origin) {
      until.delete(origin);
      until.set(origin, now() + REST_MS);
      if (until.size > MAX_HOSTS) until.delete(until.keys().next().value!);
    },
  };
}
