import { DAY_MS } from "../lib/clock.ts";
import type {
  DmarcRow,
  InspectedDmarcReport,
  InspectedTlsReport,
  Inspection,
} from "../protocol/inspect/types.ts";
import { canonicalAddress } from "./address.ts";
import type { SourceRow } from "./sources.ts";

export type Report = NonNullable<Inspection["report"]>;

/** A member's domain. */
export type About = { did: string; domain: string };

/** What one report says of one domain of a member: small enough for the bus, whatever the report had (100 KiB at most). */
export type ReportDigest = About & {
  kind: "dmarc" | "tls";
  organization: string;
  reportId: string;
  /** ms since the epoch. */
  begin: number;
  end: number;
  /** When it came. */
  receivedAt: number;
  /** The domain that authentication proves to have sent it; empty: nothing proves anything. */
  provenBy: string;
  /** Of DMARC messages, of TLS sessions; `aligned`: those that passed, or succeeded. */
  messages: number;
  aligned: number;
  sources: readonly Omit<SourceRow, "day">[];
  tls: readonly { policy: string; failure: string; sessions: number }[];
};

/** How a report came: `receivedAt` in ms since the epoch. */
export type Provenance = Pick<ReportDigest, "receivedAt" | "provenBy">;

/** Addresses of one report that are told apart; what others sent is put together, under an empty address. */
export const MOST_SOURCES = 500;
const MOST_MESSAGES = 1e12;

/**
 * Divides a report by members' domains; `memberOf` knows whose a domain is. A report about a domain is about those below it
 * too, and a row is its author's: a member that has `mail.example.com` finds its rows in a report about `example.com`. `strangers`
 * counts the messages or sessions that are nobody's here. Pure.
 */
export function digestsOf(
  report: Report,
  memberOf: (domain: string) => About | undefined,
  { receivedAt, provenBy }: Provenance,
): { digests: ReportDigest[]; strangers: number } {
  const { kind, organization, reportId, begin, end } = report;
  const from = { kind, organization, reportId, begin, end, receivedAt, provenBy };
  const parts = report.kind === "dmarc" ? dmarcParts(report, memberOf) : tlsParts(report, memberOf);
  return { digests: parts.found.map((part) => ({ ...from, ...part })), strangers: parts.strangers };
}

/** Finds whose a domain or the one above it is, the nearest first. Pure. */
export function memberFinder(domains: Iterable<About>): (domain: string) => About | undefined {
  const byName = new Map([...domains].map((about) => [about.domain.toLowerCase(), about]));
  return (domain) => {
    const labels = domain.toLowerCase().replace(/\.$/, "").split(".").slice(-MOST_LABELS);
    for (; labels.length > 0; labels.shift()) {
      const found = byName.get(labels.join("."));
      if (found) return found;
    }
    return undefined;
  };
}

const MOST_LABELS = 20;

/** What makes a report the same report: it is sent by mail to several addresses, and again after a fault. */
export const keyOf = ({ kind, organization, reportId, domain, provenBy }: ReportDigest): string =>
  JSON.stringify([
    kind,
    organization.toLowerCase(),
    reportId,
    domain.toLowerCase(),
    // One that nothing proves takes no place of one that is proven.
    ...(provenBy === "" ? ["unverified"] : []),
  ]);

type Part = Pick<ReportDigest, "did" | "domain" | "messages" | "aligned" | "sources" | "tls">;
type Parts = { found: Part[]; strangers: number };

function dmarcParts(report: InspectedDmarcReport, memberOf: (domain: string) => About | undefined): Parts {
  const owner = memberOf(report.domain);
  const byDomain = new Map<string, { about: About; rows: DmarcRow[] }>();
  // That nobody has sent anything is known, too.
  if (owner) byDomain.set(owner.domain, { about: owner, rows: [] });
  let strangers = 0;
  const give = (about: About | undefined, row: DmarcRow) => {
    if (!about) return void (strangers += row.count);
    const part = byDomain.get(about.domain) ?? { about, rows: [] };
    part.rows.push(row);
    byDomain.set(about.domain, part);
  };
  const within = (name: string) => name === report.domain || name.endsWith(`.${report.domain}`);
  for (const row of report.rows) {
    const author = row.headerFrom.toLowerCase();
    give((within(author) ? memberOf(author) : undefined) ?? owner, row);
  }
  const found = [...byDomain.values()].map(({ about, rows }) => partOf(about, rows));
  // Rows over the bound of the reader are in the counts of the whole alone.
  const kept = countOf(report.rows);
  if (report.messages <= kept) return { found, strangers };
  if (!owner) return { found, strangers: strangers + report.messages - kept };
  const passed = countOf(report.rows.filter(isAligned));
  const rest = { messages: report.messages - kept, aligned: Math.max(0, report.aligned - passed) };
  const own = found.find(({ domain }) => domain === owner.domain)!;
  const sources = merged([...own.sources, { ...NOTHING, ...rest }]);
  const whole = {
    ...own,
    sources,
    messages: own.messages + rest.messages,
    aligned: own.aligned + rest.aligned,
  };
  return { found: [...found.filter((part) => part.domain !== owner.domain), whole], strangers };
}

