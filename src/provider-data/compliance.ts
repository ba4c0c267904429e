import type { Compliance } from "./types.ts";

/** Gmail's requirements for senders: what each is, and what mends it where it is not met. */
const REQUIREMENTS: Record<string, { name: string; remedy: string }> = {
  SPF: { name: "SPF", remedy: "Publish the SPF record that the domain's page shows (include of the pool)." },
  DKIM: { name: "DKIM", remedy: "Publish the DKIM keys that the domain's page shows." },
  SPF_AND_DKIM: {
    name: "SPF and DKIM",
    remedy: "Publish the SPF and DKIM records that the domain's page shows.",
  },
  DMARC_POLICY: {
    name: "DMARC policy",
    remedy: "Publish a record at _dmarc: v=DMARC1; p=none is enough to begin.",
  },
  DMARC_ALIGNMENT: {
    name: "From matches SPF or DKIM",
    remedy:
      "Mail with this domain in From must be signed by it: look in the DMARC reports for who sends it otherwise.",
  },
  MESSAGE_FORMATTING: {
    name: "Form of messages",
    remedy: "One From, a Date, a Message-ID, no broken headers (RFC 5322).",
  },
  DNS_RECORDS: {
    name: "Forward and reverse DNS",
    remedy: "Every sending address needs a PTR that leads back to it: atmos egress show.",
  },
  ENCRYPTION: {
    name: "TLS",
    remedy: "Send over TLS. The pool does: look for who else sends as this domain.",
  },
  USER_REPORTED_SPAM_RATE: {
    name: "Spam reports",
    remedy:
      "Keep below 0.1 %, and never reach 0.3 %: send only to those who asked, and let them leave with one click.",
  },
  ONE_CLICK_UNSUBSCRIBE: {
    name: "One-click unsubscribe",
    remedy:
      "Send bulk mail by the bulk stream, which adds List-Unsubscribe and List-Unsubscribe-Post (RFC 8058).",
  },
  HONOR_UNSUBSCRIBE: {
    name: "Unsubscribing is honoured",
    remedy:
      "Send nothing more to those who unsubscribed, within two days. Gmail sees it at each list of its own.",
  },
};

export type ComplianceLine = {
  name: string;
  status: Compliance["status"];
  reason: string;
  remedy: string | null;
};

/** In plain words; what is not met comes first, with its remedy. */
export function complianceLines(rows: readonly Compliance[]): ComplianceLine[] {
  const order = { unmet: 0, unknown: 1, met: 2 };
  return rows
    .map(({ requirement, status, reason }) => {
      const known = REQUIREMENTS[requirement];
      const name = known?.name ?? requirement.toLowerCase().replaceAll("_", " ");
      const plain = reason.endsWith("_UNSPECIFIED") ? "" : reason.toLowerCase().replaceAll("_", " ");
      const remedy = status === "unmet" ? (known?.remedy ?? "Postmaster Tools says what to mend.") : null;
      return { name, status, reason: plain, remedy };
    })
    .sort((a, b) => order[a.status] - order[b.status] || a.name.localeCompare(b.name));
}
