import type { DnsAnswer, DnsFault, DnsRecordData, DnsType, Resolver } from "../../../protocol/dns/index.ts";
import type { CheckInput, CheckName, CheckStatus, Transport } from "../../types.ts";

/**
 * What the DNS says, what is claimed, and what the check must say about it: its status (`-`: it has nothing to look
 * at) and the codes of its findings, worst first.
 */
export type Situation = [
  when: string,
  zone: string[],
  status: CheckStatus | "-",
  codes: string,
  more?: Partial<CheckInput> & { transport?: Transport },
];

export type Situations = { check: CheckName; cases: Situation[] };

/** The world in which a situation is: `x.test` sends through the pool of `pool.test`. */
export const DID = "did:plc:abcdefghijklmnopqrstuvwx";
export const RELAY = { did: "did:plc:pool" } as const;
export const POOL = { domain: "pool.test", spfInclude: "_spf.pool.test", returnPathHost: "bounce.pool.test" };
export const PUBLIC = "198.41.0.4";
export const PUBLIC6 = "2001:503:ba3e::2:30";
export const POOL_ADDRESS = "198.41.0.9";

/** The pool's own DNS, which is in order. */
export const POOL_ZONE = [
  `_spf.pool.test TXT v=spf1 ip4:${POOL_ADDRESS} -all`,
  "bounce.pool.test TXT v=spf1 include:_spf.pool.test -all",
];

const MAX_CNAMES = 8;

/**
 * A resolver that knows these lines and no others: `name TYPE data`. A line that begins with `*` is signed, and with
 * `!` it is a name (or name and type) that gives no answer: `! name timeout`, `! name TYPE bogus`.
 */
export function zoneOf(lines: readonly string[]): Resolver & { asked: string[] } {
  const records = new Map<string, { type: string; signed: boolean; data: DnsRecordData[DnsType] }[]>();
  const silent = new Map<string, DnsFault>();
  for (const line of lines) {
    const words = line.split(" ");
    const mark = words[0] === "*" || words[0] === "!" ? words.shift() : undefined;
    if (mark === "!") {
      silent.set(words.slice(0, -1).join(" "), words.at(-1) as DnsFault);
      continue;
    }
    const [name, type, ...rest] = words as [string, DnsType, ...string[]];
    const data = dataOf(type, rest);
    records.set(name, [...(records.get(name) ?? []), { type, signed: mark === "*", data }]);
  }
  const asked: string[] = [];
  return {
    asked,
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      asked.push(`${name} ${type}`);
      let owner = name;
      for (let hops = 0; hops < MAX_CNAMES; hops++) {
        const kind = silent.get(owner) ?? silent.get(`${owner} ${type}`);
        if (kind) return { status: "temperror", kind, detail: `127.0.0.1:53: ${kind}` };
        const here = records.get(owner);
        const authentic = here?.every((record) => record.signed) ?? false;
        if (!here) return { status: "nxdomain", authentic };
        const found = here.filter((record) => record.type === type);
        if (found.length > 0)
          return { status: "ok", authentic, records: found.map((r) => ({ ...r.data, ttl: 60 })) as never };
        const alias = here.find((record) => record.type === "CNAME");
        if (!alias) return { status: "nodata", authentic };
        owner = (alias.data as { target: string }).target;
      }
      return { status: "temperror", kind: "servfail", detail: "127.0.0.1:53: SERVFAIL" };
    },
  };
}

function dataOf(type: DnsType, words: string[]): DnsRecordData[DnsType] {
  const [first = "", second = ""] = words;
  switch (type) {
    case "TXT":
      return { text: words.join(" ") };
    case "A":
    case "AAAA":
      return { address: first };
    case "MX":
      return { preference: Number(first), exchange: second.replace(/\.$/, "") };
    case "TLSA": {
      const [usage, selector, matchingType] = words.map(Number) as [number, number, number];
      return { usage, selector, matchingType, certificate: Buffer.from(words[3] ?? "", "hex") };
    }
    case "SOA":
      return { mname: first, rname: second, serial: 1, minimum: 60 };
    default:
      return { target: first };
  }
}
