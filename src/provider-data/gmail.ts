import { z } from "zod";
import { dayName } from "./days.ts";
import { askJson, type Fetch } from "./http.ts";
import type {
  Collected,
  Compliance,
  DayFigures,
  DomainCompliance,
  Failure,
  Outcome,
  Subject,
} from "./types.ts";

/**
 * Gmail Postmaster Tools API v2. It has no reputation: what it gives are rates for each day on which enough mail came, the
 * feedback loop's rate for each identifier, and whether the requirements for senders are met.
 */
export const GMAIL_API = "https://gmailpostmastertools.googleapis.com";

/** Pages of one question; a server that goes on after that is at fault. */
const MOST_PAGES = 25;
const PAGE = 200;
const MOST_DOMAINS = 500;
/** Feedback identifiers of a domain that are asked for; each is one metric. */
const MOST_FEEDBACK_IDS = 50;
const IDS_AT_ONCE = 20;

const CalendarDate = z.object({ year: z.number().int(), month: z.number().int(), day: z.number().int() });
const DomainStat = z.object({
  metric: z.string().max(300),
  date: CalendarDate.optional(),
  value: z
    .object({
      floatValue: z.number().optional(),
      doubleValue: z.number().optional(),
      /** int64 as JSON has it. */
      intValue: z.string().optional(),
      stringList: z.object({ values: z.array(z.string().max(300)).optional() }).optional(),
    })
    .optional(),
});
const StatsPage = z.object({
  domainStats: z.array(DomainStat).max(10_000).default([]),
  nextPageToken: z.string().optional(),
});
type Stat = z.infer<typeof DomainStat>;
const DomainsPage = z.object({
  domains: z
    .array(z.object({ name: z.string().max(300), verificationState: z.string().optional() }))
    .default([]),
  nextPageToken: z.string().optional(),
});
const Status = z.object({ status: z.string().optional() }).optional();
const Verdict = z.object({ status: Status, reason: z.string().max(100).optional() }).optional();
const ComplianceData = z.object({
  domainId: z.string().optional(),
  rowData: z.array(z.object({ requirement: z.string().max(100).optional(), status: Status })).default([]),
  oneClickUnsubscribeVerdict: Verdict,
  honorUnsubscribeVerdict: Verdict,
});
const ComplianceStatus = z.object({
  complianceData: ComplianceData.optional(),
  subdomainComplianceData: ComplianceData.optional(),
});

type Metric = { name: string; metric: string; filter?: string };

/** What is asked of each domain; the names are those of the stored figures. */
const METRICS: Metric[] = [
  { name: "spam_rate", metric: "SPAM_RATE" },
  { name: "spf_rate", metric: "AUTH_SUCCESS_RATE", filter: 'auth_type = "spf"' },
  { name: "dkim_rate", metric: "AUTH_SUCCESS_RATE", filter: 'auth_type = "dkim"' },
  { name: "dmarc_rate", metric: "AUTH_SUCCESS_RATE", filter: 'auth_type = "dmarc"' },
  { name: "tls_rate", metric: "TLS_ENCRYPTION_RATE", filter: 'traffic_direction = "inbound"' },
  { name: "delivery_error_rate", metric: "DELIVERY_ERROR_RATE" },
];
/** Of mail that carries a DKIM signature of the domain, whoever is in `From`: so a pool sees what it signs second. */
const ALL_DKIM = 'aggregation_key_type = "ALL_DKIM"';
const FEEDBACK_IDS: Metric = { name: "feedback_ids", metric: "FEEDBACK_LOOP_ID", filter: ALL_DKIM };

export type GmailOptions = {
  fetch: Fetch;
  accessToken: string;
  api?: string;
  /** Ours: asked for when the account may not list its own. */
  domains: readonly string[];
  now: number;
};

/** Those domains of the account that are ours or lie below, for the days `from` to `to`. A domain that fails does not keep the others back. */
export async function askGmail(options: GmailOptions, from: string, to: string): Promise<Outcome<Collected>> {
  const names = await domainsOf(options);
  if (!names.ok) return names;
  const collected: Collected = { days: [], subjects: [], compliance: [], faults: [...names.value.faults] };
  for (const domain of names.value.domains) {
    const failed = await collectDomain(options, domain, from, to, collected);
    // What says that nothing more will be answered ends it; the days that were got are kept all the same.
    if (failed?.kind === "broken") return failed;
    if (failed?.kind === "limited") {
      collected.faults.push(`${domain} and those after it: ${failed.why}`);
      break;
    }
    if (failed && !(names.value.guessed && (failed.kind === "forbidden" || failed.kind === "absent")))
      collected.faults.push(`${domain}: ${failed.why}`);
  }
  if (collected.subjects.length === 0 && collected.faults.length > 0)
    return { ok: false, kind: "unavailable", why: collected.faults[0]! };
  return { ok: true, value: collected };
}

