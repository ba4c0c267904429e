import type { EventData } from "../event/index.ts";
import type { InspectedDmarcReport, InspectedTlsReport } from "../protocol/inspect/types.ts";
import { canonicalAddress } from "./address.ts";

export type Report = InspectedDmarcReport | InspectedTlsReport;

/** What makes a report the same report: it is sent by mail to several addresses, and again after a fault. */
export const keyOf = (report: Report, domain: string): string =>
  JSON.stringify([report.kind, report.organization.toLowerCase(), report.reportId, domain.toLowerCase()]);

/**
 * `report_received`: counts, no addresses and no rows. Of DMARC `messages`, `aligned`, and those from the pool's own addresses
 * (`known`); of TLS sessions that succeeded and failed.
 */
export function reportReceived(
  report: Report,
  { did, domain }: { did: string; domain: string },
  known: Iterable<string>,
): EventData {
  const told = { kind: report.kind, organization: report.organization, begin: report.begin, end: report.end };
  return {
    dedupe_key: `report:${keyOf(report, domain)}`,
    member: { did, domain },
    detail: { ...told, ...(report.kind === "dmarc" ? ofDmarc(report, known) : ofTls(report)) },
  };
}

function ofDmarc({ rows, messages, aligned }: InspectedDmarcReport, known: Iterable<string>) {
  const pool = new Set([...known].map(canonicalAddress));
  const ours = rows.filter(({ sourceIp }) => pool.has(canonicalAddress(sourceIp)));
  const sum = (list: typeof rows) => list.reduce((total, { count }) => total + count, 0);
  const passed = ours.filter(({ dkim, spf }) => dkim === "pass" || spf === "pass");
  return { messages, aligned, ours: sum(ours), ours_aligned: sum(passed) };
}

function ofTls({ policies }: InspectedTlsReport) {
  const sum = (key: "succeeded" | "failed") => policies.reduce((total, policy) => total + policy[key], 0);
  return { succeeded: sum("succeeded"), failed: sum("failed") };
}
