import type { Context } from "hono";
import { normalizeDomain, senderRequirements, summarize } from "../../attestation/index.ts";
import type { CheckAnswer } from "../../web/index.ts";
import type { Labeler } from "../labeler.ts";
import { CHECK_COST, type PublicChecks } from "../public-checks.ts";
import { findingsView } from "./findings.ts";

/** Answers the public page `/check`. */
export function checkQuery(
  checks: PublicChecks,
  { attestations }: Pick<Labeler, "attestations">,
): (c: Context, name: string) => Promise<CheckAnswer> {
  /** The account whose attestation the domain is compared with: one that is proven, else the only one. */
  function accountOf(domain: string): string | undefined {
    const live = attestations.byDomain(domain).filter((attestation) => attestation.endedAt === null);
    const proven = live.find((attestation) => attestation.summary === "verified");
    return (proven ?? (live.length === 1 ? live[0] : undefined))?.did;
  }

  return async (c, name) => {
    const domain = normalizeDomain(name.trim());
    if (domain === undefined) return { status: "no-domain", asked: name.slice(0, 253) };
    if (!checks.take(c, CHECK_COST).ok) return { status: "too-many", domain };
    const did = accountOf(domain);
    const taken = checks.examine({ domain, ...(did !== undefined && { did }) });
    if (taken.status === "busy") return { status: "busy", domain };
    const { attestation, results } = await taken.result;
    return {
      status: "checked",
      domain,
      at: Math.max(...results.map((result) => result.at)),
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
