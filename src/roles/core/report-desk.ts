import type { EventMaker } from "../../event/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Members } from "../../member/index.ts";
import type { Bus } from "../../platform/bus/index.ts";
import type { Database } from "../../platform/database.ts";
import type { Metrics } from "../../platform/metrics.ts";
import type { Scheduler } from "../../platform/scheduler.ts";
import {
  createReports,
  dayOf,
  digestsOf,
  memberFinder,
  reportReceived,
  REPORTS_TOPIC,
  type DomainReports,
  type Recorded,
  type Report,
  type ReportDigest,
} from "../../report/index.ts";
import type { Pipeline } from "./pipeline.ts";

export type ReportDeskParts = {
  db: Database;
  bus: Bus;
  clock: Clock;
  metrics: Metrics;
  scheduler: Scheduler;
  members: Members;
  pipeline: Pick<Pipeline, "record">;
  newEvent: EventMaker;
  /** Where the pool's mail leaves from, as text. */
  egress: readonly string[];
};

export type Told = { did: string; domain: string; outcome: Recorded | "stranger"; messages: number };
export type ReportDesk = ReturnType<typeof createReportDesk>;

const SWEEP_EVERY_MS = 6 * 3_600_000;

/** What others report of members' domains, in core's books: each report once, with the event that tells of it. */
export function createReportDesk(parts: ReportDeskParts) {
  const { db, bus, clock, metrics, members, pipeline, newEvent, egress } = parts;
  const reports = createReports(db);

  function take(digest: ReportDigest): Told {
    const { did, domain, kind, messages } = digest;
    const holder = members.domain(domain)?.did;
    const isMember = holder === did && members.get(did)?.membership === "member";
    const outcome = isMember ? reports.record(digest) : "stranger";
    metrics.reports.inc({ kind, outcome });
    if (outcome === "recorded") pipeline.record(newEvent("report_received", reportReceived(digest, egress)));
    return { did, domain, outcome, messages };
  }

  const subscription = bus.subscribe<ReportDigest>(REPORTS_TOPIC, "core", async (batch, handled) =>
    db.transaction(() => {
      for (const { value } of batch) take(value);
      handled();
    }),
  );
  parts.scheduler.every({
    name: "old reports about members' domains forgotten",
    everyMs: SWEEP_EVERY_MS,
    run: async () => void reports.sweep(clock.now()),
  });
  members.onChange((did) => {
    if (members.get(did)?.membership === "left") reports.forget(did);
  });

  const range = (days: number) => {
    const to = dayOf(clock.now());
    return { from: to - days + 1, to };
  };

  return {
    /** Where the pool's mail leaves from. */
    egress,

    /** A report that an operator has, and vouches for. One answer for each domain of a member that it is about. */
    take(report: Report): Told[] {
      const domains = members
        .list()
        .flatMap(({ did }) => members.domainsOf(did).map(({ name }) => ({ did, domain: name })));
      const from = { receivedAt: clock.now(), provenBy: IMPORTED };
      const { digests, strangers } = digestsOf(report, memberFinder(domains), from);
      const told = db.transaction(() => digests.map(take));
      if (digests.length > 0) return told;
      metrics.reports.inc({ kind: report.kind, outcome: "stranger" });
      const domain = report.kind === "dmarc" ? report.domain : (report.policies[0]?.domain ?? "");
      return [{ did: "", domain, outcome: "stranger", messages: strangers }];
    },

    /** The last `days` days, today's too; undefined: nobody here has the domain. */
    ofDomain(name: string, days: number): (DomainReports & { did: string; domain: string }) | undefined {
      const row = members.domain(name.toLowerCase());
      if (!row) return undefined;
      return { did: row.did, domain: row.name, ...reports.ofDomain(row.did, row.name, range(days)) };
    },

    totals: (days: number) => reports.totals(range(days)),

    close: () => subscription.close(),
  };
}

/** Stands for the domain that sent a report, where an operator brought it. */
const IMPORTED = "import";
