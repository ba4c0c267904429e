import { describe, expect, test } from "vitest";
import type { CheckName, CheckResult, CheckStatus } from "../types.ts";
import { senderRequirements } from "./requirements.ts";

const result = (check: CheckName, status: CheckStatus, ...codes: string[]): CheckResult => ({
  check,
  status,
  findings: codes.map((code) => ({ code, severity: status === "fail" ? "fail" : "info", message: "." })),
  at: 0,
});
const sound = [
  result("spf", "pass"),
  result("dkim", "pass"),
  result("dmarc", "warn", "dmarc-none"),
  result("mx", "pass"),
  result("ptr", "pass"),
];

/** The rows that do not pass: provider, what it asks for, status. */
function missed(...changed: CheckResult[]): string[] {
  const all = new Map([...sound, ...changed].map((r) => [r.check, r]));
  return senderRequirements([...all.values()])
    .filter((row) => row.status !== "pass")
    .map((row) => `${row.provider}: ${row.need.split(" ")[0]} ${row.status} ${row.because.join(" ")}`.trim());
}

const all = (row: string) => ["gmail", "yahoo", "microsoft"].map((provider) => `${provider}: ${row}`);

describe("what providers ask of senders", () => {
  test("a sound domain meets it, and p=none is enough", () => {
    expect(missed()).toEqual([]);
    expect(senderRequirements(sound)).toHaveLength(16);
  });
  test("each check decides its rows", () => {
    expect(missed(result("spf", "fail", "spf-missing"))).toEqual(all("SPF fail spf-missing"));
    expect(missed(result("ptr", "fail", "ptr-missing"))).toEqual([
      "gmail: Names fail ptr-missing",
      "yahoo: Names fail ptr-missing",
    ]);
    expect(missed(result("mx", "pass", "mx-null"))).toEqual(["microsoft: The fail mx-null"]);
    expect(missed(result("dmarc", "fail", "dmarc-missing"))).toEqual([
      ...all("DMARC fail dmarc-missing"),
      ...["gmail", "yahoo", "microsoft"].map((p) => `${p}: From: fail dmarc-missing`),
    ]);
    expect(missed(result("dmarc", "warn", "dmarc-no-policy"))).toHaveLength(6);
  });
  test("without DKIM, SPF carries alignment unless the envelope is another's", () => {
    const broken = result("dkim", "fail", "dkim-missing");
    expect(missed(broken)).toEqual(all("DKIM fail dkim-missing"));
    expect(missed(broken, result("dmarc", "pass", "dmarc-spf-unaligned"))).toHaveLength(6);
  });
  test("what was not seen is unknown, not failed", () => {
    expect(missed(result("dkim", "pass", "dkim-not-checked"))).toEqual(all("DKIM unknown dkim-not-checked"));
    expect(missed(result("spf", "temperror"))).toEqual(all("SPF unknown"));
    expect(senderRequirements([]).every((row) => row.status === "unknown")).toBe(true);
  });
});
