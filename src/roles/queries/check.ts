import type { Context } from "hono";
import { normalizeDomain, senderRequirements, summarize } from "../../attestation/index.ts";
import type { CheckAnswer } from "../../web/index.ts";
import { CHECK_COST, type PublicChecks } from "../public-checks.ts";
import { findingsView } from "./findings.ts";

/** Answers the public page `/check`. */
export function checkQuery(checks: PublicChecks): (c: Context, name: string) => Promise<CheckAnswer> {
  return async (c, name) => {
    const domain = normalizeDomain(name.trim());
    if (domain === undefined) return { status: "no-domain", asked: name.slice(0, 253) };
    if (!checks.take(c, CHECK_COST).ok) return { status: "too-many", domain };
    const taken = checks.examine({ domain });
    if (taken.status === "busy") return { status: "busy", domain };
    const { attestation, results } = await taken.result;
    return {
      status: "checked",
      domain,
      summary: summarize(results),
      attested: attestation?.uri ?? null,
      findings: results.flatMap(findingsView),
      requirements: senderRequirements(results).map(({ provider, need, status }) => ({
        provider,
        need,
        status,
      })),
    };
  };
}
