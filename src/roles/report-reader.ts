import type { ReportReader } from "../feedback/index.ts";
import type { Bus } from "../platform/bus/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { PolicyBook } from "../policy/index.ts";
import { isAuthentic, type Authentication } from "../protocol/authentication/index.ts";
import { digestsOf, memberFinder, REPORTS_TOPIC } from "../report/index.ts";

/**
 * Takes reports about members' domains at a relay node: what they say goes to core on the bus, on disk before the mail is answered
 * with 250. Messages and sessions of domains that nobody here has are counted and forgotten.
 */
export function createReportReader(parts: {
  policyBook: Pick<PolicyBook, "all">;
  bus: Pick<Bus, "publish">;
  clock: Clock;
  metrics: Metrics;
}): ReportReader {
  const { policyBook, bus, clock, metrics } = parts;
  return async (report, { authentication }) => {
    if (isAuthentic(authentication) === "unknown") return "later";
    const members = policyBook.all().filter(({ membership }) => membership === "member");
    const memberOf = memberFinder(
      members.flatMap(({ did, domains }) => domains.map(({ name }) => ({ did, domain: name }))),
    );
    const from = { receivedAt: clock.now(), provenBy: proverOf(authentication) };
    const { digests } = digestsOf(report, memberOf, from);
    if (digests.length === 0) metrics.reports.inc({ kind: report.kind, outcome: "stranger" });
    await bus.publish(
      REPORTS_TOPIC,
      digests.map((digest) => ({ key: digest.did, value: digest })),
    );
    return "taken";
  };
}

/** The domain that is proven to have sent it; empty: none is. Of several the one that its author shows. */
export function proverOf(authentication: Authentication): string {
  if (isAuthentic(authentication) !== "yes") return "";
  const { dmarc, dkim, spf } = authentication;
  if (dmarc.result === "pass") return dmarc.domain.toLowerCase();
  const signed = dkim.find(({ result }) => result === "pass")?.domain;
  return (signed ?? spf.domain).toLowerCase();
}
