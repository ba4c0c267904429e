import type { EventData } from "../event/index.ts";
import { canonicalAddress } from "./address.ts";
import { keyOf, type ReportDigest } from "./digest.ts";

/**
 * `report_received`: counts, no addresses and no rows. Of DMARC `messages`, `aligned`, and those from the pool's own addresses
 * (`known`); of TLS sessions that succeeded and failed.
 */
export function reportReceived(digest: ReportDigest, known: Iterable<string>): EventData {
  const { did, domain, kind, organization, begin, end, provenBy } = digest;
  const told = { kind, organization, begin, end, proven_by: provenBy };
  return {
    dedupe_key: `report:${keyOf(digest)}`,
    member: { did, domain },
    detail: { ...told, ...(kind === "dmarc" ? ofDmarc(digest, known) : ofTls(digest)) },
  };
}

function ofDmarc({ sources, messages, aligned }: ReportDigest, known: Iterable<string>) {
  const pool = new Set([...known].map(canonicalAddress));
  const ours = sources.filter(({ ip }) => pool.has(ip));
  const sum = (key: "messages" | "aligned") => ours.reduce((total, row) => total + row[key], 0);
  return { messages, aligned, ours: sum("messages"), ours_aligned: sum("aligned") };
}

const ofTls = ({ messages, aligned }: ReportDigest) => ({ succeeded: aligned, failed: messages - aligned });
