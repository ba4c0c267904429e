import type { DmarcAlignment, DmarcRow, InspectedDmarcReport } from "../inspect/types.ts";
import { walkXml } from "./xml.ts";

/** Rows that are kept; those over it are counted all the same. */
export const MOST_ROWS = 10_000;
const MOST_RESULTS = 20;
const MOST_ERRORS = 20;
const MOST_POLICY_TAGS = 20;
const MOST_MESSAGES = 1e9;

/** `problem`: what could not be read; a report that was cut off has both. */
export type ReadDmarc = { report?: InspectedDmarcReport; problem?: string };

type Draft<T> = { -readonly [K in keyof T]: T[K] };
type RowDraft = Draft<Omit<DmarcRow, "dkimResults" | "spfResults" | "overrides">> & {
  dkimResults: { domain: string; selector: string; result: string }[];
  spfResults: { domain: string; scope: string; result: string }[];
  overrides: { type: string; comment: string }[];
};
type ReportDraft = Draft<Omit<InspectedDmarcReport, "policy" | "errors" | "rows">> & {
  policy: Record<string, string>;
  errors: string[];
  rows: RowDraft[];
};

/** An element's text goes here. Keys are paths below `feedback`. */
const IN_REPORT: Readonly<Record<string, (report: ReportDraft, text: string) => void>> = {
  "report_metadata/org_name": (report, text) => (report.organization = text.slice(0, 255)),
  "report_metadata/email": (report, text) => (report.email = text.slice(0, 255)),
  "report_metadata/report_id": (report, text) => (report.reportId = text.slice(0, 255)),
  "report_metadata/generator": (report, text) => (report.generator = text.slice(0, 255)),
  "report_metadata/date_range/begin": (report, text) => (report.begin = timeOf(text)),
  "report_metadata/date_range/end": (report, text) => (report.end = timeOf(text)),
  "report_metadata/error": (report, text) => {
    if (text !== "" && report.errors.length < MOST_ERRORS) report.errors.push(text.slice(0, 500));
  },
  "policy_published/domain": (report, text) => (report.domain = domainOf(text)),
};

const IN_ROW: Readonly<Record<string, (row: RowDraft, text: string) => void>> = {
  "row/source_ip": (row, text) => (row.sourceIp = text.slice(0, 64)),
  "row/count": (row, text) => (row.count = countOf(text)),
  "row/policy_evaluated/disposition": (row, text) => (row.disposition = text.toLowerCase().slice(0, 40)),
  "row/policy_evaluated/dkim": (row, text) => (row.dkim = alignmentOf(text)),
  "row/policy_evaluated/spf": (row, text) => (row.spf = alignmentOf(text)),
  "identifiers/header_from": (row, text) => (row.headerFrom = domainOf(text)),
  "identifiers/envelope_from": (row, text) => (row.envelopeFrom = domainOf(text)),
  "identifiers/envelope_to": (row, text) => (row.envelopeTo = domainOf(text)),
  "auth_results/dkim/domain": (row, text) => set(row.dkimResults, "domain", domainOf(text)),
  "auth_results/dkim/selector": (row, text) => set(row.dkimResults, "selector", text.slice(0, 255)),
  "auth_results/dkim/result": (row, text) => set(row.dkimResults, "result", text.toLowerCase().slice(0, 40)),
  "auth_results/spf/domain": (row, text) => set(row.spfResults, "domain", domainOf(text)),
  "auth_results/spf/scope": (row, text) => set(row.spfResults, "scope", text.toLowerCase().slice(0, 40)),
  "auth_results/spf/result": (row, text) => set(row.spfResults, "result", text.toLowerCase().slice(0, 40)),
  "row/policy_evaluated/reason/type": (row, text) =>
    set(row.overrides, "type", text.toLowerCase().slice(0, 40)),
  "row/policy_evaluated/reason/comment": (row, text) => set(row.overrides, "comment", text.slice(0, 500)),
};

/** The drafts of 2011 and 2012 had other names. */
const OLD_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^(?:row\/)?identi(?:ties|fiers)\//, "identifiers/"],
];

/**
 * Reads an aggregate report (RFC 7489 appendix C, RFC 9990 section 3, with any namespace or none). Never rejects. Counts go
 * over all rows, also those that are not kept. What a reporter left out is empty, `fail`, or 0; a row without a count that can
 * be read is one message.
 */
