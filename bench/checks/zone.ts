/**
 * A name server in a process of its own, for domains that are made up from their number. Every question is answered
 * after 50 to 300 ms, always the same for the same question; 2 % of the names of the domains are silent.
 *
 *   zone.ts
 */
import { createHash, createPublicKey } from "node:crypto";
import {
  startDnsServer,
  type DnsQuestion,
  type DnsRecord,
  type DnsReply,
} from "../../src/platform/dns/index.ts";
import { formatDkimKeyRecord } from "../../src/protocol/dkim-record/index.ts";
import { didOf, HOSTS, KEY } from "./domains.ts";

const TTL_S = 300;
/** Longer than any client of the benchmark waits for one try. */
const SILENT_MS = 3_500;

const dkim = formatDkimKeyRecord(createPublicKey({ key: KEY, format: "jwk" }));
let questions = 0;

const hash = (text: string) => createHash("sha256").update(text).digest().readUInt32BE(0);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const txt = (text: string) => ({ type: "TXT", data: { text } }) as const;
const host = (name: string) => [
  { type: "A", data: { address: `198.41.${hash(name) % 256}.${(hash(name) >>> 8) % 256}` } } as const,
];

type Data = Pick<Extract<DnsRecord, { type: "TXT" | "MX" | "A" }>, "type" | "data">;

/** Of five domains, four let one of the `HOSTS` receive their mail and one does it itself. */
function recordsAt(prefix: string, n: number): Data[] {
  const at = `d${n}.example`;
  const provider = `host${n % HOSTS}.example`;
  const exchanges = n % 5 === 0 ? [`mx.${at}`] : [`mx1.${provider}`, `mx2.${provider}`];
  switch (prefix) {
    case "":
      return [
        txt(`v=spf1 mx include:_spf.${provider} include:spf.pool.example -all`),
        ...exchanges.map((exchange, i): Data => ({
          type: "MX",
          data: { preference: 10 * (i + 1), exchange },
        })),
      ];
    case "_email-attestation":
      return [txt(`did=${didOf(n)}`)];
    case "_dmarc":
      return [txt(`v=DMARC1; p=reject; rua=mailto:dmarc@${at}`)];
    case "_smtp._tls":
      return [txt(`v=TLSRPTv1; rua=mailto:tls@${at}`)];
    case "s1._domainkey":
    case "s2._domainkey":
      return [txt(dkim)];
    case "mx":
      return host(`mx.${at}`);
    default:
      return [];
  }
}

function recordsOf(name: string): Data[] {
  const [, prefix = "", n] = /^(?:(.+)\.)?d(\d+)\.example$/.exec(name) ?? [];
  if (n !== undefined) return recordsAt(prefix, Number(n));
  if (/^mx[12]\.host\d+\.example$/.test(name)) return host(name);
  if (/^_spf\.host\d+\.example$/.test(name)) return [txt("v=spf1 ip4:198.41.0.0/16 -all")];
  return name === "spf.pool.example" ? [txt("v=spf1 ip4:192.0.2.0/24 -all")] : [];
}

async function answer({ name, type }: DnsQuestion): Promise<DnsReply> {
  questions++;
  if (/(^|\.)d\d+\.example$/.test(name) && hash(name) % 50 === 0) await pause(SILENT_MS);
  else await pause(50 + (hash(`${name} ${type}`) % 251));
  const all = recordsOf(name);
  const answers = all
    .filter((record) => record.type === type)
    .map((record) => ({ ...record, name, ttl: TTL_S }) as DnsRecord);
  const status = answers.length > 0 ? "ok" : all.length > 0 ? "nodata" : "nxdomain";
  return { status, answers, authoritative: true };
}

const server = await startDnsServer({ host: "127.0.0.1", port: 0, answer });
process.on("message", () => {
  process.send?.(questions);
  questions = 0;
});
process.on("disconnect", () => process.exit());
process.send?.(server.port);
