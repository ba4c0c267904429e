import type { DnsAnswer, DnsType, Resolver } from "./types.ts";

/** Asks each question once, for as long as the result is held: for one run of checks, not for a process. */
export function memoize(resolver: Resolver): Resolver {
  const asked = new Map<string, Promise<DnsAnswer<DnsType>>>();
  return {
    resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      const question = `${type} ${name.toLowerCase().replace(/\.$/, "")}`;
      const answer = asked.get(question) ?? resolver.resolve<DnsType>(name, type);
      asked.set(question, answer);
      return answer as Promise<DnsAnswer<T>>;
    },
  };
}
