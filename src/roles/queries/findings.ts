import type { CheckResult } from "../../attestation/index.ts";
import type { Finding } from "../../web/index.ts";

/** What one check found, for a page. */
export function findingsView({ check, status, findings }: CheckResult): Finding[] {
  if (findings.length === 0)
    return [{ check, outcome: status, text: "as it should be", observed: null, remedy: null }];
  return findings.map((finding) => ({
    check,
    outcome: finding.severity === "info" ? (status === "temperror" ? "temperror" : "pass") : finding.severity,
    text: finding.why === undefined ? finding.message : `${finding.message} ${finding.why}`,
    observed: finding.observed ?? null,
    remedy: finding.remedy === undefined ? null : remedyView(finding.remedy),
  }));
}

/** A remedy is the line of a zone file that is to be published. */
function remedyView(line: string): Finding["remedy"] {
  const match = /^(\S+?)\.?\s+(?:\d+\s+)?(?:IN\s+)?([A-Z]+)\s+(.+)$/.exec(line);
  if (!match) return { text: line, record: null };
  const [, name = "", type = "", value = ""] = match;
  return { text: "Publish this record:", record: { name, type, value } };
}
