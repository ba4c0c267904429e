import type { DnsAnswer, DnsType, Resolver } from "./types.ts";

export type DnsCacheOptions = {
  /** ms. */
  now: () => number;
  /** Answers that are held; those asked for longest ago go first. */
  size: number;
  /** Bounds of the time that records are held, in ms, whatever their TTL. Default 30 seconds and 5 minutes. */
  leastMs?: number;
  mostMs?: number;
  /** How long NXDOMAIN and no data are held, in ms: their SOA is not in the answer. Default 30 seconds. */
  negativeMs?: number;
};

/** Larger answers are passed on and not held, so that `size` bounds the memory too. */
const LARGEST_BYTES = 4096;

type Entry = { answer: Promise<DnsAnswer<DnsType>>; until: number };

/**
 * Holds answers for their TTL, across domains: a question that is under way or was answered is not asked again. What
 * was not answered (`temperror`) is never held.
 */
export function cached(resolver: Resolver, options: DnsCacheOptions): Resolver {
  const { now, size, leastMs = 30_000, mostMs = 300_000, negativeMs = 30_000 } = options;
  const entries = new Map<string, Entry>();

  function holdMs(answer: DnsAnswer<DnsType>): number {
    if (answer.status === "temperror") return 0;
    if (answer.status !== "ok" || answer.records.length === 0) return negativeMs;
    if (bytesOf(answer.records) > LARGEST_BYTES) return 0;
    const ttl = Math.min(...answer.records.map((record) => record.ttl));
    return Math.min(Math.max(ttl * 1000, leastMs), mostMs);
  }

  function ask(question: string, name: string, type: DnsType): Entry {
    const entry: Entry = { answer: resolver.resolve<DnsType>(name, type), until: Infinity };
    const forget = () => {
      if (entries.get(question) === entry) entries.delete(question);
    };
    const hold = (answer: DnsAnswer<DnsType>) => {
      const ms = holdMs(answer);
      if (ms > 0) entry.until = now() + ms;
      else forget();
    };
    entry.answer.then(hold, forget);
    return entry;
  }

  return {
    resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      const question = `${type} ${name.toLowerCase().replace(/\.$/, "")}`;
      const held = entries.get(question);
      const entry = held && now() < held.until ? held : ask(question, name, type);
      entries.delete(question);
      entries.set(question, entry);
      if (entries.size > size) entries.delete(entries.keys().next().value!);
      return entry.answer as Promise<DnsAnswer<T>>;
    },
  };
}

function bytesOf(records: readonly object[]): number {
  let bytes = 0;
  for (const record of records) {
    for (const value of Object.values(record) as (string | number | Uint8Array)[]) {
      bytes += typeof value === "number" ? 8 : value.length;
    }
  }
  return bytes;
}
