import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { DAY_MS, type Clock } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import type { PostHttps } from "../platform/https-post.ts";
import type { Logger } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import {
  destinationsOf,
  makeReport,
  reportFileName,
  reportId,
  reportToken,
  type Destinations,
} from "../protocol/tls-rpt/index.ts";
import type { TlsObservation } from "../transport/index.ts";
import { afterTry, dueAt, type Outcome } from "./next.ts";
import { createReportStore, type Limits, type ReportRow } from "./store.ts";
import { createTallies } from "./tally.ts";
import type { DayView, DomainView, ReportPost, ReportView } from "./types.ts";

export { forgetTlsReports, tlsReportMigration } from "./store.ts";
export type { DayView, DomainView, MailFate, ReportPost, ReportView, ReportWish } from "./types.ts";

export type TlsReportsOptions = {
  /** Opened with `tlsReportMigration`. */
  db: Database;
  resolver: Resolver;
  post: PostHttps;
  clock: Clock;
  log: Logger;
  metrics: Pick<Metrics, "tlsSessions" | "tlsUncounted" | "tlsReports" | "tlsReportsFailing">;
  /** Who reports: the pool's domain, which signs the mail; the name of this node, in ids; who may be asked. */
  identity: { poolDomain: string; hostname: string; contact: string };
  random?: () => number;
  limits?: Partial<Limits>;
};

export interface TlsReports {
  /** Counts a session. What was counted in the last second is lost with a crash. */
  observe(observation: TlsObservation): void;
  /** Does what is due: to be called every minute. Never rejects for what receivers do. */
  send(mail: ReportPost, signal?: AbortSignal): Promise<void>;
  overview(): { days: DayView[]; reports: ReportView[]; failed: number };
  /** What was counted for a domain, newest day first, and what became of the reports. */
  domain(domain: string): DomainView[];
  /** Writes down what is in memory only. */
  close(): void;
}

const LIMITS: Limits = {
  policies: 50_000,
  policiesOfDomain: 20,
  failures: 200_000,
  failuresOfPolicy: 50,
};
const WRITE_MS = 1_000;
const MAX_UNWRITTEN = 20_000;
const CLOSED_AT_ONCE = 2_000;
const MAX_DUE = 500;
const AT_ONCE = 10;
/** What was counted and sent can be looked at for so many days. */
const KEPT_DAYS = 7;
const MAX_SHOWN = 200;

const compress = promisify(gzip);
const dayName = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** A report after a try; without `next` it is to be forgotten. */
type Done = { row: ReportRow; outcome: Outcome; next: ReportRow | undefined };

/** One call of `send`. `hung`: hosts that did not answer in it, which are not waited for again. */
type Pass = { mail: ReportPost; hung: Set<string> };