export async function parseDmarcXml(xml: Uint8Array): Promise<ReadDmarc> {
  const report: ReportDraft = {
    kind: "dmarc",
    namespace: "",
    organization: "",
    email: "",
    reportId: "",
    domain: "",
    begin: 0,
    end: 0,
    policy: {},
    generator: "",
    errors: [],
    rows: [],
    messages: 0,
    aligned: 0,
    truncated: false,
  };
  let row: RowDraft | undefined;
  let fallback = "";
  const walked = await walkXml(xml, {
    wanted: (root) => root === "feedback",
    open(path) {
      if (path === "record") row = emptyRow();
      else if (row) openList(row, path);
    },
    close(path, text) {
      if (!row || !path.startsWith("record")) {
        IN_REPORT[path]?.(report, text);
        if (path.startsWith("policy_published/")) keepTag(report.policy, path.slice(17), text);
        return;
      }
      if (path === "record") {
        take(report, row);
        fallback ||= row.headerFrom;
        row = undefined;
        return;
      }
      let within = path.slice("record/".length);
      for (const [old, name] of OLD_NAMES) within = within.replace(old, name);
      IN_ROW[within]?.(row, text);
    },
  });
  if ("problem" in walked) return { problem: `no DMARC report: ${walked.problem}` };
  report.namespace = walked.namespace;
  report.domain ||= fallback;
  if (report.domain === "") return { problem: "the DMARC report names no domain" };
  report.organization ||= report.email.slice(report.email.lastIndexOf("@") + 1);
  return { report, ...(!walked.ended && { problem: "the XML ends before the report does" }) };
}

function emptyRow(): RowDraft {
  return {
    sourceIp: "",
    count: 1,
    disposition: "",
    dkim: "fail",
    spf: "fail",
    headerFrom: "",
    envelopeFrom: "",
    envelopeTo: "",
    dkimResults: [],
    spfResults: [],
    overrides: [],
  };
}

function openList(row: RowDraft, path: string): void {
  if (path === "record/auth_results/dkim") begin(row.dkimResults, { domain: "", selector: "", result: "" });
  else if (path === "record/auth_results/spf") begin(row.spfResults, { domain: "", scope: "", result: "" });
  else if (path === "record/row/policy_evaluated/reason") begin(row.overrides, { type: "", comment: "" });
}

/** The list's last item is the one that is being read; beyond its most the last is overwritten. */
function begin<T>(list: T[], item: T): void {
  if (list.length < MOST_RESULTS) list.push(item);
}

function set<K extends string>(list: Record<K, string>[], key: K, value: string): void {
  const last = list.at(-1);
  if (last) last[key] = value;
}

function take(report: ReportDraft, row: RowDraft): void {
  report.messages += row.count;
  if (row.dkim === "pass" || row.spf === "pass") report.aligned += row.count;
  if (report.rows.length >= MOST_ROWS) {
    report.truncated = true;
    return;
  }
  row.dkimResults = row.dkimResults.filter(told);
  row.spfResults = row.spfResults.filter(told);
  row.overrides = row.overrides.filter(told);
  report.rows.push(row);
}

const told = (item: Readonly<Record<string, string>>) => Object.values(item).some((text) => text !== "");

function keepTag(policy: Record<string, string>, tag: string, text: string): void {
  if (tag === "domain" || tag.includes("/") || tag.length > 40 || text === "" || tag === "__proto__") return;
  if (Object.keys(policy).length < MOST_POLICY_TAGS) policy[tag] = text.slice(0, 100);
}

const domainOf = (text: string) => text.toLowerCase().replace(/\.$/, "").slice(0, 255);
const alignmentOf = (text: string): DmarcAlignment => (text.toLowerCase() === "pass" ? "pass" : "fail");

function countOf(text: string): number {
  const count = Number(text.replace(/[\s,_]/g, "") || "1");
  return Number.isFinite(count) && count >= 0 ? Math.min(Math.floor(count), MOST_MESSAGES) : 1;
}

/** Seconds since the epoch; some write milliseconds, some a date. 0: neither. */
function timeOf(text: string): number {
  const number = Number(text);
  if (text !== "" && Number.isFinite(number) && number >= 0)
    return Math.floor(number > 1e11 ? Math.min(number, 8e15) : number * 1000);
  const parsed = Date.parse(text);
  return Number.isFinite(parsed) && parsed > 0 ? parsed : 0;
}
