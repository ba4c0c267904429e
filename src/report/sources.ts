import { canonicalAddress } from "./address.ts";

/** What reporters told of one address on one day, all reports together. */
export type SourceRow = {
  /** Days since 1970-01-01, of the begin of the reports. */
  day: number;
  /** Empty: addresses over the bound, and what could not be read. */
  ip: string;
  messages: number;
  /** Passed DMARC by DKIM or SPF. */
  aligned: number;
  dkim: number;
  spf: number;
  /** What receivers did with it. */
  quarantined: number;
  rejected: number;
};

/** Who sends as a domain, over the days that were asked for. */
export type Source = Omit<SourceRow, "day"> & {
  /** Oldest first. */
  days: { day: number; messages: number; aligned: number }[];
};

/**
 * `ours`: the pool's addresses. `aligned`: others of whose mail at least half passed, so somebody who holds a key or is named in
 * the SPF record; a forwarder that keeps signatures whole is among them. `unaligned`: mail that did not pass, of a service that
 * nobody set up or of somebody who pretends. The most messages first.
 */
export type Sources = Record<"ours" | "aligned" | "unaligned", Source[]>;

/** Pure. `known` are the pool's addresses, as text. */
export function sources(rows: readonly SourceRow[], known: Iterable<string>): Sources {
  const pool = new Set([...known].map(canonicalAddress));
  const byIp = new Map<string, Source>();
  for (const { day, ...row } of rows.toSorted((a, b) => a.day - b.day)) {
    const ip = canonicalAddress(row.ip);
    const source = byIp.get(ip) ?? { ...NOTHING, ip, days: [] };
    for (const count of COUNTS) source[count] += row[count];
    const last = source.days.at(-1);
    if (last?.day === day) {
      last.messages += row.messages;
      last.aligned += row.aligned;
    } else source.days.push({ day, messages: row.messages, aligned: row.aligned });
    byIp.set(ip, source);
  }
  const found: Sources = { ours: [], aligned: [], unaligned: [] };
  for (const source of [...byIp.values()].toSorted(
    (a, b) => b.messages - a.messages || (a.ip < b.ip ? -1 : 1),
  ))
    found[kindOf(source, pool)].push(source);
  return found;
}

const COUNTS = ["messages", "aligned", "dkim", "spf", "quarantined", "rejected"] as const;
const NOTHING = { messages: 0, aligned: 0, dkim: 0, spf: 0, quarantined: 0, rejected: 0 };

function kindOf({ ip, messages, aligned }: Source, pool: ReadonlySet<string>): keyof Sources {
  if (pool.has(ip)) return "ours";
  return aligned > 0 && aligned * 2 >= messages ? "aligned" : "unaligned";
}
