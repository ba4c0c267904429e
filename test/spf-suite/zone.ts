import type { DnsAnswer, DnsRecordData, DnsType, Resolver } from "../../src/protocol/dns/index.ts";

type ZoneEntry = "TIMEOUT" | Record<string, unknown>;
type ZoneData = Record<string, ZoneEntry[]>;

/** One group of the suite: a small DNS and the cases that are judged in it. */
export type SuiteScenario = {
  description: string;
  tests: Record<
    string,
    { helo: string; host: string; mailfrom: string; result: string | string[]; explanation?: string }
  >;
  zonedata: ZoneData;
};

const MAX_CNAMES = 10;

/**
 * The DNS of one scenario. By the suite's rules a record of type SPF stands for TXT too where the name has no TXT
 * entry; `TXT: NONE` forbids that; after `TIMEOUT` every type that is not listed gets no answer.
 */
export function suiteResolver(zonedata: ZoneData): Resolver {
  const zone = new Map(Object.entries(zonedata).map(([name, entries]) => [fold(name), entries]));
  return {
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      let owner = fold(name);
      for (let hops = 0; hops <= MAX_CNAMES; hops++) {
        const entries = zone.get(owner);
        if (!entries) return { status: "nxdomain", authentic: false };
        const found = recordsOf(entries, type);
        if (found.length > 0) return { status: "ok", authentic: false, records: found as never };
        const alias = recordsOf(entries, "CNAME")[0] as { target: string } | undefined;
        if (alias === undefined) {
          return entries.includes("TIMEOUT")
            ? { status: "temperror", kind: "timeout", detail: `no answer for ${name}` }
            : { status: "nodata", authentic: false };
        }
        owner = fold(alias.target);
      }
      return { status: "temperror", kind: "servfail", detail: "a chain of aliases without end" };
    },
  };
}

function fold(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

function recordsOf(entries: ZoneEntry[], type: DnsType): (DnsRecordData[DnsType] & { ttl: number })[] {
  const listed = entries.filter((entry): entry is Record<string, unknown> => entry !== "TIMEOUT");
  const hasTxt = listed.some((entry) => "TXT" in entry);
  return listed.flatMap((entry) => {
    const value = entry[type] ?? (type === "TXT" && !hasTxt ? entry["SPF"] : undefined);
    return value === undefined || value === "NONE" ? [] : [{ ...dataOf(type, value), ttl: 300 }];
  });
}

function dataOf(type: DnsType, value: unknown): DnsRecordData[DnsType] {
  if (type === "TXT") return { text: Array.isArray(value) ? value.join("") : String(value) };
  if (type === "A" || type === "AAAA") return { address: String(value) };
  if (type === "MX") {
    const [preference, exchange] = value as [number, string];
    return { preference, exchange: fold(exchange) };
  }
  return { target: fold(String(value)) };
}