const countOf = (rows: readonly DmarcRow[]) => rows.reduce((sum, { count }) => sum + count, 0);
const isAligned = ({ dkim, spf }: DmarcRow) => dkim === "pass" || spf === "pass";

function partOf({ did, domain }: About, rows: readonly DmarcRow[]): Part {
  const [messages, aligned] = [countOf(rows), countOf(rows.filter(isAligned))];
  return { did, domain, messages, aligned, sources: merged(rows.map(sourceOf)), tls: [] };
}

type Counts = Omit<SourceRow, "day">;
const NOTHING: Counts = { ip: "", messages: 0, aligned: 0, dkim: 0, spf: 0, quarantined: 0, rejected: 0 };
const COUNTS = ["messages", "aligned", "dkim", "spf", "quarantined", "rejected"] as const;

function sourceOf(row: DmarcRow): Counts {
  const { sourceIp, count, dkim, spf, disposition } = row;
  return {
    ip: canonicalAddress(sourceIp),
    messages: count,
    aligned: isAligned(row) ? count : 0,
    dkim: dkim === "pass" ? count : 0,
    spf: spf === "pass" ? count : 0,
    quarantined: disposition === "quarantine" ? count : 0,
    rejected: disposition === "reject" ? count : 0,
  };
}

/** One row of each address, the most messages first; what is over the bound is one without an address. */
function merged(rows: readonly Counts[]): Counts[] {
  const byIp = new Map<string, Counts>();
  for (const row of rows) add(byIp, row);
  const sorted = [...byIp.values()].toSorted((a, b) => b.messages - a.messages);
  const kept = new Map(sorted.slice(0, MOST_SOURCES).map((row) => [row.ip, row]));
  for (const row of sorted.slice(MOST_SOURCES)) add(kept, { ...row, ip: "" });
  return [...kept.values()];
}

function add(byIp: Map<string, Counts>, row: Counts): void {
  const before = byIp.get(row.ip) ?? { ...NOTHING, ip: row.ip };
  const sums = COUNTS.map((name) => [name, Math.min(before[name] + row[name], MOST_MESSAGES)]);
  byIp.set(row.ip, { ...before, ...Object.fromEntries(sums) });
}

function tlsParts(report: InspectedTlsReport, memberOf: (domain: string) => About | undefined): Parts {
  const byDomain = new Map<string, Part & { tls: ReportDigest["tls"][number][] }>();
  let strangers = 0;
  for (const { domain, type, succeeded, failed, failures } of report.policies) {
    const about = memberOf(domain);
    if (!about) {
      strangers += succeeded + failed;
      continue;
    }
    const part = byDomain.get(about.domain) ?? { ...about, messages: 0, aligned: 0, sources: [], tls: [] };
    byDomain.set(about.domain, part);
    const policy = termOf(type);
    const count = (failure: string, sessions: number) => {
      if (sessions <= 0) return;
      const known = part.tls.findIndex((row) => row.policy === policy && row.failure === failure);
      const before = known < 0 ? 0 : part.tls[known]!.sessions;
      const row = { policy, failure, sessions: Math.min(before + sessions, MOST_MESSAGES) };
      if (known < 0) part.tls.push(row);
      else part.tls[known] = row;
    };
    const told = failures.reduce((sum, { sessions }) => sum + sessions, 0);
    count("", succeeded);
    for (const failure of failures) count(termOf(failure.type), failure.sessions);
    count(OTHER, failed - told);
    part.messages += succeeded + failed;
    part.aligned += succeeded;
  }
  return { found: [...byDomain.values()], strangers };
}

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

/** Days since 1970-01-01. */
export const dayOf = (at: number): number => Math.floor(at / DAY_MS);
