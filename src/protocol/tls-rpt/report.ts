import { createHash } from "node:crypto";
import { DAY_MS } from "../../lib/clock.ts";
import { base32 } from "../../lib/ids.ts";

/** The policy that sessions were measured against: TLSA records, or the lines of an MTA-STS policy. */
export type ReportedPolicy = {
  type: "tlsa" | "sts" | "no-policy-found";
  strings: readonly string[];
  /** Of MTA-STS its `mx` patterns, of DANE the host. */
  mxHosts: readonly string[];
};

/** What failed, where, and as whom. What is not known is empty, and stays out of the report. */
export type ReportedFailure = {
  /** One of RFC 8460 section 4.3. */
  type: string;
  reason: string;
  sendingIp: string;
  mxHost: string;
  mxHelo: string;
  receivingIp: string;
};

/** The sessions of one day under one policy. */
export type PolicyCount = {
  policy: ReportedPolicy;
  succeeded: number;
  failed: number;
  failures: readonly { failure: ReportedFailure; sessions: number }[];
};

export type ReportFacts = {
  id: string;
  /** Who reports. */
  organization: string;
  contact: string;
  /** Of the recipients. */
  domain: string;
  /** Days since the epoch, UTC. */
  day: number;
  policies: readonly PolicyCount[];
};

type FailureDetail = {
  "result-type": string;
  "sending-mta-ip"?: string;
  "receiving-mx-hostname"?: string;
  "receiving-mx-helo"?: string;
  "receiving-ip"?: string;
  "failed-session-count": number;
  "failure-reason-code"?: string;
};

/** RFC 8460 section 4.4. */
export type TlsReport = {
  "organization-name": string;
  "date-range": { "start-datetime": string; "end-datetime": string };
  "contact-info": string;
  "report-id": string;
  policies: {
    policy: {
      "policy-type": ReportedPolicy["type"];
      "policy-string"?: string[];
      "policy-domain": string;
      "mx-host"?: string[];
    };
    summary: { "total-successful-session-count": number; "total-failure-session-count": number };
    "failure-details"?: FailureDetail[];
  }[];
};

/** The report about one day of one recipient domain. The same facts make the same report. */
export function makeReport({ id, organization, contact, domain, day, policies }: ReportFacts): TlsReport {
  return {
    "organization-name": organization,
    "date-range": {
      "start-datetime": instant(day * DAY_MS),
      // As in the examples of appendix B: the last second of the day.
      "end-datetime": instant((day + 1) * DAY_MS - 1000),
    },
    "contact-info": contact,
    "report-id": id,
    policies: policies.map(({ policy, succeeded, failed, failures }) => ({
      policy: {
        "policy-type": policy.type,
        ...(policy.strings.length > 0 && { "policy-string": [...policy.strings] }),
        // Where TLSA records stand, for DANE (RFC 8460 section 1.1).
        "policy-domain": (policy.type === "tlsa" ? policy.mxHosts[0] : undefined) ?? domain,
        ...(policy.mxHosts.length > 0 && { "mx-host": [...policy.mxHosts] }),
      },
      summary: { "total-successful-session-count": succeeded, "total-failure-session-count": failed },
      ...(failures.length > 0 && { "failure-details": failures.map(detailOf) }),
    })),
  };
}

function detailOf({ failure, sessions }: PolicyCount["failures"][number]): FailureDetail {
  const { type, reason, sendingIp, mxHost, mxHelo, receivingIp } = failure;
  return {
    "result-type": type,
    ...(sendingIp && { "sending-mta-ip": sendingIp }),
    ...(mxHost && { "receiving-mx-hostname": mxHost }),
    ...(mxHelo && { "receiving-mx-helo": mxHelo }),
    ...(receivingIp && { "receiving-ip": receivingIp }),
    "failed-session-count": sessions,
    ...(reason && { "failure-reason-code": reason }),
  };
}

const instant = (ms: number) => new Date(ms).toISOString().replace(".000Z", "Z");

/** 16 characters of base32 that stand for the report of this node about a day of a domain, and for what more is named. */
export function reportToken(hostname: string, domain: string, day: number, ...more: string[]): string {
  const facts = ["tls-report", hostname, domain, String(day), ...more].join("\0");
  return base32(createHash("sha256").update(facts).digest().subarray(0, 10));
}

/** However often a report is made and sent, its id is one: `20261122.<token>@relay.coop.example`. */
export function reportId(hostname: string, domain: string, day: number): string {
  const date = instant(day * DAY_MS)
    .slice(0, 10)
    .replaceAll("-", "");
  return `${date}.${reportToken(hostname, domain, day)}@${hostname}`;
}

/** RFC 8460 section 5.1. */
export function reportFileName(submitter: string, domain: string, day: number, unique: string): string {
  const begin = (day * DAY_MS) / 1000;
  return `${submitter}!${domain}!${begin}!${begin + DAY_MS / 1000 - 1}!${unique}.json.gz`;
}
