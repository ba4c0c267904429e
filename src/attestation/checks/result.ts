import type { DnsAnswer, DnsFault, DnsRecordData, DnsType, Resolver } from "../../protocol/dns/index.ts";
import { formatTlsa } from "../../protocol/dane/index.ts";
import type { CheckInput, CheckName, CheckResult, Finding, Transport } from "../types.ts";
import { WHY, type FindingCode } from "./why.ts";

/** What every check is given. `at` is the time of the result in ms. */
export type Surroundings = {
  resolver: Resolver;
  at: number;
  /** Without it, nothing but the DNS is asked. */
  transport?: Transport | undefined;
};

/** A check looks at a domain and reports; it never rejects. Undefined where there is nothing to look at. */
export type Check = (input: CheckInput, around: Surroundings) => Promise<CheckResult | undefined>;

/** A finding before its reason is added. */
export type Observation = Omit<Finding, "code" | "why"> & { code: FindingCode };

const SILENCE: Record<DnsFault, FindingCode> = {
  timeout: "dns-timeout",
  servfail: "dns-servfail",
  bogus: "dns-bogus",
  refused: "dns-no-answer",
  network: "dns-no-answer",
};
const SILENT: ReadonlySet<string> = new Set(Object.values(SILENCE));
const MAX_FINDINGS = 64;

/** Fail beats temperror: one broken answer is enough to know. Temperror beats pass: without an answer nothing is. */
export function result(check: CheckName, findings: readonly Observation[], at: number): CheckResult {
  const status = findings.some((f) => f.severity === "fail")
    ? "fail"
    : findings.some((f) => SILENT.has(f.code))
      ? "temperror"
      : findings.some((f) => f.severity === "warn")
        ? "warn"
        : "pass";
  const worst = findings.toSorted((a, b) => RANK[a.severity] - RANK[b.severity]).slice(0, MAX_FINDINGS);
  return { check, status, findings: worst.map((f) => ({ ...f, why: WHY[f.code] })), at };
}

const RANK = { fail: 0, warn: 1, info: 2 } as const;

export type Silence = { detail: string; kind?: DnsFault };

/** The DNS gave no answer about a name. */
export function noAnswer(name: string, { detail, kind }: Silence): Observation {
  const code = SILENCE[kind ?? "network"];
  const what =
    code === "dns-bogus"
      ? `The DNSSEC signatures of ${shown(name)} do not hold, so a validating resolver gives no answer`
      : code === "dns-servfail"
        ? `The resolver could not get an answer for ${shown(name)} (SERVFAIL)`
        : code === "dns-timeout"
          ? `No answer for ${shown(name)} came in time`
          : `The DNS gave no answer for ${shown(name)}`;
  return {
    code,
    severity: "warn",
    message: `${what}. Nothing is concluded; the check runs again soon.`,
    observed: shown(`${name}: ${detail}`),
  };
}

/** One answer in words: `x.test MX: 10 mx.x.test`, `x.test MX: NXDOMAIN`, `x.test MX: no data`. */
export function seen<T extends DnsType>(name: string, type: T, answer: DnsAnswer<T>): string {
  const what =
    answer.status === "ok"
      ? answer.records.map((record) => written(type, record)).join(" | ")
      : { nxdomain: "NXDOMAIN", nodata: "no data", temperror: "no answer" }[answer.status];
  return shown(`${name} ${type}: ${what}`);
}

function written<T extends DnsType>(type: T, record: DnsRecordData[T]): string {
  if (type === "TLSA") return formatTlsa(record as DnsRecordData["TLSA"]);
  if ("text" in record) return `"${record.text}"`;
  if ("exchange" in record) return `${record.preference} ${record.exchange || "."}`;
  if ("address" in record) return record.address;
  return "target" in record ? record.target : "";
}

/** A TXT record as a line of a zone file; values past 255 octets are split (RFC 1035 section 3.3.14). */
export function txtRecord(name: string, text: string): string {
  const strings = text.match(/[\s\S]{1,255}/g) ?? [""];
  return `${name}. IN TXT ${strings.map((s) => `"${s.replace(/["\\]/g, "\\$&")}"`).join(" ")}`;
}

/** What outsiders wrote, cut to a length that fits pages and events. */
export function shown(text: string | readonly string[]): string {
  const joined = typeof text === "string" ? text : text.join(" | ");
  return joined.length > 1000 ? `${joined.slice(0, 999)}…` : joined;
}
