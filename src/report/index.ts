import type { Database } from "../platform/database.ts";
import { dayOf, keyOf, MOST_SOURCES, type About, type ReportDigest } from "./digest.ts";
import type { SourceRow } from "./sources.ts";
import { createReportStore, type ReportRow, type ReportTotals, type TlsRow } from "./store.ts";

export { authorisationOfAll, authorisationRecords, type TxtRecord } from "./authorisation.ts";
export { lookForDmarc, type DmarcAdvice } from "./dmarc-advice.ts";
export {
  dayOf,
  digestsOf,
  memberFinder,
  type About,
  type Provenance,
  type Report,
  type ReportDigest,
} from "./digest.ts";
export { reportReceived } from "./event.ts";
export { sources, type Source, type SourceRow, type Sources } from "./sources.ts";
export { reportMigration, type ReportRow, type ReportTotals, type TlsRow } from "./store.ts";
export { periodsOf, type Period, type PeriodRange } from "./periods.ts";

/** The topic on which a relay node tells core what a report said. */
export const REPORTS_TOPIC = "mail.reports";

export const RETENTION_DAYS = 400;
/** Reports about one domain that are taken in a day: whoever forges them ends there. */
export const MOST_REPORTS_A_DAY = 300;
/** Of those that nothing proves. */
export const MOST_UNVERIFIED_A_DAY = 30;
/** Addresses of one domain and day; what others sent is counted together, with an empty address. */
export const MOST_SOURCES_A_DAY = MOST_SOURCES;
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
 * `unverified`: nothing proves who sent it; it is listed, and its counts are in no sum. `duplicate`: the same report came before.
 * `too-many`: the domain had its share of reports today. `out-of-time`: it is about a day that is forgotten already, or that has
 * not been. Only of a `recorded` one there is something to tell.
 */
export type Recorded = "recorded" | "unverified" | "duplicate" | "too-many" | "out-of-time";

export type Reports = ReturnType<typeof createReports>;

/**
 * What others report of members' domains, per day. It is what a reporter claims, and anybody can send a report: it informs, and
 * nothing is concluded from it against a member.
 */
export function createReports(db: Database) {
  const store = createReportStore(db);

  function addSources(about: About, sources: ReportDigest["sources"], day: number): void {
    let left = MOST_SOURCES_A_DAY - store.sourcesOn(about, day);
    for (const source of sources) {
      const row = { ...source, day };
      const known = row.ip === "" || store.hasSource(about, day, row.ip);
      store.addSource(about, known || left > 0 ? row : { ...row, ip: "" });
      if (!known) left--;
    }
  }

  return {
    /** What one report says of one domain; in one transaction. */
    record(digest: ReportDigest): Recorded {
      const { did, kind, organization, messages, aligned, provenBy } = digest;
      const about = { did, domain: digest.domain.toLowerCase() };
      const [day, today] = [dayOf(digest.begin), dayOf(digest.receivedAt)];
      if (!(day > today - RETENTION_DAYS && day <= today + 1)) return "out-of-time";
      const key = keyOf(digest);
      const proven = provenBy !== "";
      return db.transaction(() => {
        if (store.has(key)) return "duplicate";
        const most = proven ? MOST_REPORTS_A_DAY : MOST_UNVERIFIED_A_DAY;
        if (store.receivedOn(about, today, proven) >= most) return "too-many";
        const row = { kind, organization, day, messages, aligned, provenBy };
        store.insert(key, about, { ...row, receivedDay: today });
        if (!proven) return "unverified";
        addSources(about, digest.sources, day);
        for (const tls of digest.tls) store.addTls(about, { day, ...tls });
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

    /** Of every domain that reports came about, by name. */
    totals: ({ from, to }: DayRange): ReportTotals[] => store.totals(from, to),

    /** Everything about a member that has left. */
    forget: (did: string): void => db.transaction(() => store.forget(did)),

    /** Removes what is older than the retention; returns how many rows. */
    sweep: (now: number): number => db.transaction(() => store.sweep(dayOf(now) - RETENTION_DAYS + 1)),
  };
}
