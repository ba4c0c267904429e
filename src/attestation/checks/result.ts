import type { Resolver } from "../../protocol/dns/index.ts";
import type { CheckInput, CheckName, CheckResult, Finding } from "../types.ts";

/** A check looks at the DNS of a domain and reports; it never rejects. `at` is the time of the result in ms. */
export type Check = (input: CheckInput, resolver: Resolver, at: number) => Promise<CheckResult>;

const NO_ANSWER = "dns-no-answer";

/** Fail beats temperror: one broken answer is enough to know. Temperror beats pass: without an answer nothing is. */
export function result(check: CheckName, findings: Finding[], at: number): CheckResult {
  const status = findings.some((f) => f.severity === "fail")
    ? "fail"
    : findings.some((f) => f.code === NO_ANSWER)
      ? "temperror"
      : findings.some((f) => f.severity === "warn")
        ? "warn"
        : "pass";
  return { check, status, findings, at };
}

export function noAnswer(name: string, detail: string): Finding {
  return {
    code: NO_ANSWER,
    severity: "warn",
    message: `The DNS gave no answer for ${name}. Nothing is concluded; the check runs again soon.`,
    observed: shown(detail),
  };
}

/** A TXT record as a line of a zone file; values past 255 octets are split (RFC 1035 section 3.3.14). */
export function txtRecord(name: string, text: string): string {
  const strings = text.match(/[\s\S]{1,255}/g) ?? [""];
  return `${name}. IN TXT ${strings.map((s) => `"${s.replace(/["\\]/g, "\\$&")}"`).join(" ")}`;
}

/** What outsiders wrote, cut to a length that fits pages and events. */
export function shown(text: string | readonly string[]): string {
  const joined = typeof text === "string" ? text : text.join(" | ");
  return joined.length > 1000 ? `${joined.slice(0, 999)}…` : joined;
}