type Names = { domains: string[]; guessed: boolean; faults: string[] };

async function domainsOf(options: GmailOptions): Promise<Outcome<Names>> {
  const listed = await listDomains(options);
  if (listed.ok) {
    const own = listed.value.filter((name) => options.domains.some((one) => `.${name}`.endsWith(`.${one}`)));
    return { ok: true, value: { domains: own, guessed: false, faults: [] } };
  }
  // `postmaster.traffic.readonly` may be enough for figures and not for the list: ours are known.
  if (listed.kind !== "forbidden") return listed;
  const domains = options.domains.slice(0, MOST_DOMAINS);
  const probe = domains[0];
  if (probe === undefined) return listed;
  return { ok: true, value: { domains, guessed: true, faults: [] } };
}

async function listDomains(options: GmailOptions): Promise<Outcome<string[]>> {
  const domains = new Set<string>();
  const ended = await paged(async (pageToken) => {
    const url = new URL("/v2/domains", options.api ?? GMAIL_API);
    url.searchParams.set("pageSize", String(PAGE));
    if (pageToken !== undefined) url.searchParams.set("pageToken", pageToken);
    const page = await parsed(options, url, { method: "GET" }, DomainsPage);
    if (!page.ok) return page;
    for (const { name } of page.value.domains)
      if (name.startsWith("domains/")) domains.add(name.slice("domains/".length).toLowerCase());
    return { ok: true, value: page.value.nextPageToken };
  });
  if (!ended.ok) return ended;
  return { ok: true, value: [...domains].slice(0, MOST_DOMAINS) };
}

/** Puts what the domain has into `into`; returns what kept it from being all. */
async function collectDomain(
  options: GmailOptions,
  domain: string,
  from: string,
  to: string,
  into: Collected,
): Promise<Failure | undefined> {
  const stats = await query(options, domain, [...METRICS, FEEDBACK_IDS], from, to);
  if (!stats.ok) return stats;
  into.subjects.push({ provider: "gmail", kind: "domain", subject: domain });
  into.days.push(...figuresOf({ provider: "gmail", kind: "domain", subject: domain }, stats.value));
  const ids = feedbackIdsOf(stats.value).slice(0, MOST_FEEDBACK_IDS);
  for (let i = 0; i < ids.length; i += IDS_AT_ONCE) {
    const some = ids.slice(i, i + IDS_AT_ONCE);
    const metrics = some.map((id, k) => ({
      name: `f${k}`,
      metric: "FEEDBACK_LOOP_SPAM_RATE",
      filter: `feedback_loop_id = "${id}" AND ${ALL_DKIM}`,
    }));
    const rates = await query(options, domain, metrics, from, to);
    if (!rates.ok) return rates;
    some.forEach((id, k) => {
      const subject: Subject = { provider: "gmail", kind: "feedback-id", subject: `${domain}/${id}` };
      const own = rates.value
        .filter(({ metric }) => metric === `f${k}`)
        .map((stat) => ({ ...stat, metric: "spam_rate" }));
      into.subjects.push(subject);
      into.days.push(...figuresOf(subject, own));
    });
  }
  const compliance = await complianceOf(options, domain);
  if (!compliance.ok) return compliance;
  into.compliance.push(compliance.value);
  return undefined;
}

async function query(
  options: GmailOptions,
  domain: string,
  metrics: readonly Metric[],
  from: string,
  to: string,
): Promise<Outcome<Stat[]>> {
  const url = new URL(
    `/v2/domains/${encodeURIComponent(domain)}/domainStats:query`,
    options.api ?? GMAIL_API,
  );
  const stats: Stat[] = [];
  const ended = await paged(async (pageToken) => {
    const body = {
      metricDefinitions: metrics.map(({ name, metric, filter }) => ({
        name,
        baseMetric: { standardMetric: metric },
        ...(filter !== undefined && { filter }),
      })),
      timeQuery: { dateRanges: { dateRanges: [{ start: dateOf(from), end: dateOf(to) }] } },
      aggregationGranularity: "DAILY",
      pageSize: PAGE,
      ...(pageToken !== undefined && { pageToken }),
    };
    const page = await parsed(options, url, { method: "POST", body: JSON.stringify(body) }, StatsPage);
    if (!page.ok) return page;
    stats.push(...page.value.domainStats);
    return { ok: true, value: page.value.nextPageToken };
  });
  return ended.ok ? { ok: true, value: stats } : ended;
}

