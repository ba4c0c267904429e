import type { Clock } from "../lib/clock.ts";
import { DAY_MS } from "../lib/clock.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import {
  authorisationOfAll,
  dayOf,
  lookForDmarc,
  sources,
  periodsOf,
  type DmarcAdvice,
  type ReportRow,
  type Source,
  type TlsRow,
} from "../report/index.ts";
import type { DnsRecord, Reporter, ReportedSource, ReportPages } from "../web/index.ts";
import type { Core } from "./core/index.ts";

const WEEKS = 13;
/** A domain whose first report is about one of so many days is shown by day. */
const DAYS = 14;
const POOL_DAYS = 30;
/** A page waits no longer for the DNS. */
const MOST_WAIT_MS = 3_000;

/** Fills the pages of what others report, from core. */
export function createReportPages(parts: {
  core: Pick<Core, "members" | "reports">;
  clock: Clock;
  poolDomain: string;
  resolver: Resolver;
  /** How long the page of a domain waits for the DNS, ms. */
  waitMs?: number;
}): ReportPages {
  const { core, clock, poolDomain, resolver, waitMs = MOST_WAIT_MS } = parts;
  const { members, reports: desk } = core;
  const { name, text } = authorisationOfAll(poolDomain);
  const authorisation: DnsRecord = { name, type: "TXT", value: text };

  return {
    async ofDomain(did, domain) {
      if (members.domain(domain)?.did !== did) return null;
      const found = desk.ofDomain(domain, WEEKS * 7);
      if (!found) return null;
      const address = `dmarc@${poolDomain}`.toLowerCase();
      const days = new Set(
        found.reports.flatMap(({ kind, provenBy, day }) =>
          kind === "dmarc" && provenBy !== "" ? [day] : [],
        ),
      );
      const today = dayOf(clock.now());
      const isNew = Math.min(...days) > today - DAYS;
      const by = isNew ? "day" : "week";
      const shown = isNew ? { to: today, count: DAYS, length: 1 } : { to: today, count: WEEKS, length: 7 };
      const kinds = sources(found.rows, desk.egress);
      const others = [...kinds.aligned, ...kinds.unaligned];
      const refused = others.reduce((sum, { quarantined, rejected }) => sum + quarantined + rejected, 0);
      const messages = others.reduce((sum, source) => sum + source.messages - source.aligned, 0);
      return {
        did,
        domain: found.domain,
        asOf: clock.now(),
        by,
        periods: periodsOf(found.rows, desk.egress, shown, days).map(({ day, ...period }) => ({
          at: day * DAY_MS,
          ...period,
        })),
        sources: {
          ours: kinds.ours.map(sourceOf),
          aligned: kinds.aligned.map(sourceOf),
          unaligned: kinds.unaligned.map(sourceOf),
        },
        pretended: { messages, stopped: Math.min(refused, messages) },
        reporters: reportersOf(found.reports),
        tls: tlsOf(found.tls),
        publish: {
          rua: `rua=mailto:${address}`,
          dmarc: await within(waitMs, lookForDmarc(found.domain, address, resolver)),
          tls: {
            name: `_smtp._tls.${found.domain}`,
            type: "TXT",
            value: `v=TLSRPTv1; rua=mailto:tlsrpt@${poolDomain}`,
          },
        },
        authorisation,
      };
    },

    ofPool() {
      const totals = desk.totals(POOL_DAYS);
      const sum = (key: "reports" | "unverified" | "messages" | "aligned" | "sessions" | "failed") =>
        totals.reduce((all, one) => all + one[key], 0);
      const domains = members.list().flatMap(({ did }) => members.domainsOf(did)).length;
      return {
        asOf: clock.now(),
        days: POOL_DAYS,
        reports: sum("reports"),
        unverified: sum("unverified"),
        messages: sum("messages"),
        aligned: sum("aligned"),
        sessions: sum("sessions"),
        failed: sum("failed"),
        domains,
        known: totals.filter(({ reports }) => reports > 0).length,
        authorisation,
      };
    },
  };
}

async function within(ms: number, asked: Promise<DmarcAdvice>): Promise<DmarcAdvice> {
  const late = Promise.withResolvers<DmarcAdvice>();
  const timer = setTimeout(() => late.resolve({ status: "unknown", why: "no answer in time" }), ms);
  return Promise.race([asked, late.promise]).finally(() => clearTimeout(timer));
}

function sourceOf({ days, dkim: _dkim, spf: _spf, ...source }: Source): ReportedSource {
  return {
    ...source,
    since: (days[0]?.day ?? 0) * DAY_MS,
    until: (days.at(-1)?.day ?? 0) * DAY_MS,
  };
}

function reportersOf(reports: readonly ReportRow[]): Reporter[] {
  const found = new Map<string, Reporter>();
  for (const { day, kind, organization, provenBy, messages } of reports) {
    const key = JSON.stringify([kind, organization, provenBy]);
    const one = found.get(key) ?? { organization, provenBy, kind, reports: 0, messages: 0, until: 0 };
    one.reports++;
    one.messages += messages;
    one.until = Math.max(one.until, day * DAY_MS);
    found.set(key, one);
  }
  return [...found.values()].toSorted((a, b) => b.messages - a.messages).slice(0, MOST_REPORTERS);
}

const MOST_REPORTERS = 50;

const sessions = (list: readonly TlsRow[]) => list.reduce((sum, row) => sum + row.sessions, 0);

function tlsOf(rows: readonly TlsRow[]) {
  const byFailure = Map.groupBy(rows, ({ failure }) => failure);
  const succeeded = sessions(byFailure.get("") ?? []);
  const failures = [...byFailure]
    .filter(([failure]) => failure !== "")
    .map(([failure, list]) => ({ failure, sessions: sessions(list) }))
    .toSorted((a, b) => b.sessions - a.sessions);
  return { succeeded, failed: failures.reduce((sum, one) => sum + one.sessions, 0), failures };
}
