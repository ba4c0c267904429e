import type { DnsQuestion, DnsRecord, DnsReply } from "../../platform/dns/index.ts";
import { TTL } from "./names.ts";
import { unquote, type ZoneRecord } from "./rfc1035.ts";
import { isParent, unpack, type ZoneTable } from "./table.ts";

const REFUSED: DnsReply = { status: "refused", answers: [], authoritative: false };

/** Answers questions from one zone: authoritative for it, and for nothing else. */
export function answerFrom(table: ZoneTable): (question: DnsQuestion) => DnsReply {
  const { zone } = table;
  const below = `.${zone}`;
  const apex = [table.soa, ...table.ns].map(toDnsRecord);
  const soa = apex.slice(0, 1);

  function recordsOf(name: string, relative: string): DnsRecord[] {
    if (relative === "_list") return [toDnsRecord(table.list)];
    if (relative.endsWith("._vouch")) {
      const domain = relative.slice(0, -"._vouch".length);
      const vouched = domain.includes(".") && table.domains.has(domain);
      return vouched ? [{ name, ttl: TTL, type: "TXT", data: { text: "transaction" } }] : [];
    }
    const packed = relative.endsWith(".dwl")
      ? table.domains.get(relative.slice(0, -4))
      : relative.endsWith(".ip")
        ? table.addresses.get(relative.slice(0, -3))
        : undefined;
    if (packed === undefined) return [];
    const { code, text } = unpack(packed);
    return [
      { name, ttl: TTL, type: "A", data: { address: code } },
      { name, ttl: TTL, type: "TXT", data: { text } },
    ];
  }

  return ({ name, type }) => {
    // Whole zones are handed over by other servers, to those who have the key.
    if (type === "AXFR" || type === "IXFR") return REFUSED;
    const isApex = name === zone;
    if (!isApex && !name.endsWith(below)) return REFUSED;
    const relative = isApex ? "" : name.slice(0, -below.length);
    const here = isApex ? apex : recordsOf(name, relative);
    const answers = here.filter((record) => type === "ANY" || record.type === type);
    if (answers.length > 0) return { status: "ok", answers, authoritative: true };
    const isThere = isApex || here.length > 0 || isParent(table, relative);
    return { status: isThere ? "nodata" : "nxdomain", answers: [], authority: soa, authoritative: true };
  };
}

const bare = (text: string) => text.replace(/\.$/, "");

function toDnsRecord({ name, ttl, type, data }: ZoneRecord): DnsRecord {
  switch (type) {
    case "A":
      return { name, ttl, type, data: { address: data } };
    case "NS":
      return { name, ttl, type, data: { target: bare(data) } };
    case "TXT":
      return { name, ttl, type, data: { text: unquote(data) } };
    case "SOA": {
      const [mname = "", rname = "", ...numbers] = data.split(" ");
      const [serial = 0, refresh = 0, retry = 0, expire = 0, minimum = 0] = numbers.map(Number);
      return {
        name,
        ttl,
        type,
        data: { mname: bare(mname), rname: bare(rname), serial, refresh, retry, expire, minimum },
      };
    }
  }
}