async function complianceOf(options: GmailOptions, domain: string): Promise<Outcome<DomainCompliance>> {
  const url = new URL(`/v2/domains/${encodeURIComponent(domain)}/complianceStatus`, options.api ?? GMAIL_API);
  const answer = await parsed(options, url, { method: "GET" }, ComplianceStatus);
  if (!answer.ok) return answer;
  return { ok: true, value: { domain, rows: complianceRows(answer.value) } };
}

/** The subdomain's own where there are; else those of its registrable domain. */
export function complianceRows(status: z.infer<typeof ComplianceStatus>): Compliance[] {
  const data = status.subdomainComplianceData ?? status.complianceData;
  if (!data) return [];
  const rows = new Map<string, Compliance>();
  const put = (requirement: string, state: string | undefined, reason = "") =>
    rows.set(requirement, {
      requirement,
      status: state === "COMPLIANT" ? "met" : state === "NEEDS_WORK" ? "unmet" : "unknown",
      reason,
    });
  for (const { requirement, status: state } of data.rowData) if (requirement) put(requirement, state?.status);
  const { oneClickUnsubscribeVerdict: oneClick, honorUnsubscribeVerdict: honor } = data;
  if (oneClick) put("ONE_CLICK_UNSUBSCRIBE", oneClick.status?.status, oneClick.reason);
  if (honor) put("HONOR_UNSUBSCRIBE", honor.status?.status, honor.reason);
  return [...rows.values()];
}

/** One row for each day of which anything was said; figures that were not given stay absent. */
function figuresOf(subject: Subject, stats: readonly Stat[]): DayFigures[] {
  const days = new Map<string, DayFigures>();
  for (const { metric, date, value } of stats) {
    const figure = value?.floatValue ?? value?.doubleValue ?? (value?.intValue && Number(value.intValue));
    if (!date || typeof figure !== "number" || !Number.isFinite(figure) || figure < 0) continue;
    const day = dayName(Date.UTC(date.year, date.month - 1, date.day));
    const row = days.get(day) ?? { ...subject, day, figures: {} };
    row.figures[metric] = figure;
    days.set(day, row);
  }
  return [...days.values()].sort((a, b) => a.day.localeCompare(b.day));
}

/** Identifiers that can be asked for: a quotation mark in one would end the filter. */
export function feedbackIdsOf(stats: readonly Stat[]): string[] {
  const ids = stats
    .filter(({ metric }) => metric === FEEDBACK_IDS.name)
    .flatMap(({ value }) => value?.stringList?.values ?? []);
  return [...new Set(ids)].filter((id) => /^[\w.@:+-]{1,100}$/.test(id)).sort();
}

const dateOf = (day: string) => {
  const [year, month, date] = day.split("-").map(Number);
  return { year, month, day: date };
};

/** Follows page tokens until there is none. A token that comes twice, or too many pages: it is at fault. */
async function paged(
  page: (token: string | undefined) => Promise<Outcome<string | undefined>>,
): Promise<Outcome<undefined>> {
  const seen = new Set<string>();
  let token: string | undefined;
  for (let n = 0; n < MOST_PAGES; n++) {
    const next = await page(token);
    if (!next.ok) return next;
    if (!next.value) return { ok: true, value: undefined };
    if (seen.has(next.value))
      return { ok: false, kind: "malformed", why: "Gmail's pages go round in a circle" };
    seen.add((token = next.value));
  }
  return { ok: false, kind: "malformed", why: `Gmail has more than ${MOST_PAGES} pages for one question` };
}

async function parsed<T>(
  { fetch, accessToken, now }: GmailOptions,
  url: URL,
  init: RequestInit,
  schema: z.ZodType<T>,
): Promise<Outcome<T>> {
  const headers = { authorization: `Bearer ${accessToken}`, "content-type": "application/json" };
  const answer = await askJson(fetch, url, { ...init, headers }, now);
  if (!answer.ok) return answer;
  const read = schema.safeParse(answer.value);
  if (read.success) return { ok: true, value: read.data };
  return { ok: false, kind: "malformed", why: "Gmail answered in a shape that we do not know" };
}