/** Counts TLS sessions by day, domain, policy and failure, and reports them to the domains that ask for it (RFC 8460). */
export function openTlsReports(options: TlsReportsOptions): TlsReports {
  const { db, resolver, post, clock, log, metrics, identity, random = Math.random } = options;
  const { poolDomain, hostname, contact } = identity;
  const store = createReportStore(db, { ...LIMITS, ...options.limits });
  const tallies = createTallies(MAX_UNWRITTEN);
  let writing: NodeJS.Timeout | undefined;
  let closedBefore = 0;
  let full = false;

  /** A disk that takes nothing is tried again with the next session; until then they are in memory, as many as fit. */
  function write(): void {
    clearTimeout(writing);
    writing = undefined;
    if (tallies.size() === 0) return;
    try {
      leftOut(store.add(tallies.all()));
      tallies.clear();
    } catch (err) {
      log.error({ err }, "TLS sessions were not written down; they are in memory, and tried again");
    }
  }

  function leftOut(sessions: number): void {
    if (sessions === 0) return;
    metrics.tlsUncounted.inc(sessions);
    if (!full) log.warn("more TLS sessions than can be counted; reports of today leave some out");
    full = true;
  }

  function closeDays(): void {
    const today = Math.floor(clock.now() / DAY_MS);
    if (closedBefore >= today) return;
    full = false;
    write();
    store.forgetBefore(today - KEPT_DAYS);
    const closed = store.closeDays(today, CLOSED_AT_ONCE, (day) => dueAt(day, random));
    if (closed < CLOSED_AT_ONCE) closedBefore = today;
  }

  async function makeGzip({ day, domain }: ReportRow): Promise<Uint8Array> {
    const facts = { id: reportId(hostname, domain, day), organization: poolDomain, contact, domain, day };
    const report = makeReport({ ...facts, policies: store.countsOf(day, domain) });
    return compress(JSON.stringify(report));
  }

  /** HTTPS first; mail where none of the URLs takes it. One that takes it is enough (RFC 8460 section 3). */
  async function deliver(row: ReportRow, wanted: Destinations, { mail, hung }: Pass): Promise<Outcome> {
    const { day, domain } = row;
    const packed = await makeGzip(row);
    const faults: string[] = [];
    for (const url of wanted.https) {
      const { host } = new URL(url);
      if (hung.has(host)) {
        faults.push(`${host} did not answer another report a moment ago`);
        continue;
      }
      const answer = await post(url, "application/tlsrpt+gzip", packed);
      if (!answer.ok && answer.late) hung.add(host);
      if (answer.ok) {
        const note = answer.untrusted ? `the receiver's certificate: ${answer.untrusted}` : "";
        return { kind: "posted", to: url, note };
      }
      faults.push(`${url}: ${answer.why}`);
    }
    for (const to of wanted.mailto) {
      if (row.refused.includes(to)) continue;
      const message = reportToken(hostname, domain, day, to);
      const unique = reportToken(hostname, domain, day);
      const fileName = reportFileName(poolDomain, domain, day, unique);
      const wish = { message, reportId: reportId(hostname, domain, day), to, domain, fileName, gzip: packed };
      if (await mail.send(wish)) return { kind: "mailed", to, message };
      faults.push(`${to} is no mail address`);
    }
    return faults.length > 0 ? { kind: "failed", why: faults.join("; ").slice(0, 500) } : { kind: "refused" };
  }

  async function tryOne(row: ReportRow, pass: Pass): Promise<Outcome> {
    const { mail } = pass;
    if (row.state === "mailed" && row.message !== null) {
      const fate = await mail.fate(row.message);
      if (fate.state === "failed") return { kind: "bounced", why: `${row.sentTo}: ${fate.why}` };
      if (fate.state === "unknown") return { kind: "lost" };
      return { kind: fate.state === "waiting" ? "on-its-way" : "delivered" };
    }
    const name = `_smtp._tls.${row.domain}`;
    const answer = await resolver.resolve(name, "TXT");
    if (answer.status === "temperror") return { kind: "failed", why: `${name}: ${answer.detail}` };
    const wanted = destinationsOf(answer.status === "ok" ? answer.records.map(({ text }) => text) : []);
    return wanted ? deliver(row, wanted, pass) : { kind: "unwanted" };
  }

  async function work(row: ReportRow, pass: Pass): Promise<Done> {
    const outcome = await tryOne(row, pass).catch((err: unknown): Outcome => {
      log.error({ err, domain: row.domain }, "a TLS report could not be made; again later");
      return { kind: "failed", why: "a local fault of the relay" };
    });
    return { row, outcome, next: afterTry(row, outcome, clock.now(), random) };
  }

  /** In one commit. What a crash takes from it is done again, under the same ids. */
  function writeDone(done: readonly Done[]): void {
    store.conclude(
      done.flatMap(({ next }) => next ?? []),
      done.flatMap(({ row, next }) => (next ? [] : [row])),
    );
    for (const one of done) tell(one);
  }

  function tell({ row: { state: before }, next, outcome }: Done): void {
    if (outcome.kind !== "on-its-way") metrics.tlsReports.inc({ outcome: outcome.kind });
    if (!next) return;
    const about = { domain: next.domain, day: dayName(next.day), to: next.sentTo, why: next.why };
    if (next.state === "given-up") log.warn(about, "a TLS report reached nobody, and is given up");
    else if (next.state !== before) log.info({ ...about, state: next.state }, "a TLS report went on its way");
  }

  const viewOf = ({ day, ...row }: ReportRow): ReportView => ({
    ...row,
    day: dayName(day),
    reportId: reportId(hostname, row.domain, day),
  });

  return {
    observe(observation) {
      const { domain, policy, failure } = observation;
      metrics.tlsSessions.inc({ policy: policy.type, result: failure?.type ?? "success" });
      // An address literal is nobody's domain: there is no record to ask for.
      if (domain.startsWith("[")) return;
      if (!tallies.add(observation)) leftOut(1);
      writing ??= setTimeout(write, WRITE_MS).unref();
    },
    async send(mail, signal) {
      closeDays();
      const queue = store.due(clock.now(), MAX_DUE).values();
      const done: Done[] = [];
      const pass: Pass = { mail, hung: new Set() };
      let written = performance.now();
      const writeSome = () => {
        writeDone(done.splice(0));
        written = performance.now();
      };
      const worker = async () => {
        for (const row of queue) {
          if (signal?.aborted) return;
          done.push(await work(row, pass));
          if (performance.now() - written >= WRITE_MS) writeSome();
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      if (done.length > 0) writeSome();
      metrics.tlsReportsFailing.set(store.inState("given-up"));
    },
    overview() {
      write();
      return {
        days: store.totals().map((total) => ({ ...total, day: dayName(total.day) })),
        reports: store.reports(MAX_SHOWN).map(viewOf),
        failed: store.inState("given-up"),
      };
    },
    domain(domain) {
      write();
      return store.daysOf(domain).map((day) => {
        const report = store.report(day, domain);
        return { day: dayName(day), policies: store.countsOf(day, domain), report: report && viewOf(report) };
      });
    },
    close: write,
  };
}
