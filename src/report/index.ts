import { DAY_MS } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import type { DmarcRow, InspectedDmarcReport, InspectedTlsReport } from "../protocol/inspect/types.ts";
import { canonicalAddress } from "./address.ts";
import { keyOf, type Report } from "./event.ts";
import type { SourceRow } from "./sources.ts";
import { createReportStore, type ReportRow, type TlsRow } from "./store.ts";

export { authorisationOfAll, authorisationRecords, type TxtRecord } from "./authorisation.ts";
export { reportReceived, type Report } from "./event.ts";
export { sources, type Source, type SourceRow, type Sources } from "./sources.ts";
export { reportMigration, type ReportRow, type TlsRow } from "./store.ts";

export const RETENTION_DAYS = 400;
/** Reports about one domain that are taken in a day: whoever forges them ends there. */
export const MOST_REPORTS_A_DAY = 300;
/** Addresses of one domain and day; what others sent is counted together, with an empty address. */
export const MOST_SOURCES_A_DAY = 500;
const MOST_LISTED = 1_000;

/** Days since 1970-01-01, both included. */
export type DayRange = { from: number; to: number };

export type DomainReports = {
  /** For `sources`. */
  rows: SourceRow[];
  tls: TlsRow[];
  /** Who reported; the newest first, at most 1,000. */
  reports: ReportRow[];
};

/**
 * `duplicate`: the same report came before. `too-many`: the domain had its share of reports today. `out-of-time`: it is about a
 * day that is forgotten already, or that has not been. Only of a `recorded` one there is something to tell.
 */
export type Recorded = "recorded" | "duplicate" | "too-many" | "out-of-time";

export type Reports = ReturnType<typeof createReports>;

/**
 * What others report of members' domains, per day. It is what a reporter claims, and anybody can send a report: it informs, and
 * nothing is concluded from it against a member.
 */
export function createReports(db: Database) {
  const store = createReportStore(db);

  function recordDmarc(about: About, { rows }: InspectedDmarcReport, day: number): void {
    let left = MOST_SOURCES_A_DAY - store.sourcesOn(about, day);
    for (const row of perAddress(rows, day)) {
      const known = row.ip === "" || store.hasSource(about, day, row.ip);
      store.addSource(about, known || left > 0 ? row : { ...row, ip: "" });
      if (!known) left--;
    }
  }

  function recordTls(about: About, { policies }: InspectedTlsReport, day: number): void {
    for (const { type, succeeded, failed, failures } of policies) {
      const policy = termOf(type);
      if (succeeded > 0) store.addTls(about, { day, policy, failure: "", sessions: succeeded });
      const told = failures.reduce((sum, { sessions }) => sum + sessions, 0);
      for (const failure of failures)
        if (failure.sessions > 0)
          store.addTls(about, { day, policy, failure: termOf(failure.type), sessions: failure.sessions });
      if (failed > told) store.addTls(about, { day, policy, failure: OTHER, sessions: failed - told });
    }
  }

  return {
    /** One report about a member's domain that came at `at`, ms since the epoch; in one transaction. */
    record(report: Report, domain: string, did: string, at: number): Recorded {
      const about = { did, domain: domain.toLowerCase() };
      const [day, today] = [dayOf(report.begin), dayOf(at)];
      if (day <= today - RETENTION_DAYS || day > today + 1) return "out-of-time";
      const key = keyOf(report, domain);
      return db.transaction(() => {
        if (store.has(key)) return "duplicate";
        if (store.receivedOn(about, today) >= MOST_REPORTS_A_DAY) return "too-many";
        const counts =
          report.kind === "dmarc"
            ? { messages: report.messages, aligned: report.aligned }
            : sessionsOf(report);
        const { kind, organization } = report;
        store.insert(key, about, { kind, organization, day, receivedDay: today, ...counts });
        if (report.kind === "dmarc") recordDmarc(about, report, day);
        else recordTls(about, report, day);
        return "recorded";
      });
    },

    ofDomain(did: string, domain: string, { from, to }: DayRange): DomainReports {
      const about = { did, domain: domain.toLowerCase() };
      return {
        rows: store.sources(about, from, to),
        tls: store.tls(about, from, to),
        reports: store.reports(about, from, to, MOST_LISTED),
      };
    },

    /** Everything about a member that has left. */
    forget: (did: string): void => db.transaction(() => store.forget(did)),

    /** Removes what is older than the retention; returns how many rows. */
    sweep: (now: number): number => db.transaction(() => store.sweep(dayOf(now) - RETENTION_DAYS + 1)),
  };
}

type About = { did: string; domain: string };

const dayOf = (at: number) => Math.floor(at / DAY_MS);

/** Results of RFC 8460 section 4.3 and policy types are registered terms: others are one. */
const TERMS = new Set([
  "tlsa",
  "sts",
  "no-policy-found",
  "starttls-not-supported",
  "certificate-host-mismatch",
  "certificate-expired",
  "certificate-not-trusted",
  "validation-failure",
  "tlsa-invalid",
  "dnssec-invalid",
  "dane-required",
  "sts-policy-fetch-error",
  "sts-policy-invalid",
  "sts-webpki-invalid",
]);
const OTHER = "other";
const termOf = (text: string) => (TERMS.has(text) ? text : OTHER);

function sessionsOf({ policies }: InspectedTlsReport): { messages: number; aligned: number } {
  const aligned = policies.reduce((sum, { succeeded }) => sum + succeeded, 0);
  return { messages: policies.reduce((sum, { failed }) => sum + failed, aligned), aligned };
}

/** Rows of one address put together, the most messages first. */
function perAddress(rows: readonly DmarcRow[], day: number): SourceRow[] {
  const found = new Map<string, SourceRow>();
  for (const { sourceIp, count, dkim, spf, disposition } of rows) {
    const ip = canonicalAddress(sourceIp);
    const row = found.get(ip) ?? {
      day,
      ip,
      messages: 0,
      aligned: 0,
      dkim: 0,
      spf: 0,
      quarantined: 0,
      rejected: 0,
    };
    row.messages += count;
    if (dkim === "pass" || spf === "pass") row.aligned += count;
    if (dkim === "pass") row.dkim += count;
    if (spf === "pass") row.spf += count;
    if (disposition === "quarantine") row.quarantined += count;
    if (disposition === "reject") row.rejected += count;
    found.set(ip, row);
  }
  return [...found.values()].toSorted((a, b) => b.messages - a.messages);
}
