import type { Answer, OptAnswer } from "dns-packet";
import type { DnsRecordData, DnsType } from "../../protocol/dns/index.ts";

/** One resource record as it is served or received. `name` is lower case without a final dot, `ttl` in seconds. */
export type DnsRecord = {
  [T in DnsType]: { name: string; type: T; ttl: number; data: DnsRecordData[T] };
}[DnsType];

/** RFC 1035 section 4.1.1 and RFC 6891: the codes that this project sends or tells apart. */
export const RCODE = { noerror: 0, formerr: 1, servfail: 2, nxdomain: 3, notimp: 4, refused: 5 } as const;

/** Fits every path without fragments (DNS flag day 2020). */
export const UDP_PAYLOAD = 1232;

const CHARACTER_STRING = 255;

export function canonicalName(name: string): string {
  return name.replace(/\.$/, "").toLowerCase();
}

/** Whether `name` can be asked at all: RFC 1035 section 2.3.4 lengths, printable ASCII (an IDN as its A-labels). */
export function isAskable(name: string): boolean {
  const bare = name.replace(/\.$/, "");
  if (bare === "" || bare.length > 253 || !/^[\x21-\x7e]+$/.test(bare)) return false;
  return bare.split(".").every((label) => label.length >= 1 && label.length <= 63);
}

/** `host:port`, where an IPv6 host stands in brackets. Throws when it is neither. */
export function parseServer(server: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:]+)):(\d{1,5})$/i.exec(server);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (!host || port < 1 || port > 65_535) {
    throw new Error(`"${server}" is no DNS server: write host:port, such as 127.0.0.1:53 or [::1]:53`);
  }
  return { host, port };
}

export function edns(fields: { dnssec: boolean; extendedRcode?: number }): OptAnswer {
  return {
    name: ".",
    type: "OPT",
    udpPayloadSize: UDP_PAYLOAD,
    extendedRcode: fields.extendedRcode ?? 0,
    ednsVersion: 0,
    flags: fields.dnssec ? 0x8000 : 0,
    flag_do: fields.dnssec,
    options: [],
  };
}

/** Our record in the form of `dns-packet`. */
export function toAnswer(record: DnsRecord): Answer {
  const { name, ttl } = record;
  switch (record.type) {
    case "A":
    case "AAAA":
      return { name, ttl, type: record.type, data: record.data.address };
    case "CNAME":
    case "NS":
    case "PTR":
      return { name, ttl, type: record.type, data: record.data.target };
    case "MX":
      return { name, ttl, type: "MX", data: { ...record.data } };
    case "SOA":
      return { name, ttl, type: "SOA", data: { refresh: 3600, retry: 600, expire: 604_800, ...record.data } };
    case "TXT":
      return { name, ttl, type: "TXT", data: characterStrings(record.data.text) };
    case "TLSA":
      return {
        name,
        ttl,
        type: "TLSA",
        data: { ...record.data, certificate: Buffer.from(record.data.certificate) },
      };
  }
}

function characterStrings(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  const strings: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += CHARACTER_STRING) {
    strings.push(bytes.subarray(at, at + CHARACTER_STRING));
  }
  return strings;
}

/** A decoded record in our form, or undefined for a type that this project does not read. */
export function fromAnswer(answer: Answer): DnsRecord | undefined {
  if (answer.type === "OPT") return undefined;
  const name = canonicalName(answer.name);
  const ttl = Math.max(0, answer.ttl ?? 0);
  switch (answer.type) {
    case "A":
    case "AAAA":
      return { name, ttl, type: answer.type, data: { address: answer.data } };
    case "CNAME":
    case "NS":
    case "PTR":
      return { name, ttl, type: answer.type, data: { target: canonicalName(answer.data) } };
    case "MX": {
      const { preference = 0, exchange } = answer.data;
      return { name, ttl, type: "MX", data: { preference, exchange: canonicalName(exchange) } };
    }
    case "SOA": {
      const { mname, rname, serial = 0, minimum = 0 } = answer.data;
      return { name, ttl, type: "SOA", data: { mname: canonicalName(mname), rname, serial, minimum } };
    }
    case "TXT":
      return { name, ttl, type: "TXT", data: { text: joined(answer.data) } };
    case "TLSA": {
      const { usage, selector, matchingType, certificate } = answer.data;
      return { name, ttl, type: "TLSA", data: { usage, selector, matchingType, certificate } };
    }
    default:
      return undefined;
  }
}

function joined(data: string | Buffer | (string | Buffer)[]): string {
  const parts = Array.isArray(data) ? data : [data];
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part))).toString();
}
