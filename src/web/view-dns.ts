export type DnsRecord = { name: string; type: string; value: string };

export type Finding = {
  /** What was looked at: `spf`, `dkim`, `dmarc`, `mx`, `ptr`, `starttls`, ... */
  check: string;
  outcome: "pass" | "warn" | "fail" | "temperror";
  /** What was observed, in a sentence. */
  text: string;
  /** What DNS or the server answered, word for word; null when it said nothing. */
  observed: string | null;
  remedy: { text: string; record: DnsRecord | null } | null;
};
