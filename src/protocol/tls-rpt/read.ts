import { carriedFiles } from "../archive/index.ts";
import type { InspectedTlsReport } from "../inspect/types.ts";
import { headerOf, type Mail } from "../mime/index.ts";

/** Octets of what a message carries, unpacked. JSON takes many times its size in memory. */
const MOST_UNPACKED = 2 * 1024 * 1024;
/** Policies of a report, failures of a policy and MX hosts that are kept; sessions of the others are not counted. */
export const MOST_POLICIES = 200;
export const MOST_FAILURES = 500;
const MOST_HOSTS = 50;
const MOST_SESSIONS = 1e12;

/** `problem`: it is a report on TLS, and cannot be read. */
export type ReadTls = { report?: InspectedTlsReport; problem?: string };

type Policy = InspectedTlsReport["policies"][number];
type Failure = Policy["failures"][number];

/**
 * The report on TLS that a message carries (RFC 8460 section 5.3): gzip, zip or plain, whatever type and name it is given,
 * also in a forwarded message. Undefined: it carries none. Never rejects.
 */
export async function readTlsReport(mail: Mail): Promise<ReadTls | undefined> {
  const { files, problems } = await carriedFiles(mail, MOST_UNPACKED);
  for (const { content } of files) {
    const read = parseTlsReport(content);
    if (read.report) return read;
    problems.push(read.problem ?? "");
  }
  if (!saysSo(mail)) return undefined;
  return { problem: problems[0] ?? "no part of the message is a report on TLS" };
}

/** Its fields, types or file names are those of RFC 8460 section 5.3. */
function saysSo(mail: Mail): boolean {
  return (
    headerOf(mail, "tls-report-domain") !== "" ||
    mail.parts.some(
      ({ type, filename }) =>
        /^application\/tlsrpt\b/.test(type) || /^[^!]+![^!]+!\d+!\d+(![^!]*)?\.json(\.gz)?$/i.test(filename),
    )
  );
}

/** Reads the JSON of RFC 8460 section 4.4, also with counts as text and lists that are single values. Never throws. */
export function parseTlsReport(bytes: Uint8Array): ReadTls {
  if (bytes.length > MOST_UNPACKED) return { problem: "the report on TLS is larger than 2 MiB" };
  let given: unknown;
  try {
    given = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return { problem: "no report on TLS: it is no JSON" };
  }
  const json = objectOf(given);
  if (!("policies" in json) || !("report-id" in json || "organization-name" in json))
    return { problem: "no report on TLS: it has no policies, or nobody who reports" };
  const range = objectOf(json["date-range"]);
  const policies = listOf(json["policies"]);
  const read = policies.slice(0, MOST_POLICIES).map(readPolicy);
  return {
    report: {
      kind: "tls",
      organization: textOf(json["organization-name"]),
      contact: textOf(json["contact-info"]),
      reportId: textOf(json["report-id"]),
      begin: timeOf(range["start-datetime"]),
      end: timeOf(range["end-datetime"]),
      policies: read.map(({ policy }) => policy),
      truncated: policies.length > MOST_POLICIES || read.some(({ truncated }) => truncated),
    },
  };
}

function readPolicy(given: unknown): { policy: Policy; truncated: boolean } {
  const outer = objectOf(given);
  const [policy, summary] = [objectOf(outer["policy"]), objectOf(outer["summary"])];
  const failures = listOf(outer["failure-details"]);
  const hosts = listOf(policy["mx-host"] ?? policy["mx-host-pattern"]);
  return {
    policy: {
      type: textOf(policy["policy-type"]).toLowerCase(),
      domain: textOf(policy["policy-domain"]).toLowerCase().replace(/\.$/, ""),
      mxHosts: hosts.slice(0, MOST_HOSTS).map(textOf),
      succeeded: countOf(summary["total-successful-session-count"]),
      failed: countOf(summary["total-failure-session-count"]),
      failures: failures.slice(0, MOST_FAILURES).map(readFailure),
    },
    truncated: failures.length > MOST_FAILURES || hosts.length > MOST_HOSTS,
  };
}

function readFailure(given: unknown): Failure {
  const failure = objectOf(given);
  return {
    type: textOf(failure["result-type"]).toLowerCase(),
    sessions: countOf(failure["failed-session-count"]),
    sendingIp: textOf(failure["sending-mta-ip"]),
    receivingMx: textOf(failure["receiving-mx-hostname"]),
    receivingIp: textOf(failure["receiving-ip"]),
    reason: textOf(failure["failure-reason-code"] ?? failure["failure-error-code"]),
  };
}

type Fields = Readonly<Record<string, unknown>>;

const objectOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null || value === "" ? [] : [value];

const textOf = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" ? String(value).trim().slice(0, 500) : "";

function countOf(value: unknown): number {
  const count = typeof value === "number" ? value : Number(textOf(value) || "0");
  return Number.isFinite(count) && count > 0 ? Math.min(Math.floor(count), MOST_SESSIONS) : 0;
}

/** A date, or seconds since the epoch; 0: neither. */
function timeOf(value: unknown): number {
  const text = textOf(value);
  const time = /^\d{9,10}$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  return Number.isFinite(time) && time > 0 ? time : 0;
}
