import type { DnsQuestion, DnsRecord, DnsReply } from "../platform/dns/index.ts";
import { unquote, type ZoneRecord } from "./zone-file.ts";

/** Answers questions from the records of one zone. Authoritative for it, refuses the rest. */
export function answerFrom(
  records: readonly ZoneRecord[],
  zone: string,
): (question: DnsQuestion) => DnsReply {
  const byName = Map.groupBy(records.map(toDnsRecord), (record) => record.name);
  const names = new Set<string>();
  for (const name of byName.keys()) {
    for (let at = name; at.endsWith(zone); at = at.slice(at.indexOf(".") + 1)) {
      names.add(at);
      if (at === zone) break;
    }
  }
  const soa = (byName.get(zone) ?? []).filter((record) => record.type === "SOA");

  return ({ name, type }) => {
    if (name !== zone && !name.endsWith(`.${zone}`))
      return { status: "refused", answers: [], authoritative: false };
    const here = byName.get(name) ?? [];
    const answers = here.filter((record) => type === "ANY" || record.type === type);
    if (answers.length > 0) return { status: "ok", answers, authoritative: true };
    return {
      status: names.has(name) ? "nodata" : "nxdomain",
      answers: [],
      authority: soa,
      authoritative: true,
    };
  };
}

function toDnsRecord({ name, ttl, type, data }: ZoneRecord): DnsRecord {
  switch (type) {
    case "A":
      return { name, ttl, type, data: { address: data } };
    case "NS":
      return { name, ttl, type, data: { target: data.replace(/\.$/, "") } };
    case "TXT":
      return { name, ttl, type, data: { text: unquote(data) } };
    case "SOA": {
      const [mname = "", rname = "", serial, , , , minimum] = data.split(" ");
      return {
        name,
        ttl,
        type,
        data: {
          mname: mname.replace(/\.$/, ""),
          rname: rname.replace(/\.$/, ""),
          serial: Number(serial),
          minimum: Number(minimum),
        },
      };
    }
  }
}
